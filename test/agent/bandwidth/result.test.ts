import { expect, it } from 'vitest'
import { openBudget } from '../../../agent/bandwidth/budget.ts'
import { causeOfFailure } from '../../../agent/bandwidth/result.ts'
import { createCounterReader } from '../../../agent/counters.ts'
import { AppError } from '../../../core/errors.ts'

const thrownBy = async (act: () => unknown): Promise<unknown> => {
  try {
    await act()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

it.each([
  [
    'a month that is used up',
    'byte_cap',
    () => openBudget({ file: undefined, link: 'wan', limitBytes: 10, now: Date.now }).charge(11),
  ],
  ['an interface that is gone', 'counter_lost', () => createCounterReader('gone0', { source: 'procfs' }).read()],
  [
    'an interface that goes while it is looked at',
    'counter_lost',
    () => Promise.reject(new AppError('io', 'Interface wan0 has disappeared.', { interface: 'wan0' })),
  ],
  ['a disk that is full', undefined, () => Promise.reject(new AppError('io', 'full'))],
  ['a busy testpoint', 'testpoint_failed', () => Promise.reject(new AppError('testpoint_busy', 'busy'))],
  ['a fault of the program', undefined, () => Promise.reject(new TypeError('x'))],
])('a direction that could not be tested tells %s', async (_, cause, act) => {
  expect(causeOfFailure(await thrownBy(act))).toBe(cause)
})
