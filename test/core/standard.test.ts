import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Cause, Method, Outcome, Trigger } from '../../core/catalog.ts'
import {
  type Basis,
  judgeWindow,
  type Result,
  ruleSchema,
  standardSchema,
  targetOf,
  trialsOf,
} from '../../core/standard.ts'

const minute = 60_000
const basis: Basis = { threshold_ratio: 0.95, dayOf: (time) => Math.floor(time / 86_400_000) }
const noon = Date.parse('2026-11-23T12:00:00Z')

function result(minutes: number, outcome: Outcome, more: Partial<Result> = {}): Result {
  return {
    time: noon + minutes * minute,
    outcome,
    cause: outcome === 'inconclusive' ? 'unstable' : 'none',
    method: 'counter',
    trigger: 'scheduled',
    linkRateBps: outcome === 'below' ? 60e6 : 98e6,
    targetBps: 100e6,
    testpoint: 'district-1',
    agent: 'a-gw1',
    ...more,
  }
}
const again = (minutes: number, outcome: Outcome, more: Partial<Result> = {}) =>
  result(minutes, outcome, { trigger: 'confirmation', ...more })

describe('the target of a link', () => {
  const standard = standardSchema.parse({
    id: 's',
    title: { en: 'S', zh: 'S' },
    source: 'test',
    targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
  })

  it.each([
    ['town', undefined, 500e6],
    ['rural', undefined, 100e6],
    ['rural', 300e6, 300e6],
    ['town', 300e6, 500e6],
    ['special', 0, 100e6],
  ] as const)('of a %s school with a contract of %s is %d', (category, own, target) => {
    expect(targetOf(standard, category, own)).toBe(target)
  })
})

describe('a trial', () => {
  const outcomes = (...results: Result[]) => trialsOf(results).map(({ outcome }) => outcome)

  it.each<[string, Result[], Outcome[]]>([
    ['is each test by itself', [result(0, 'met'), result(60, 'below')], ['met', 'below']],
    ['that is below and confirmed is below', [result(0, 'below'), again(2, 'below')], ['below']],
    ['that is below and then met is met', [result(0, 'below'), again(2, 'met')], ['met']],
    [
      'that is below and then without conclusion has none',
      [result(0, 'below'), again(2, 'inconclusive')],
      ['inconclusive'],
    ],
    [
      'that is met by any confirmation is met',
      [result(0, 'below'), again(2, 'inconclusive'), again(4, 'met')],
      ['met'],
    ],
    ['does not reach over an hour', [result(0, 'below'), again(61, 'met')], ['below', 'met']],
    ['reaches just as far as an hour', [result(0, 'below'), again(60, 'met')], ['met']],
    [
      'begins anew with each scheduled test',
      [result(0, 'below'), result(1, 'below'), again(2, 'met')],
      ['below', 'met'],
    ],
    [
      'is confirmed past what ordinary traffic showed meanwhile',
      [result(0, 'below'), result(1, 'met', { method: 'passive', trigger: 'passive' }), again(2, 'met')],
      ['met', 'met'],
    ],
    [
      'is no passive result, which nothing confirms',
      [result(0, 'met', { method: 'passive', trigger: 'passive' }), again(2, 'below')],
      ['met', 'below'],
    ],
    [
      'is confirmed by its own agent only',
      [result(0, 'below'), result(1, 'below', { agent: 'b-gw1' }), again(2, 'met')],
      ['met', 'below'],
    ],
    ['may be a confirmation whose test is lost', [again(0, 'below')], ['below']],
    ['is no self-test', [result(0, 'met', { method: 'self_test' }), result(1, 'below')], ['below']],
    ['is none of nothing', [], []],
  ])('%s', (_, results, expected) => {
    expect(outcomes(...results)).toEqual(expected)
  })

  it('has the best rate of its tests, and all of them as evidence', () => {
    const tests = [
      result(0, 'below', { linkRateBps: 60e6 }),
      again(1, 'below', { linkRateBps: 80e6 }),
      again(2, 'below', { linkRateBps: null }),
    ]
    const [trial] = trialsOf(tests)
    expect(trial).toMatchObject({ time: noon, outcome: 'below', linkRateBps: 80e6 })
    expect(trial?.results).toEqual(tests)
  })

  it('has the cause of the test that decided', () => {
    const busy: Partial<Result> = { cause: 'busy_line' }
    expect(trialsOf([result(0, 'below'), again(1, 'inconclusive', busy)])[0]).toMatchObject({ cause: 'busy_line' })
    expect(trialsOf([result(0, 'below'), again(1, 'met')])[0]).toMatchObject({ cause: 'none' })
  })
})

describe('the verdict of a window', () => {
  it('asks of a mean no more than of a test, which ends at the threshold', () => {
    const tests = Array.from({ length: 6 }, (_, i) => result(i * 300, 'met', { linkRateBps: 86e6 }))
    const contract = ruleSchema.parse({ preset: 'contract-90' })
    expect(judgeWindow(tests, contract, { ...basis, threshold_ratio: 0.85 }).verdict).toBe('met')
    const slow = tests.map((test) => ({ ...test, outcome: 'below' as const, linkRateBps: 84e6 }))
    expect(judgeWindow(slow, contract, { ...basis, threshold_ratio: 0.85 }).verdict).toBe('below')
  })

  const rule = ruleSchema.parse({})
  const many = (met: number, below: number, inconclusive = 0) => [
    ...Array.from({ length: met }, (_, i) => result(i * 300, 'met')),
    ...Array.from({ length: below }, (_, i) => result(10_000 + i * 300, 'below')),
    ...Array.from({ length: inconclusive }, (_, i) => result(20_000 + i * 300, 'inconclusive')),
  ]

  it.each([
    [6, 0, 0, 'met', undefined],
    [5, 1, 0, 'met', undefined],
    [8, 2, 0, 'met', undefined],
    [7, 2, 9, 'below', undefined],
    [4, 2, 0, 'below', undefined],
    [0, 6, 0, 'below', undefined],
    [5, 0, 0, 'unknown', 'too_few_trials'],
    [0, 5, 9, 'unknown', 'too_few_trials'],
    [0, 0, 1, 'unknown', 'too_few_trials'],
    [0, 0, 0, 'unknown', 'no_trials'],
  ] as const)('of %d met, %d below and %d inconclusive is %s (%s)', (met, below, inconclusive, verdict, reason) => {
    const judged = judgeWindow(many(met, below, inconclusive), rule, basis)
    expect(judged).toMatchObject({ verdict, metCount: met })
    expect(judged.reason).toBe(reason)
    expect(judged.counted).toHaveLength(met + below)
    expect(judged.leftOut).toHaveLength(inconclusive)
    expect(judged.metRatio).toBe(met + below === 0 ? null : met / (met + below))
  })

  it('is unknown for self-tests alone, and says so', () => {
    const tests = Array.from({ length: 9 }, (_, i) => result(i, 'met', { method: 'self_test' }))
    expect(judgeWindow(tests, rule, basis)).toMatchObject({ verdict: 'unknown', reason: 'self_test_only', counted: [] })
  })

  it('tells median, worst and latest of what counted', () => {
    const rates = (...list: number[]) => list.map((rate, i) => result(i * 100, 'met', { linkRateBps: rate }))
    expect(judgeWindow(rates(5, 1, 3), rule, basis)).toMatchObject({
      medianBps: 3,
      worstBps: 1,
      latest: { linkRateBps: 3 },
    })
    expect(judgeWindow(rates(5, 1, 3, 4), rule, basis)).toMatchObject({ medianBps: 3.5, worstBps: 1 })
    expect(judgeWindow([result(0, 'met', { linkRateBps: null })], rule, basis)).toMatchObject({
      medianBps: null,
      worstBps: null,
    })
    expect(judgeWindow([], rule, basis).latest).toBeUndefined()
  })

  describe('over any results', () => {
    const any = fc.array(
      fc.record<Result>({
        // Apart, so that their order in time is one only.
        time: fc.nat({ max: 400 }).map((n) => noon + n * minute),
        outcome: fc.constantFrom<Outcome>('below', 'met', 'inconclusive'),
        cause: fc.constantFrom<Cause>('none', 'busy_line'),
        method: fc.constantFrom<Method>('counter', 'passive', 'self_test'),
        trigger: fc.constantFrom<Trigger>('scheduled', 'confirmation', 'manual'),
        linkRateBps: fc.option(fc.nat({ max: 1000 })),
        targetBps: fc.constant(100),
        testpoint: fc.constant('t'),
        agent: fc.constantFrom('a-gw1', 'b-gw1'),
      }),
      { maxLength: 30 },
    )
    const distinct = any.map((list) => [...new Map(list.map((each) => [each.time, each])).values()])

    it('does not depend on the order of arrival', () => {
      fc.assert(
        fc.property(
          distinct.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
          ([list, shuffled]) => {
            expect(judgeWindow(shuffled, rule, basis)).toEqual(judgeWindow(list, rule, basis))
          },
        ),
      )
    })

    it('never changes from met to below by one more that is met', () => {
      fc.assert(
        fc.property(distinct, (list) => {
          const before = judgeWindow(list, rule, basis)
          const after = judgeWindow([...list, result(100_000, 'met')], rule, basis)
          if (before.verdict === 'met') expect(after.verdict).toBe('met')
          expect(after.metCount).toBe(before.metCount + 1)
        }),
      )
    })

    it('counts every test that is none of itself exactly once', () => {
      fc.assert(
        fc.property(distinct, (list) => {
          const { counted, leftOut } = judgeWindow(list, rule, basis)
          const within = [...counted, ...leftOut].flatMap(({ results }) => results)
          expect(new Set(within).size).toBe(within.length)
          expect(within).toHaveLength(list.filter(({ method }) => method !== 'self_test').length)
        }),
      )
    })
  })
})
