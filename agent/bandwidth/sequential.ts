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
  /** How much later than others a point may tell of what passed: an acknowledgement waits in queues, a counter does not. */
  timingSeconds: number
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
  /** Standard deviation of the plateau's half seconds as a share of the rate. */
  variationRatio: number
}

type Bin = { from: Point; to: Point }

const binSeconds = 0.1
/** Fewest bins of a plateau: below it the t distribution makes every bound useless anyway. */
const minPlateauBins = 8
/** A `below` needs this, and this many round trips: slow start on a long path looks like a slow line. */
const minBelowSeconds = 1.8
const minBelowRoundTrips = 40
const minMarginalSeconds = 2.5
/**
 * From here on the timing of the points bounds the mean of the plateau well enough to prove with. 46 uploads on lines 1 to 2 %
 * below the threshold and 36 on lines 1 to 3 % above it, decided with this and with 1.2: none wrong, and up to a tenth less sent.
 */
const minProofSeconds = 1
/**
 * A line that carried the threshold for a second can carry it. Less may be what a shaper saved up in a pause: 256 kB are
 * 4 % of half a second at 100 Mbit/s. For the same reason the first half second does not count.
 */
const sustainedBins = 10
const burstBins = 5
/** A rate whose half seconds spread more than this was not held by the line alone; then less than a second acquits it. */
const unsteadyRatio = 0.04
/** Standard deviation of the difference of two delays between 0 and 1: what late points alone spread a rate by. */
const latenessDeviation = 1 / Math.sqrt(6)
const shortWindows = [1, 2, 5, sustainedBins]
/** Growth from the first to the last third of a plateau beyond which it is none. */
const risingRatio = 0.01

/** What the points so far say. */
export function judge(points: readonly Point[], rule: Rule): Estimate {
  const bins = binsOf(points)
  const plateau = bins.slice(transientLength(bins.map(rateOf)))
  const elapsed = (points.at(-1)?.seconds ?? 0) - (points[0]?.seconds ?? 0)
  const plateauFrom = plateau[0]?.from.seconds ?? 0
  const plateauSeconds = secondsOf(plateau)
  const open: Estimate = {
    decision: 'open',
    rateBps:
      rule.timingSeconds > 0 ? punctualRate(points.filter(({ seconds }) => seconds >= plateauFrom)) : rateOver(plateau),
    marginRatio: 1,
    plateauFrom,
    plateauSeconds,
    variationRatio: 1,
  }
  if (plateau.length < minPlateauBins || open.rateBps <= 0) return open
  const estimate = { ...open, marginRatio: marginOf(plateau, rule), variationRatio: variationOf(plateau) }
  if (isProven(plateau, estimate, rule)) return { ...estimate, decision: 'met' }
  return { ...estimate, decision: accuse(bins, plateau, estimate, rule, elapsed) }
}

/** Half-width of the interval that holds a plateau's mean, as a share of it, had the plateau gone on for `times` as long. */
function marginOf(plateau: readonly Bin[], { confidence, toleranceRatio, timingSeconds }: Rule, times = 1): number {
  const rates = plateau.map(rateOf)
  const seconds = secondsOf(plateau)
  const statistical = (tQuantile(confidence, rates.length - 1) * standardError(rates)) / mean(rates) / Math.sqrt(times)
  // What was told of in a time passed in that time and the most by which the telling may be late. Tighter than statistics
  // where lateness is all the noise there is: it does not add up.
  const certain = timingSeconds > 0 && seconds >= minProofSeconds ? timingSeconds / (seconds * times) : 1
  return Math.min(statistical, certain) + toleranceRatio
}

function isProven(plateau: readonly Bin[], { rateBps, marginRatio }: Estimate, rule: Rule): boolean {
  const { thresholdBps, toleranceRatio, timingSeconds } = rule
  const later = plateau.slice(plateau.length >> 1)
  const laterRatio = toleranceRatio + timingSeconds / secondsOf(later)
  return rateBps * (1 - marginRatio) >= thresholdBps && rateOver(later) * (1 + laterRatio) >= thresholdBps
}

/** What to say of a line that is not proven. */
function accuse(
  bins: readonly Bin[],
  plateau: readonly Bin[],
  estimate: Estimate,
  rule: Rule,
  elapsed: number,
): Estimate['decision'] {
  const { rateBps, marginRatio, plateauSeconds } = estimate
  const steady = bins.length - plateau.length < Math.floor(bins.length / 2) && !isRising(plateau, rule)
  if (rateBps * (1 + marginRatio) < rule.thresholdBps) {
    const longEnough = elapsed >= Math.max(minBelowSeconds, minBelowRoundTrips * rule.rttSeconds)
    // Late points may take longer than a burst to make up for the stall after slow start; the plateau begins behind it.
    const settled = bins.slice(rule.timingSeconds > 0 ? Math.max(burstBins, bins.length - plateau.length) : burstBins)
    return longEnough && steady && !isAcquitted(settled, estimate, rule) ? 'below' : 'open'
  }
  return plateauSeconds >= minMarginalSeconds && steady && isFutile(plateau, estimate, rule, elapsed)
    ? 'marginal'
    : 'open'
}

/** Whether the line carried the threshold once, for as long as no burst and no late point can make it seem. */
function isAcquitted(
  bins: readonly Bin[],
  { variationRatio }: Estimate,
  { thresholdBps, timingSeconds }: Rule,
): boolean {
  const byLateness = (latenessDeviation * timingSeconds) / (burstBins * binSeconds)
  const windows = variationRatio > unsteadyRatio + byLateness ? shortWindows : [sustainedBins]
  return windows.some((length) => {
    const certain = Math.max(0, 1 - timingSeconds / (length * binSeconds))
    return bestOver(bins, length) * certain >= thresholdBps
  })
}

/** Whether the interval, shrinking with time, still holds the threshold when the time is up. */
function isFutile(
  plateau: readonly Bin[],
  { rateBps, plateauSeconds }: Estimate,
  rule: Rule,
  elapsed: number,
): boolean {
  const left = Math.max(rule.maxSeconds - elapsed, 0)
  const atTheEnd = marginOf(plateau, rule, (plateauSeconds + left) / plateauSeconds)
  return Math.abs(rateBps - rule.thresholdBps) < atTheEnd * rateBps
}

/** Spread of half seconds: long enough for late acknowledgements to even out, short enough to show a starved sender. */
function variationOf(plateau: readonly Bin[]): number {
  const rates: number[] = []
  for (let i = 0; i + burstBins <= plateau.length; i += burstBins) rates.push(rateOver(plateau.slice(i, i + burstBins)))
  const list = rates.length > 2 ? rates : plateau.map(rateOf)
  const centre = mean(list)
  return Math.sqrt(mean(list.map((rate) => (rate - centre) ** 2))) / centre
}

function isRising(plateau: readonly Bin[], { timingSeconds }: Rule): boolean {
  const third = Math.floor(plateau.length / 3)
  const first = plateau.slice(0, third)
  return rateOver(plateau.slice(-third)) > (1 + risingRatio + timingSeconds / secondsOf(first)) * rateOver(first)
}

function bestOver(bins: readonly Bin[], length: number): number {
  let best = 0
  for (let i = length; i <= bins.length; i++) best = Math.max(best, rateOver(bins.slice(i - length, i)))
  return best
}

function rateOf({ from, to }: Bin): number {
  return (to.bits - from.bits) / (to.seconds - from.seconds)
}

/** Mean rate of the points from `seconds` on; 0 of fewer than two. */
export function rateSince(points: readonly Point[], seconds: number): number {
  const list = points.filter((point) => point.seconds >= seconds)
  const [from, to] = [list[0], list.at(-1)]
  return from === undefined || to === undefined || from === to ? 0 : rateOf({ from, to })
}

/** Mean rate of bins that follow each other; 0 of none. */
function rateOver(bins: readonly Bin[]): number {
  const [first, last] = [bins[0], bins.at(-1)]
  return first === undefined || last === undefined ? 0 : rateOf({ from: first.from, to: last.to })
}

function secondsOf(bins: readonly Bin[]): number {
  return (bins.at(-1)?.to.seconds ?? 0) - (bins[0]?.from.seconds ?? 0)
}

/**
 * Rate between the most punctual point of the first and of the last fifth. Late points tell of too little, and a plateau
 * tends to be cut where a stall has just been made up for: its first point is on time, its last is as late as any.
 */
function punctualRate(points: readonly Point[]): number {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || first === last) return 0
  const around = rateOf({ from: first, to: last })
  const span = (last.seconds - first.seconds) / 5
  const lead = ({ seconds, bits }: Point) => bits - around * seconds
  const best = (list: readonly Point[]) => list.reduce((a, b) => (lead(b) > lead(a) ? b : a))
  const from = best(points.filter(({ seconds }) => seconds <= first.seconds + span))
  const to = best(points.filter(({ seconds }) => seconds >= last.seconds - span))
  return rateOf({ from, to })
}

/** Bins of at least 0.1 s by the measured times: a starved event loop samples late, not wrongly. */
function binsOf(points: readonly Point[]): Bin[] {
  const bins: Bin[] = []
  let from = points[0]
  for (const to of points) {
    if (from === undefined || to.seconds - from.seconds < binSeconds * 0.98) continue
    bins.push({ from, to })
    from = to
  }
  return bins
}
