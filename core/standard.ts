/** The standard a link is held to, and the rule that turns trials into a verdict. Pure functions; sources in the data. */
import { z } from 'zod'
import type { Cause, Method, Outcome, Trigger, Verdict } from './catalog.ts'
import { liveClassSchema } from './readiness.ts'
import { rateSchema } from './units.ts'

/** Kinds of schools; they decide the target (POLICY.md). */
export const categories = ['town', 'rural', 'teaching-point', 'kindergarten', 'special'] as const
export type Category = (typeof categories)[number]

export const directions = ['down', 'up'] as const
export type Direction = (typeof directions)[number]

const ratio = z.number().min(0).max(1)

export const ruleSchema = z.strictObject({
  preset: z
    .literal('share')
    .default('share')
    .describe('How trials become a verdict: a share of them must meet the target.'),
  window_days: z.int().min(1).max(366).default(7).describe('Days that a verdict looks back.'),
  min_trials: z.int().min(1).max(1000).default(6).describe('Conclusive trials below which the verdict is unknown.'),
  min_share: ratio.default(0.8).describe('Share of conclusive trials that must have met the target.'),
})
export type Rule = z.output<typeof ruleSchema>

export const standardSchema = z.strictObject({
  id: z.string().describe('Name of the standard; the district refers to it.'),
  title: z
    .strictObject({ en: z.string().describe('In English.'), zh: z.string().describe('In Chinese.') })
    .describe('Shown in reports.'),
  source: z.string().describe('The document that the figures come from.'),
  threshold_ratio: ratio
    .default(0.95)
    .describe(
      'A link rate at or above this share of the target, at the Ethernet layer, meets it: a perfect port shows 0.984 of its name.',
    ),
  directions: z
    .array(z.enum(directions))
    .min(1)
    .default(['down'])
    .describe('Directions that count for the verdict; both are measured.'),
  targets_bps: z
    .strictObject(
      Object.fromEntries(categories.map((c) => [c, rateSchema.describe(`For sites of category ${c}.`)])) as Record<
        Category,
        typeof rateSchema
      >,
    )
    .describe('Target of each category of school.'),
  rule: ruleSchema.prefault({}).describe('How trials become a verdict.'),
  live_class: liveClassSchema.prefault({}).describe('What a live dual-teacher class needs of the path.'),
})
export type Standard = z.output<typeof standardSchema>

export const standardsFileSchema = z.strictObject({
  standards: z.array(standardSchema).min(1).describe('Standards to judge by; the first is the default.'),
})

/** The target of a link: that of its school's category or its own contract, whichever is larger (POLICY.md). */
export function targetOf(standard: Standard, category: Category, ownBps = 0): number {
  return Math.max(standard.targets_bps[category], ownBps)
}

/** One stored bandwidth result, as the rules see it. */
export type Result = {
  time: number
  outcome: Outcome
  cause: Cause
  method: Method
  trigger: Trigger
  linkRateBps: number | null
  targetBps: number | null
  testpoint: string
}

/** A test together with its confirmations: one trial. */
export type Trial = { time: number; outcome: Outcome; cause: Cause; linkRateBps: number | null; results: Result[] }

export type WindowVerdict = {
  verdict: Verdict
  /** Why it is unknown; undefined otherwise. */
  reason?: 'no_trials' | 'too_few_trials' | 'self_test_only'
  counted: Trial[]
  leftOut: Trial[]
  metCount: number
  metRatio: number | null
  medianBps: number | null
  worstBps: number | null
  latest: Trial | undefined
}

/** A confirmation follows its test at once; after this it belongs to nothing. */
const confirmationWithinMs = 3_600_000

/** Joins results of one link and direction to trials. Self-tests are no trials. The order of arrival does not matter. */
export function trialsOf(results: readonly Result[]): Trial[] {
  const sorted = results.filter((result) => result.method !== 'self_test').toSorted((a, b) => a.time - b.time)
  const trials: Trial[] = []
  for (const result of sorted) {
    const trial = trials.at(-1)
    if (result.trigger === 'confirmation' && trial !== undefined && result.time - trial.time <= confirmationWithinMs) {
      trial.results.push(result)
      Object.assign(trial, confirmed(trial.results))
    } else {
      trials.push({ ...result, results: [result] })
    }
  }
  return trials
}

/** A `below` stands when nothing that followed contradicts it; a confirmation without conclusion leaves the trial without one. */
function confirmed(results: readonly Result[]): Pick<Trial, 'outcome' | 'cause' | 'linkRateBps'> {
  const best = results.reduce((a, b) => ((b.linkRateBps ?? 0) > (a.linkRateBps ?? 0) ? b : a))
  const { outcome, cause } =
    results.find((r) => r.outcome === 'met') ?? results.find((r) => r.outcome === 'inconclusive') ?? best
  return { outcome, cause, linkRateBps: best.linkRateBps }
}

/** The verdict of the `share` rule over the results of one link and direction within its window. */
export function judgeWindow(results: readonly Result[], rule: Rule): WindowVerdict {
  const trials = trialsOf(results)
  const counted = trials.filter((trial) => trial.outcome !== 'inconclusive')
  const leftOut = trials.filter((trial) => trial.outcome === 'inconclusive')
  const rates = counted.flatMap((trial) => trial.linkRateBps ?? []).toSorted((a, b) => a - b)
  const metCount = counted.filter((trial) => trial.outcome === 'met').length
  const summary = {
    counted,
    leftOut,
    metCount,
    metRatio: counted.length === 0 ? null : metCount / counted.length,
    medianBps: median(rates),
    worstBps: rates[0] ?? null,
    latest: trials.at(-1),
  }
  if (counted.length < rule.min_trials) {
    const reason = trials.length > 0 ? 'too_few_trials' : results.length > 0 ? 'self_test_only' : 'no_trials'
    return { verdict: 'unknown', reason, ...summary }
  }
  return { verdict: metCount / counted.length >= rule.min_share ? 'met' : 'below', ...summary }
}

function median(sorted: readonly number[]): number | null {
  if (sorted.length === 0) return null
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
