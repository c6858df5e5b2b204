/**
 * The stopping rule: from what has passed so far, is the link certainly at or above the threshold, certainly below, too
 * close to tell, or is more needed? A pure function over cumulative bits; the same for every direction and source.
 *
 * - `met` is easy to prove: a line cannot carry more than it has. The lower bound of the plateau must reach the threshold,
 *   and so must its later half, so that a first burst through an idle shaper proves nothing.
 * - `below` needs more: that the plateau is one (no transient up to its middle, not rising), that it lasted, and that the
 *   line never carried the threshold for a second: a line that did was not full, whatever its mean.
 * - `marginal`: the threshold lies so close to the mean that the time left could not tell them apart.
 */
import { mean, standardError, tQuantile, transientLength } from './statistics.ts'

/** Bits passed since the start, in order of time. */
export type Point = { seconds: number; bits: number }

export type Rule = {
  thresholdBps: number
  /** One-sided confidence of each bound. */
  confidence: number
  /** What no statistics see: shaper bursts, header estimates. Part of every bound. */
  toleranceRatio: number
  /** Longest a test may take; futility is judged against it. */
  maxSeconds: number
  /** Idle round trip; a line with a long one takes longer to fill. */
  rttSeconds: number
}

export type Estimate = {
  decision: 'met' | 'below' | 'marginal' | 'open'
  /** Mean of the plateau; of everything while there is none. */
  rateBps: number
  /** Half-width of the confidence interval as a share of the rate, tolerance included; 1 while unknown. */
  marginRatio: number
  /** When the plateau began, and how long it has lasted. */
  plateauFrom: number
  plateauSeconds: number
  /** Standard deviation of the plateau's bins as a share of the rate. */
  variationRatio: number
}

const binSeconds = 0.1
/** Fewest bins of a plateau: below it the t distribution makes every bound useless anyway. */
const minPlateauBins = 8
/** A `below` needs this, and this many round trips: slow start on a long path looks like a slow line. */
const minBelowSeconds = 1.8
const minBelowRoundTrips = 40
const minMarginalSeconds = 2.5
/**
 * A line that carried the threshold for a second can carry it. Less may be what a shaper saved up in a pause: 256 kB are
 * 4 % of half a second at 100 Mbit/s. For the same reason the first half second does not count.
 */
const sustainedBins = 10
const burstBins = 5
/** A rate that spreads more than this was not held by the line alone; then a single bin at the threshold acquits it. */
const unsteadyRatio = 0.08
/** Growth from the first to the last third of a plateau beyond which it is none. */
const risingRatio = 0.01

/** What the points so far say. */
export function judge(points: readonly Point[], rule: Rule): Estimate {
  const bins = binsOf(points)
  const elapsed = (points.at(-1)?.seconds ?? 0) - (points[0]?.seconds ?? 0)
  const cut = transientLength(bins.rates)
  const plateau = bins.rates.slice(cut)
  const plateauFrom = bins.starts[cut] ?? 0
  const open: Estimate = {
    decision: 'open',
    rateBps: plateau.length > 0 ? mean(plateau) : 0,
    marginRatio: 1,
    plateauFrom,
    plateauSeconds: (bins.ends.at(-1) ?? plateauFrom) - plateauFrom,
    variationRatio: 1,
  }
  if (plateau.length < minPlateauBins) return open
  const estimate: Estimate = { ...open, ...boundOf(plateau, rule), variationRatio: variationOf(plateau) }
  return { ...estimate, decision: decide({ rates: bins.rates, cut, elapsed }, estimate, rule) }
}

function decide(
  { rates, cut, elapsed }: { rates: readonly number[]; cut: number; elapsed: number },
  estimate: Estimate,
  rule: Rule,
): Estimate['decision'] {
  const { rateBps, marginRatio, plateauSeconds } = estimate
  const plateau = rates.slice(cut)
  const margin = marginRatio * rateBps
  const later = boundOf(plateau.slice(plateau.length >> 1), { ...rule, confidence: 0.95 })
  if (rateBps - margin >= rule.thresholdBps && later.rateBps * (1 - rule.toleranceRatio) >= rule.thresholdBps)
    return 'met'
  const steady = cut < Math.floor(rates.length / 2) && !isRising(plateau)
  const longEnough = elapsed >= Math.max(minBelowSeconds, minBelowRoundTrips * rule.rttSeconds)
  if (rateBps + margin < rule.thresholdBps) {
    const sustained = estimate.variationRatio > unsteadyRatio ? 1 : sustainedBins
    const best = bestSustained(rates.slice(burstBins), sustained)
    return longEnough && steady && best < rule.thresholdBps ? 'below' : 'open'
  }
  return plateauSeconds >= minMarginalSeconds && steady && isFutile(estimate, rule, elapsed) ? 'marginal' : 'open'
}

/** Mean and half-width of its confidence interval. */
function boundOf(rates: readonly number[], rule: Rule): Pick<Estimate, 'rateBps' | 'marginRatio'> {
  const rateBps = mean(rates)
  const statistical = tQuantile(rule.confidence, rates.length - 1) * standardError(rates)
  return { rateBps, marginRatio: rateBps > 0 ? statistical / rateBps + rule.toleranceRatio : 1 }
}

/** Whether the interval, shrinking with the root of time, still holds the threshold when the time is up. */
function isFutile({ rateBps, marginRatio, plateauSeconds }: Estimate, rule: Rule, elapsed: number): boolean {
  const statistical = (marginRatio - rule.toleranceRatio) * rateBps
  const left = Math.max(rule.maxSeconds - elapsed, 0)
  const atTheEnd = statistical * Math.sqrt(plateauSeconds / (plateauSeconds + left)) + rule.toleranceRatio * rateBps
  return Math.abs(rateBps - rule.thresholdBps) < atTheEnd
}

function variationOf(rates: readonly number[]): number {
  const centre = mean(rates)
  return centre > 0 ? Math.sqrt(mean(rates.map((rate) => (rate - centre) ** 2))) / centre : 1
}

function isRising(plateau: readonly number[]): boolean {
  const third = Math.floor(plateau.length / 3)
  return mean(plateau.slice(-third)) > (1 + risingRatio) * mean(plateau.slice(0, third))
}

function bestSustained(rates: readonly number[], bins: number): number {
  let best = 0
  for (let i = bins; i <= rates.length; i++) best = Math.max(best, mean(rates.slice(i - bins, i)))
  return best
}

/** Rates of bins of at least 0.1 s by the measured times: a starved event loop samples late, not wrongly. */
function binsOf(points: readonly Point[]): { rates: number[]; starts: number[]; ends: number[] } {
  const bins = { rates: [] as number[], starts: [] as number[], ends: [] as number[] }
  let from = points[0]
  for (const point of points) {
    if (from === undefined || point.seconds - from.seconds < binSeconds * 0.98) continue
    bins.rates.push((point.bits - from.bits) / (point.seconds - from.seconds))
    bins.starts.push(from.seconds)
    bins.ends.push(point.seconds)
    from = point
  }
  return bins
}
