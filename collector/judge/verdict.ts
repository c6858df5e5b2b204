/** From bandwidth tests to verdicts of links and sites. Pure: the loop that runs it is judge.ts. */
import type { Cause, Method, Outcome, Trigger, Verdict } from '../../core/catalog.ts'
import {
  type Clause,
  type Direction,
  directions,
  judgeWindow,
  type Standard,
  type Trial,
  type WindowVerdict,
} from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'
import { dayMs, localDay, startOfDay } from '../local-time.ts'
import { heldTo, type Test, testOf } from './results.ts'

export type Reason = NonNullable<WindowVerdict['reason']>

/** One trial of the window, or one test that is none, and what became of it. */
export type Evidence = {
  time: number
  outcome: Outcome
  cause: Cause
  method: Method
  trigger: Trigger
  testpoint: string
  linkRateBps: number | null
  goodputBps: number | null
  targetBps: number | null
  /** Tests in it: a trial and its confirmations. */
  tests: number
  counted: boolean
  /** Why it was left out; undefined when it counts. */
  leftOut?: 'self_test' | 'inconclusive' | 'target_changed' | undefined
}

export type DirectionVerdict = {
  link: string
  direction: Direction
  /** Whether the standard lets this direction count for the verdict of the site. */
  decides: boolean
  targetBps: number
  verdict: Verdict
  reason: Reason | undefined
  /** Clauses of the rule that do not hold. */
  failed: Clause[]
  trials: number
  met: number
  inconclusive: number
  metRatio: number | null
  medianBps: number | null
  worstBps: number | null
  latest: Evidence | undefined
  /** Newest first. */
  evidence: Evidence[]
}

export type SiteVerdict = {
  site: string
  verdict: Verdict
  reason: Reason | undefined
  /** The window, [from, to). */
  from: number
  to: number
  directions: DirectionVerdict[]
}

type Rates = { downBps: number; upBps: number }
/** A link with its targets; `earlier`: those that held until a time within the window, in order. */
export type Target = Rates & { id: string; earlier?: readonly (Rates & { until: number })[] }
/** What a site is judged by. */
export type Frame = { standard: Standard; timezone: string; window: { from: number; to: number } }

/** The window of a rule: whole local days before today, and today so far. Days do not begin at UTC midnight. */
export function windowOf(standard: Standard, now: number, timezone: string): { from: number; to: number } {
  return { from: startOfDay(now - standard.rule.window_days * dayMs, timezone), to: now + 1 }
}

export const seriesOf = (link: string, direction: string) => `${link} ${direction}`

/** Tests of a site by link and direction (`seriesOf`). */
export function testsOf(rows: readonly Row[]): ReadonlyMap<string, readonly Test[]> {
  const tests = new Map<string, Test[]>()
  for (const row of rows) {
    const test = testOf(row)
    if (test === undefined) continue
    const key = seriesOf(row.tags['link'] ?? '', row.tags['direction'] ?? '')
    const own = tests.get(key)
    if (own === undefined) tests.set(key, [test])
    else own.push(test)
  }
  return tests
}

/** The verdict on a site from the bandwidth rows of its window, of whatever link and direction. */
export function judgeSite(site: string, links: readonly Target[], rows: readonly Row[], frame: Frame): SiteVerdict {
  const tests = testsOf(rows)
  const judged = links.flatMap((link) =>
    directions.map((direction) =>
      judgeDirection(tests.get(seriesOf(link.id, direction)) ?? [], link, direction, frame),
    ),
  )
  const deciding = judged.filter(({ decides }) => decides)
  const worst = worstOf(deciding.map(({ verdict }) => verdict))
  const reason = worst === 'unknown' ? deciding.find(({ verdict }) => verdict === 'unknown')?.reason : undefined
  return {
    site,
    verdict: worst,
    reason: worst === 'unknown' ? (reason ?? 'no_trials') : undefined,
    ...frame.window,
    directions: judged,
  }
}

/** `below` before `unknown` before `met`: one link that is known to fail says more than one that is not known. */
export function worstOf(all: readonly Verdict[]): Verdict {
  if (all.includes('below')) return 'below'
  return all.length === 0 || all.includes('unknown') ? 'unknown' : 'met'
}

/** The verdict on one direction of a link from its own tests within the window. */
export function judgeDirection(
  tests: readonly Test[],
  link: Target,
  direction: Direction,
  { standard, timezone }: Frame,
): DirectionVerdict {
  const { threshold_ratio, rule } = standard
  const held: Test[] = []
  const outdated: Test[] = []
  for (const test of tests) {
    const valid = link.earlier?.find(({ until }) => test.time < until) ?? link
    const result = heldTo(test, rateOf(valid, direction), threshold_ratio)
    if (result === undefined) outdated.push(test)
    else held.push(result)
  }
  const window = judgeWindow(held, rule, { threshold_ratio, dayOf: (time) => localDay(time, timezone) })
  const evidence = [
    ...window.counted.map((trial) => trialEvidence(trial)),
    ...window.leftOut.map((trial) => trialEvidence(trial, 'inconclusive')),
    ...held.filter(({ method }) => method === 'self_test').map((test) => testEvidence(test, 'self_test')),
    ...outdated.map((test) => testEvidence(test, 'target_changed')),
  ].toSorted((a, b) => b.time - a.time)
  return {
    link: link.id,
    direction,
    decides: standard.directions.includes(direction),
    targetBps: rateOf(link, direction),
    verdict: window.verdict,
    reason: window.reason,
    failed: window.failed,
    trials: window.counted.length,
    met: window.metCount,
    inconclusive: window.leftOut.length,
    metRatio: window.metRatio,
    medianBps: window.medianBps,
    worstBps: window.worstBps,
    latest: evidence[0],
    evidence,
  }
}

const rateOf = ({ downBps, upBps }: Rates, direction: Direction) => (direction === 'down' ? downBps : upBps)

function trialEvidence(trial: Trial, leftOut?: Evidence['leftOut']): Evidence {
  // What was given to judgeWindow comes back unchanged: its results are tests. The one shown gave the trial its rate.
  const tests = trial.results as Test[]
  const shown = tests.find(({ linkRateBps }) => linkRateBps === trial.linkRateBps) ?? (tests[0] as Test)
  const evidence = testEvidence(shown, leftOut)
  evidence.time = trial.time
  evidence.trigger = tests[0]?.trigger ?? shown.trigger
  evidence.tests = tests.length
  evidence.outcome = trial.outcome
  evidence.cause = trial.cause
  return evidence
}

/** Field by field: a test is evidence in every window that it lies in, dozens of times when a day is judged again. */
function testEvidence(test: Test, leftOut?: Evidence['leftOut']): Evidence {
  const { time, outcome, cause, method, trigger, testpoint, linkRateBps, goodputBps, targetBps } = test
  const counted = leftOut === undefined
  return {
    time,
    outcome,
    cause,
    method,
    trigger,
    testpoint,
    linkRateBps,
    goodputBps,
    targetBps,
    tests: 1,
    counted,
    leftOut,
  }
}
