import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultMonthlyBytes, openBudget } from '../../../agent/bandwidth/budget.ts'
import { isAppError } from '../../../core/errors.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-budget-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const november = Date.UTC(2026, 10, 23)
const open = (given: { link?: string; limitBytes?: number; time?: number; file?: string | undefined } = {}) => {
  const { link = 'wan', limitBytes = 1000, time = november } = given
  return openBudget({
    file: 'file' in given ? given.file : join(folder, 'budget.json'),
    link,
    limitBytes,
    now: () => time,
  })
}

describe('the byte budget of a month', () => {
  it('is charged, given back, and kept across restarts', () => {
    const budget = open()
    budget.charge(600)
    budget.refund(500)
    expect(open().account()).toEqual({ usedBytes: 100, limitBytes: 1000 })
  })

  it('charges before the test: a crash in the middle does not make bytes disappear', () => {
    open().charge(600)
    expect(open().account().usedBytes).toBe(600)
  })

  it('keeps what others charge while a test runs', () => {
    const test = open()
    test.charge(600)
    open().charge(30)
    open({ link: 'second' }).charge(7)
    test.refund(500)
    expect(open().account().usedBytes).toBe(130)
    expect(open({ link: 'second' }).account().usedBytes).toBe(7)
    expect(test.account().usedBytes).toBe(130)
  })

  it('refuses a test that might pass it, and says what to do', () => {
    const budget = open()
    budget.charge(600)
    const again = () => budget.charge(401)
    expect(again).toThrow(
      /link wan has used 600 B of 1 kB for tests in 2026-11; .* Raise limits.bandwidth_bytes_per_month/,
    )
    expect(budget.account().usedBytes).toBe(600)
    try {
      again()
    } catch (error) {
      expect(isAppError(error, 'probe_failed')).toBe(true)
    }
  })

  it('begins anew with the month, and belongs to one link', () => {
    open().charge(900)
    expect(open({ link: 'second' }).account().usedBytes).toBe(0)
    expect(open({ time: Date.UTC(2026, 11, 1) }).account().usedBytes).toBe(0)
    open({ link: 'second' }).charge(10)
    expect(open().account().usedBytes).toBe(900)
  })

  it('outlives a boot with the clock in 1970', () => {
    open().charge(900)
    open({ time: 60_000 }).charge(10)
    expect(open().account().usedBytes).toBe(900)
    open().charge(10)
    expect(open().account().usedBytes).toBe(910)
  })

  it('keeps the months of a year', () => {
    for (let month = 0; month < 20; month++) open({ time: Date.UTC(2026, month, 1) }).charge(month)
    const { used_bytes } = JSON.parse(readFileSync(join(folder, 'budget.json'), 'utf8'))
    expect(Object.keys(used_bytes).toSorted().at(-1)).toBe('2027-08')
    expect(Object.keys(used_bytes).length).toBeLessThanOrEqual(13)
  })

  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])('refuses %f bytes', (bytes) => {
    const budget = open()
    budget.charge(600)
    expect(() => budget.refund(bytes)).toThrow(/cannot be charged/)
    expect(open().account().usedBytes).toBe(600)
  })

  it.each(['', '{', '{"v":2}', '{"v":1,"used_bytes":{"2026-11":{"wan":-1}}}'])(
    'begins anew when the file holds %j',
    (text) => {
      writeFileSync(join(folder, 'budget.json'), text)
      const budget = open()
      expect(budget.account().usedBytes).toBe(0)
      budget.charge(5)
      expect(JSON.parse(readFileSync(join(folder, 'budget.json'), 'utf8'))).toEqual({
        v: 1,
        used_bytes: { '2026-11': { wan: 5 } },
      })
    },
  )

  it('works without a file, and says when its file cannot be written', () => {
    const memory = open({ file: undefined })
    memory.charge(5)
    expect(memory.account().usedBytes).toBe(5)
    expect(() => open({ file: join(folder, 'missing', 'budget.json') }).charge(1)).toThrow(
      /Cannot keep the byte budget/,
    )
  })

  it('is what the design says at 500 and 100 Mbit/s', () => {
    expect(defaultMonthlyBytes(500e6)).toBe(30e9)
    expect(defaultMonthlyBytes(100e6)).toBe(10e9)
  })
})
