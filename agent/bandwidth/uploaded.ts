/** What passed of an upload, and of the traffic of others beside it. */
import type { Observation } from './observer.ts'
import type { Point } from './sequential.ts'
import { laterHalf, secondsOf, type Sight, slope, type Tick } from './sights.ts'

type UploadFacts = {
  hasCounter: boolean
  /** Traffic of others just before. */
  idleBps: number
  lateSeconds: number
  /** It kept the queue short for others. */
  isYielding: boolean
  /** The reading when a round trip began, at its end. Packets keep their order: what was before a request has passed. */
  through: readonly Tick[]
}

/** Other traffic below this share of the rate is noise of the comparison; then what was acknowledged stands alone. */
const otherNoiseRatio = 0.02
/**
 * Of other traffic that the counter saw, what certainly passed a full queue: packets of TCP come as others leave and find
 * room, packets of a stream do not. Measured: 42 % of 138 Mbit/s of UDP lost beside an upload that filled 460 Mbit/s.
 */
const leastPassedRatio = 0.5
const harmlessDropRatio = 0.0005

/**
 * The counter of the sender runs ahead of the bottleneck's queue and counts what is dropped behind it. So what the
 * server acknowledged is the rate, plus the traffic of others, of which some was dropped. Others are known only as a
 * difference of two counters: between two moments it is wrong by what the queue has grown or shrunk meanwhile, and a
 * busy computer blurs it, so more than there was before proves nothing.
 */
export function uploaded(
  sights: readonly Sight[],
  { hasCounter, idleBps, lateSeconds, through, isYielding }: UploadFacts,
): Observation {
  const window = laterHalf(sights)
  const passed = (sight: Sight) => sight.own + sight.duplicate
  const foreign = (sight: Sight) => sight.counter - sight.own - sight.resent
  const ownBps = slope(window, passed)
  const droppedBps = Math.max(
    0,
    slope(window, (sight) => sight.resent - sight.duplicate),
  )
  const retransmitRatio = ownBps > 0 ? droppedBps / (ownBps + droppedBps) : 0
  const measuredBps = hasCounter ? Math.max(0, lowSlope(window, foreign)) : 0
  const queueBps = (lateSeconds * (ownBps + measuredBps)) / Math.max(secondsOf(window), lateSeconds)
  const noiseBps = otherNoiseRatio * ownBps
  // Nobody there before, and no more now than a queue may feign.
  const isNoise = measuredBps < noiseBps || (idleBps < noiseBps && measuredBps < queueBps)
  // Where our own lost nothing, so did they.
  const passedRatio = retransmitRatio < harmlessDropRatio ? 1 : leastPassedRatio
  const certainBps = Math.min(isNoise ? measuredBps : Math.max(0, measuredBps - queueBps) * passedRatio, idleBps)
  const calm = calmStretch(sights)
  if (hasCounter && isYielding && secondsOf(calm) >= secondsOf(window)) {
    // Nothing is lost, whoever sent it.
    const from = calm[0]?.seconds ?? 0
    const points = inOrder(
      through.filter(({ seconds }) => seconds >= from),
      ({ counter }) => counter,
    )
    return { points, method: 'counter', otherBps: Math.max(0, slope(calm, foreign)), retransmitRatio }
  }
  const start = sights[0]?.seconds ?? 0
  const withOthers = (bps: number) =>
    sights.map((sight) => ({ seconds: sight.seconds, bits: passed(sight) + bps * (sight.seconds - start) }))
  return {
    points: withOthers(certainBps),
    ...(!isNoise && {
      upperPoints: withOthers(measuredBps + queueBps),
      likelyPoints: withOthers(measuredBps * (1 - retransmitRatio)),
    }),
    ...(hasCounter && { sentPoints: sights.map((sight) => ({ seconds: sight.seconds, bits: leftOf(sight) })) }),
    ...(hasCounter && isNoise && { throughPoints: inOrder(through, leftOf) }),
    method: 'acknowledged',
    otherBps: hasCounter ? (isNoise ? certainBps : measuredBps) : null,
    retransmitRatio,
  }
}

function leftOf({ counter, resent, duplicate }: Tick): number {
  return counter - resent + duplicate
}

/** Growth per second between the least of the first and of the last third: there the queue was emptiest. */
function lowSlope(window: readonly Sight[], value: (sight: Sight) => number): number {
  const around = slope(window, value)
  const third = Math.ceil(window.length / 3)
  const over = (sight: Sight) => value(sight) - around * sight.seconds
  const lowest = (list: readonly Sight[]) => list.reduce((a, b) => (over(b) < over(a) ? b : a))
  return window.length < 3 ? around : slope([lowest(window.slice(0, third)), lowest(window.slice(-third))], value)
}

/** An answer that came late tells of no less than the one before it. */
function inOrder(ticks: readonly Tick[], value: (tick: Tick) => number): Point[] {
  let told = 0
  return ticks.map((tick) => ({ seconds: tick.seconds, bits: (told = Math.max(told, value(tick))) }))
}

/** The end of an upload in which hardly anything of our own was lost. */
function calmStretch(sights: readonly Sight[]): readonly Sight[] {
  const [first, last] = [sights[0], sights.at(-1)]
  if (first === undefined || last === undefined) return sights
  const lost = ({ resent, duplicate }: Sight) => resent - duplicate
  const harmless = harmlessDropRatio * (last.counter - first.counter)
  return sights.slice(sights.findIndex((sight) => lost(last) - lost(sight) <= harmless))
}
