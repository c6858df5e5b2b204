/** The standard a link is held to, and the rule that turns trials into a verdict. Pure functions; sources in the data. */
import { z } from 'zod'
import type { Cause, Method, Outcome, Text, Trigger, Verdict } from './catalog.ts'
import { liveClassSchema } from './readiness.ts'
import { median } from './statistics.ts'
import { rateSchema } from './units.ts'

/** Kinds of schools; they decide the target (POLICY.md). */
export const categories = ['town', 'rural', 'teaching-point', 'kindergarten', 'special'] as const
export type Category = (typeof categories)[number]

export const directions = ['down', 'up'] as const
export type Direction = (typeof directions)[number]

const ratio = z.number().min(0).max(1)

/** What a preset demands, each clause of its own; all must hold. */
export const clauses = ['share', 'mean', 'every_day', 'few_days_under'] as const
export type Clause = (typeof clauses)[number]
export type Figures = {
  window_days: number
  min_trials: number
  min_share: number
  at_ratio: number
  daily_ratio: number
  least_ratio: number
}
type Preset = { clauses: readonly Clause[]; numbers: Partial<Figures> & Pick<Figures, 'window_days' | 'min_trials'> }

/** Rules by name: the clauses, and the figures that their source gives. A figure that is missing cannot be set. */
const presets = {
  // The plan gives no rule: the share is the 80 % of regulators, what a trial must reach is the standard's threshold.
  share: { clauses: ['share'], numbers: { window_days: 7, min_trials: 6, min_share: 0.8 } },
  // FCC DA 18-710 / 19-104: 80 % of measurements at 80 % of the required speed, over one week.
  'fcc-80-80': { clauses: ['share'], numbers: { window_days: 7, min_trials: 6, min_share: 0.8, at_ratio: 0.8 } },
  // BNetzA 2017 for EU 2015/2120 art. 4(4): 20 measurements on two days at least; 90 % of the maximum once on each day,
  // the normal speed in 90 % of them, not under the minimum on two days. A school has one target, which is its maximum;
  // normal and minimum stand in no contract of a school, their shares are ours.
  'max-normal-minimum': {
    clauses: ['every_day', 'share', 'few_days_under'],
    numbers: { window_days: 7, min_trials: 20, min_share: 0.9, at_ratio: 0.8, daily_ratio: 0.9, least_ratio: 0.5 },
  },
  // No rule of a regulator: nothing is forgiven.
  strict: { clauses: ['share'], numbers: { window_days: 7, min_trials: 6, min_share: 1 } },
  // "Wired access: average rate at least 90 % of the contracted rate." Quoted in China without a source that was found.
  'contract-90': { clauses: ['mean'], numbers: { window_days: 7, min_trials: 6, at_ratio: 0.9 } },
} as const satisfies Record<string, Preset>
export const presetNames = Object.keys(presets) as (keyof typeof presets)[]

const days = z.int().min(1).max(366)
const count = z.int().min(1).max(1000)
const usual = 'without it, that of the preset'
export const ruleSchema = z
  .strictObject({
    preset: z
      .enum(presetNames)
      .default('share')
      .describe(
        'How trials become a verdict. `share`: enough of them met the target; `fcc-80-80`: enough reached a part of it; `max-normal-minimum`: three clauses on each day, all trials and the worst; `strict`: all met it; `contract-90`: their mean reached a part of it.',
      ),
    window_days: days
      .optional()
      .describe(`Whole local days that a verdict looks back, besides the day itself; ${usual} (7).`),
    min_trials: count.optional().describe(`Conclusive trials below which the verdict is unknown; ${usual}.`),
    min_share: ratio.optional().describe(`Share of conclusive trials that must reach what is asked; ${usual}.`),
    at_ratio: ratio
      .optional()
      .describe(
        `Part of the target that a trial, or the mean, must reach; ${usual}. A test ends when it is sure of the standard’s threshold: a part beyond it is as much as it.`,
      ),
    daily_ratio: ratio.optional().describe(`Part of the target to be reached once on each day with trials; ${usual}.`),
    least_ratio: ratio.optional().describe(`Part of the target below which no trials of two days may be; ${usual}.`),
  })
  .superRefine(({ preset, ...given }, context) => {
    const neutral: Record<string, number | undefined> = noNumbers
    const wrong = Object.entries(given).filter(([key, n]) => !(key in presets[preset].numbers) && n !== neutral[key])
    for (const [name] of wrong)
      context.addIssue({ code: 'custom', path: [name], message: `the preset "${preset}" has no ${name}` })
  })
  .transform(({ preset, ...given }) => ({ preset, ...noNumbers, ...presets[preset].numbers, ...given }) as Rule)
/** `at_ratio` and the share are 1 where a preset leaves them to the threshold or has none. */
const noNumbers = { min_share: 1, at_ratio: 1, daily_ratio: 1, least_ratio: 0 }
export type Rule = Figures & { preset: keyof typeof presets }

/** The clauses of a rule, and those of its figures that they speak of. */
export function termsOf({ preset, ...figures }: Rule): { clauses: readonly Clause[]; figures: Partial<Figures> } {
  const { clauses, numbers } = presets[preset]
  return { clauses, figures: Object.fromEntries(Object.entries(figures).filter(([name]) => name in numbers)) }
}

/** Part of the target that a trial, or the mean of them, must reach. A test ends when it is sure of the threshold: it cannot show more. */
export function askedRatio({ rule, threshold_ratio }: Pick<Standard, 'rule' | 'threshold_ratio'>): number {
  return Math.min(rule.at_ratio, threshold_ratio)
}

/** A text in both languages; one that has no translation stands in both. */
const sourceSchema = z
  .union([
    z.string().transform((text): Text => ({ en: text, zh: text })),
    z.strictObject({ en: z.string(), zh: z.string() }),
  ])
  .describe('The document that the figures come from: one text, or one in each language (`en`, `zh`).')

export const standardSchema = z.strictObject({
  id: z.string().describe('Name of the standard; the district refers to it.'),
  title: z
    .strictObject({ en: z.string().describe('In English.'), zh: z.string().describe('In Chinese.') })
    .describe('Shown in reports.'),
  source: sourceSchema,
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
  agent: string
}

/** A test together with its confirmations: one trial. */
export type Trial = Pick<Result, 'time' | 'outcome' | 'cause' | 'linkRateBps' | 'targetBps'> & { results: Result[] }

export type WindowVerdict = {
  verdict: Verdict
  /** Why it is unknown; undefined otherwise. */
  reason?: 'no_trials' | 'too_few_trials' | 'self_test_only'
  /** Clauses of the rule that do not hold; empty unless it is below. */
  failed: Clause[]
  counted: Trial[]
  leftOut: Trial[]
  metCount: number
  metRatio: number | null
  medianBps: number | null
  worstBps: number | null
  latest: Trial | undefined
}
/** `dayOf`: the local day of a time. */
export type Basis = { threshold_ratio: number; dayOf: (time: number) => number }

/** A confirmation follows its test at once; after this it belongs to nothing. */
const confirmationWithinMs = 3_600_000

/** Joins results of one link and direction to trials. Self-tests are no trials. The order of arrival does not matter. */
export function trialsOf(results: readonly Result[]): Trial[] {
  const sorted = results.filter((result) => result.method !== 'self_test').toSorted(inOrder)
  const trials: Trial[] = []
  // The latest test of each agent: what traffic or another agent showed between it and its confirmation is another trial.
  const tested = new Map<string, Trial>()
  for (const result of sorted) {
    const trial = result.trigger === 'confirmation' ? tested.get(result.agent) : undefined
    if (trial !== undefined && result.time - trial.time <= confirmationWithinMs) {
      trial.results.push(result)
      Object.assign(trial, confirmed(trial.results))
    } else {
      const begun = { ...result, results: [result] }
      trials.push(begun)
      if (result.method !== 'passive') tested.set(result.agent, begun)
    }
  }
  return trials
}

/** By time; of two agents at the same instant by what they said, however it arrived. */
function inOrder(a: Result, b: Result): number {
  const isAgain = ({ trigger }: Result) => Number(trigger === 'confirmation')
  return (
    a.time - b.time ||
    isAgain(a) - isAgain(b) ||
    a.agent.localeCompare(b.agent) ||
    a.testpoint.localeCompare(b.testpoint) ||
    (a.linkRateBps ?? 0) - (b.linkRateBps ?? 0)
  )
}

/** A `below` stands when nothing that followed contradicts it; a confirmation without conclusion leaves the trial without one. */
function confirmed(results: readonly Result[]): Pick<Trial, 'outcome' | 'cause' | 'linkRateBps'> {
  const best = results.reduce((a, b) => ((b.linkRateBps ?? 0) > (a.linkRateBps ?? 0) ? b : a))
  const { outcome, cause } =
    results.find((r) => r.outcome === 'met') ?? results.find((r) => r.outcome === 'inconclusive') ?? best
  return { outcome, cause, linkRateBps: best.linkRateBps }
}

/** The verdict of a rule over the results of one link and direction within its window. Each has the target of its time. */
export function judgeWindow(results: readonly Result[], rule: Rule, basis: Basis): WindowVerdict {
  const trials = trialsOf(results)
  const counts = (trial: Trial) =>
    trial.outcome !== 'inconclusive' || (rule.at_ratio < basis.threshold_ratio && isMarginal(trial))
  const counted = trials.filter(counts)
  const rates = counted.flatMap((trial) => trial.linkRateBps ?? [])
  const metCount = counted.filter((trial) => reaches(trial, rule.at_ratio, basis)).length
  const summary = {
    failed: [],
    counted,
    leftOut: trials.filter((trial) => !counts(trial)),
    metCount,
    metRatio: counted.length === 0 ? null : metCount / counted.length,
    medianBps: median(rates),
    worstBps: rates.length === 0 ? null : Math.min(...rates),
    latest: trials.at(-1),
  }
  const byDay = () => [...Map.groupBy(counted, ({ time }) => basis.dayOf(time)).values()]
  const { clauses } = presets[rule.preset] as Preset
  // Those that speak of two days are about nothing on one.
  if (counted.length < rule.min_trials || (clauses.includes('few_days_under') && byDay().length < 2)) {
    const reason = trials.length > 0 ? 'too_few_trials' : results.length > 0 ? 'self_test_only' : 'no_trials'
    return { verdict: 'unknown', reason, ...summary }
  }
  const failed = clauses.filter((clause) => !holds[clause]({ trials: counted, byDay, metCount, rule, basis }))
  return { verdict: failed.length === 0 ? 'met' : 'below', ...summary, failed }
}

type Seen = {
  trials: readonly Trial[]
  byDay: () => readonly (readonly Trial[])[]
  metCount: number
  rule: Rule
  basis: Basis
}

const holds: Record<Clause, (seen: Seen) => boolean> = {
  share: ({ trials, metCount, rule }) => metCount / trials.length >= rule.min_share,
  mean: ({ trials, rule, basis }) => (meanShare(trials, basis) ?? 0) >= askedRatio({ rule, ...basis }),
  every_day: ({ byDay, rule, basis }) =>
    byDay().every((day) => day.some((trial) => reaches(trial, rule.daily_ratio, basis))),
  few_days_under: ({ byDay, rule, basis }) =>
    byDay().filter((day) => day.some((trial) => !reaches(trial, rule.least_ratio, basis))).length < 2,
}

type Shown = Pick<Trial, 'outcome' | 'linkRateBps' | 'targetBps'>

/** Mean of what trials reached of their targets. A test that is sure ends: what it saw is the least that the link carries. */
export function meanShare(
  trials: readonly Shown[],
  { threshold_ratio }: Pick<Basis, 'threshold_ratio'>,
): number | null {
  if (trials.length === 0) return null
  const least = ({ outcome }: Shown) => (outcome === 'met' ? threshold_ratio : 0)
  return trials.reduce((total, trial) => total + Math.max(shareOfTarget(trial), least(trial)), 0) / trials.length
}

/** Whether a trial has a part of its target. The threshold itself is judged by the test, which knows its own margin. */
function reaches(trial: Trial, part: number, { threshold_ratio: threshold }: Basis): boolean {
  return trial.outcome === 'met' || (part < threshold && shareOfTarget(trial) >= part)
}

function shareOfTarget({ linkRateBps, targetBps }: Shown): number {
  return (linkRateBps ?? 0) / (targetBps ?? Infinity)
}

/** Measured as well as any, and only too close to the threshold: it says enough about a part that is well below. */
function isMarginal({ outcome, cause, linkRateBps }: Trial): boolean {
  return outcome === 'inconclusive' && cause === 'marginal' && linkRateBps !== null
}
