import { describe, expect, test } from 'vitest'
import { standardSchema } from '../../../core/standard.ts'
import { judgeSite, windowOf, worstOf } from '../../../collector/judge/verdict.ts'
import { hourMs, M, row, type Said, standard } from './rows.ts'

const start = Date.parse('2026-11-16T00:00:00Z')
const window = { from: start, to: start + 8 * 24 * hourMs }
const frame = { standard, timezone: 'Asia/Shanghai', window }
const wan = [{ id: 'wan', downBps: 500 * M, upBps: 500 * M }]
const at = (trial: number) => start + trial * 8 * hourMs
const many = (count: number, said: Omit<Said, 'time'>, first = 0): Said[] =>
  Array.from({ length: count }, (_, i) => ({ ...said, time: at(first + i) }))

type Case = {
  name: string
  said: Said[]
  target?: number
  expected: { verdict: string; reason?: string; trials: number; met: number; inconclusive?: number }
}

const cases: Case[] = [
  {
    name: 'all of six trials met',
    said: many(6, { outcome: 'met' }),
    expected: { verdict: 'met', trials: 6, met: 6 },
  },
  {
    name: 'five of six met: above the share',
    said: [...many(5, { outcome: 'met' }), ...many(1, { outcome: 'below' }, 5)],
    expected: { verdict: 'met', trials: 6, met: 5 },
  },
  {
    name: 'exactly the share is enough',
    said: [...many(8, { outcome: 'met' }), ...many(2, { outcome: 'below' }, 8)],
    expected: { verdict: 'met', trials: 10, met: 8 },
  },
  {
    name: 'four of six met: below the share',
    said: [...many(4, { outcome: 'met' }), ...many(2, { outcome: 'below' }, 4)],
    expected: { verdict: 'below', trials: 6, met: 4 },
  },
  {
    name: 'five trials are too few, however bad',
    said: many(5, { outcome: 'below' }),
    expected: { verdict: 'unknown', reason: 'too_few_trials', trials: 5, met: 0 },
  },
  {
    name: 'inconclusive trials neither count nor make enough',
    said: [...many(5, { outcome: 'met' }), ...many(9, { outcome: 'inconclusive', cause: 'busy_line' }, 5)],
    expected: { verdict: 'unknown', reason: 'too_few_trials', trials: 5, met: 5, inconclusive: 9 },
  },
  {
    name: 'self-tests are never judged',
    said: many(20, { outcome: 'met', method: 'self_test' }),
    expected: { verdict: 'unknown', reason: 'self_test_only', trials: 0, met: 0 },
  },
  {
    name: 'self-tests do not help real trials over the count',
    said: [...many(5, { outcome: 'met' }), ...many(5, { outcome: 'met', method: 'self_test' }, 5)],
    expected: { verdict: 'unknown', reason: 'too_few_trials', trials: 5, met: 5 },
  },
  {
    name: 'a passive result is a trial',
    said: many(6, { outcome: 'met', method: 'passive', trigger: 'passive' }),
    expected: { verdict: 'met', trials: 6, met: 6 },
  },
  {
    name: 'a below that its confirmation contradicts is a met trial',
    said: many(6, { outcome: 'below' }).flatMap((said) => [
      said,
      { time: said.time + 60_000, outcome: 'met', trigger: 'confirmation' },
    ]),
    expected: { verdict: 'met', trials: 6, met: 6 },
  },
  {
    name: 'a below with its confirmation is one trial, not two',
    said: many(3, { outcome: 'below' }).flatMap((said) => [
      said,
      { time: said.time + 60_000, outcome: 'below', trigger: 'confirmation' },
    ]),
    expected: { verdict: 'unknown', reason: 'too_few_trials', trials: 3, met: 0 },
  },
  { name: 'nothing was measured', said: [], expected: { verdict: 'unknown', reason: 'no_trials', trials: 0, met: 0 } },
  {
    name: 'a raised target leaves out what only proved the old one',
    said: many(9, { outcome: 'met', rate: 110 * M, target: 100 * M }),
    expected: { verdict: 'unknown', reason: 'no_trials', trials: 0, met: 0 },
  },
  {
    name: 'a raised target is met by a rate that reaches it anyway',
    said: many(6, { outcome: 'met', rate: 480 * M, target: 100 * M }),
    expected: { verdict: 'met', trials: 6, met: 6 },
  },
  {
    name: 'a lowered target is met by a rate that was below the old one',
    said: many(6, { outcome: 'below', rate: 96 * M, target: 500 * M }),
    target: 100 * M,
    expected: { verdict: 'met', trials: 6, met: 6 },
  },
  {
    name: 'a lowered target is still missed by a rate under its threshold',
    said: many(6, { outcome: 'below', rate: 94 * M, target: 500 * M }),
    target: 100 * M,
    expected: { verdict: 'below', trials: 6, met: 0 },
  },
]

describe('the verdict of one direction', () => {
  test.each(cases)('$name', ({ said, target = 500 * M, expected }) => {
    const verdict = judgeSite('s1', [{ id: 'wan', downBps: target, upBps: target }], said.map(row), frame)
    expect(verdict.directions[0]).toMatchObject({ link: 'wan', direction: 'down', targetBps: target, ...expected })
    expect(verdict.directions[0]?.reason).toBe(expected.reason)
    expect(verdict).toMatchObject({ verdict: expected.verdict })
  })

  test('does not depend on the order in which results arrived', () => {
    const said = [...many(5, { outcome: 'met' }), ...many(3, { outcome: 'below' }, 5)].map(row)
    expect(judgeSite('s1', wan, said.toReversed(), frame)).toEqual(judgeSite('s1', wan, said, frame))
  })

  test('gives median and worst of the counted trials', () => {
    const rates = [470, 480, 490, 500, 510, 200]
    const said = rates.map((rate, i) => row({ time: at(i), outcome: rate < 475 ? 'below' : 'met', rate: rate * M }))
    const verdict = judgeSite('s1', wan, said, frame).directions[0]
    expect(verdict).toMatchObject({ medianBps: 485 * M, worstBps: 200 * M, metRatio: 4 / 6 })
  })

  test('ignores a row whose outcome this version does not know', () => {
    const unknown = { ...row({ time: at(0), outcome: 'met' }) }
    unknown.fields = { ...unknown.fields, outcome: 9 }
    expect(judgeSite('s1', wan, [unknown], frame).directions[0]).toMatchObject({ trials: 0, evidence: [] })
  })
})

describe('the evidence', () => {
  test('lists every trial and test, newest first, with why it was left out', () => {
    const said: Said[] = [
      { time: at(0), outcome: 'met' },
      { time: at(1), outcome: 'inconclusive', cause: 'client_limited' },
      { time: at(2), outcome: 'met', method: 'self_test' },
      { time: at(3), outcome: 'met', rate: 100 * M, target: 100 * M },
      { time: at(4), outcome: 'below', rate: 200 * M },
      { time: at(4) + 60_000, outcome: 'below', rate: 210 * M, trigger: 'confirmation' },
    ]
    const { evidence, latest } = judgeSite('s1', wan, said.map(row), frame).directions[0] ?? {}
    expect(evidence?.map(({ time, counted, leftOut, tests }) => ({ time, counted, leftOut, tests }))).toEqual([
      { time: at(4), counted: true, leftOut: undefined, tests: 2 },
      { time: at(3), counted: false, leftOut: 'target_changed', tests: 1 },
      { time: at(2), counted: false, leftOut: 'self_test', tests: 1 },
      { time: at(1), counted: false, leftOut: 'inconclusive', tests: 1 },
      { time: at(0), counted: true, leftOut: undefined, tests: 1 },
    ])
    expect(evidence?.[0]).toMatchObject({ outcome: 'below', linkRateBps: 210 * M, trigger: 'scheduled' })
    expect(latest).toBe(evidence?.[0])
  })
})

describe('the verdict of a site', () => {
  const directions = (down: Said['outcome'], up: Said['outcome']) => [
    ...many(6, { outcome: down, direction: 'down' }).map(row),
    ...many(6, { outcome: up, direction: 'up' }).map(row),
  ]
  const both = standardSchema.parse({ ...standard, directions: ['down', 'up'] })

  test('rests on the directions of the standard only', () => {
    expect(judgeSite('s1', wan, directions('met', 'below'), frame).verdict).toBe('met')
    expect(judgeSite('s1', wan, directions('met', 'below'), { ...frame, standard: both }).verdict).toBe('below')
  })

  test('is that of its worst link', () => {
    const links = [...wan, { id: 'backup', downBps: 100 * M, upBps: 100 * M }]
    const rows = directions('met', 'met')
    const judged = judgeSite('s1', links, rows, frame)
    expect(judged).toMatchObject({ verdict: 'unknown', reason: 'no_trials' })
    expect(judged.directions.map(({ link, verdict }) => [link, verdict])).toEqual([
      ['wan', 'met'],
      ['wan', 'met'],
      ['backup', 'unknown'],
      ['backup', 'unknown'],
    ])
  })

  test('ignores results of links that the site does not have', () => {
    const rows = many(6, { outcome: 'below', link: 'gone' }).map(row)
    expect(judgeSite('s1', wan, rows, frame).verdict).toBe('unknown')
  })

  test('is unknown for a site without links', () => {
    expect(judgeSite('s1', [], [], frame)).toMatchObject({ verdict: 'unknown', reason: 'no_trials' })
  })

  test.each([
    [['met', 'met'], 'met'],
    [['met', 'unknown'], 'unknown'],
    [['unknown', 'below', 'met'], 'below'],
    [[], 'unknown'],
  ] as const)('the worst of %j is %s', (all, expected) => {
    expect(worstOf(all)).toBe(expected)
  })
})

test('the window begins with a local day, whole days before today', () => {
  const now = Date.parse('2026-11-23T02:30:00+08:00')
  expect(windowOf(standard, now, 'Asia/Shanghai')).toEqual({
    from: Date.parse('2026-11-16T00:00:00+08:00'),
    to: now + 1,
  })
})
