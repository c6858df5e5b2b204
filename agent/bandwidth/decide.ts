/** What an observation says of the line: the stopping rule, and what others on the line leave of its certainty. */
import type { Cause } from '../../core/catalog.ts'
import type { Observation } from './observer.ts'
import { type Estimate, judge, type Point, rateSince, type Rule } from './sequential.ts'

/** `busy`: whether the line carried enough hangs on how much others had on it, which is not known well enough. */
export type Judged = Omit<Estimate, 'decision'> & { decision: Estimate['decision'] | 'busy' }

/** Spread of the half seconds beyond which a rate is not one. */
const unstableRatio = 0.06
/** Shortest upload beside others whose packets may be lost. */
const minSharedSeconds = 2.5
/** Of a rate beside others, with which a verdict may still be given. */
const maxErrorRatio = 0.02
/** The same for the interval of a rate that the counter tells: most of it is caution. */
const maxYieldingMarginRatio = 0.02
/** Shorter, and what a shaper had saved up or a queue has swallowed shows in the rate. */
const minYieldingSeconds = 1.8
/** A line that met so many round trips without a queue is not said to have been full. */
export const maxEmptyShare = 0.1

/**
 * What certainly passed may prove a line; what may have passed, only accuse it. Beside others there is no conclusion
 * without a rate: where the two are far apart, or the line ran empty, it is busy. `emptyShare`: for how much of an upload
 * that kept the queue short there was none.
 */
export function decide(
  { points, upperPoints, sentPoints, method }: Observation,
  rule: Rule,
  emptyShare: number | undefined,
): Judged {
  const isYielding = emptyShare !== undefined && method === 'counter'
  if (isYielding) return judgeYielding(judge(points, rule), rule, emptyShare)
  const lower = withinSent(judge(points, rule), sentPoints, rule)
  if (upperPoints === undefined) return lower
  // A slow counter is no less certain than what was received, only later.
  if (method === 'goodput') return lower.decision === 'met' ? lower : judge(upperPoints, rule)
  const seconds = (points.at(-1)?.seconds ?? 0) - (points[0]?.seconds ?? 0)
  if (seconds < minSharedSeconds) return { ...lower, decision: 'open' }
  const upper = judge(upperPoints, rule)
  const isVague = upper.rateBps - lower.rateBps > 2 * maxErrorRatio * upper.rateBps
  if (isVague) return { ...upper, decision: 'busy' }
  return lower.decision === 'met' ? lower : upper.decision === 'met' ? { ...upper, decision: 'busy' } : upper
}

/**
 * A plateau that begins where acknowledgements had stalled seems faster than the line: measured 110 Mbit/s on one of 100
 * with 0.1 % loss. What left here meanwhile tells; until it agrees, nothing is proven.
 */
function withinSent(estimate: Estimate, sentPoints: readonly Point[] | undefined, rule: Rule): Estimate {
  const { decision, rateBps, plateauFrom, plateauSeconds } = estimate
  if (sentPoints === undefined || plateauSeconds === 0) return estimate
  const sentBps = rateSince(sentPoints, plateauFrom)
  // A queue that drained meanwhile had left before.
  const mostBps = sentBps * (1 + rule.toleranceRatio + rule.timingSeconds / plateauSeconds)
  if (rateBps <= mostBps) return estimate
  return { ...estimate, rateBps: sentBps, decision: decision === 'met' ? 'open' : decision }
}

/** Of an upload that kept the queue short: what passed is known to the counter, whether more could have is not. */
function judgeYielding(estimate: Judged, { thresholdBps }: Rule, emptyShare: number): Judged {
  const { decision, marginRatio, rateBps, plateauSeconds } = estimate
  const isVague = marginRatio > maxYieldingMarginRatio || plateauSeconds < minYieldingSeconds
  if (decision === 'open' || isVague) return { ...estimate, decision: 'busy' }
  if (decision === 'met') return estimate
  const isBelow = (rateBps * (1 + marginRatio)) / (1 - emptyShare) < thresholdBps
  return isBelow && emptyShare <= maxEmptyShare ? estimate : { ...estimate, decision: 'busy' }
}

/** What to say of a line that used up its caps. */
export function reasonOf(estimate: Judged, ended: Cause, { thresholdBps }: Rule): Cause {
  if (ended !== 'time_cap' && ended !== 'byte_cap') return ended
  if (estimate.decision === 'busy') return 'busy_line'
  if (estimate.plateauSeconds < 0.5) return 'too_short'
  if (estimate.variationRatio > unstableRatio) return 'unstable'
  if (estimate.decision === 'marginal') return 'marginal'
  const distance = Math.abs(estimate.rateBps - thresholdBps) / thresholdBps
  return distance < estimate.marginRatio ? 'marginal' : ended
}
