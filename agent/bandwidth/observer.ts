/** What the wire says during a transfer: interface counters beside the transfer's own bytes, as points for the rule. */
import { readFileSync } from 'node:fs'
import type { Direction } from '../../core/standard.ts'
import { type CounterReader, type Counters, difference } from '../counters.ts'
import { slowWindowSeconds } from './reader.ts'
import type { Point } from './sequential.ts'
import { now, type Transfer } from './transfer.ts'
import type { Framing } from './wire.ts'

export type Observation = {
  /** What certainly passed: enough of it proves a line. */
  points: Point[]
  /** All that may have passed, where that is another thing: only too little of it accuses a line. */
  upperPoints?: Point[]
  /** What most likely passed, where it is neither. */
  likelyPoints?: Point[]
  /** How the points were made. */
  method: 'counter' | 'goodput' | 'acknowledged'
  /** Traffic of others over the window in which it was looked at; null without a counter. */
  otherBps: number | null
  /** Share of our own segments that were sent again (upload; the whole host's TCP). */
  retransmitRatio: number
}
export type Observer = {
  /** Takes a reading. */
  tick: () => void
  /** `lateSeconds`: by how much queues may delay one of two counters of the same traffic more than at another time. */
  observe: (lateSeconds: number) => Observation
  /** Payload rate of the transfer from `seconds` on. */
  goodputBps: (seconds: number) => number | null
  counterLost: () => boolean
  /** Bytes at layer 2 that a transfer which moved so much payload has cost the line, what was sent again included. */
  wireBytes: (payloadBytes: number | null) => number
}

/**
 * Cumulative since the first tick, in bits at layer 2: all traffic of the interface, our own that was sent again, and
 * what of that was not needed, for the first had arrived: it took the line's time, though the server counts it once.
 */
type Tick = { seconds: number; counter: number; resent: number; duplicate: number }
/** The same with our own that certainly passed. */
type Sight = Tick & { own: number }

/** Other traffic below this share of the rate is noise of the comparison; then what was acknowledged stands alone. */
const otherNoiseRatio = 0.02
/**
 * Of other traffic that the counter saw, what certainly passed a full queue: packets of TCP come as others leave and find
 * room, packets of a stream do not. Measured: 42 % of 138 Mbit/s of UDP lost beside an upload that filled 460 Mbit/s.
 */
const leastPassedRatio = 0.5
const harmlessDropRatio = 0.0005

export function createObserver(deps: {
  reader: CounterReader | undefined
  framing: Framing
  direction: Direction
  transfer: Transfer
  /** Traffic of others just before, in bit/s. */
  idleBps: number
}): Observer {
  const { reader, framing, direction, transfer, idleBps } = deps
  const ticks: Tick[] = []
  // Counters that stand still for seconds are no clock for anything else: they are kept apart.
  const isSlow = reader?.refreshSeconds !== undefined
  const any = reader === undefined ? undefined : createBitCounter(reader, framing, direction)
  const counter = isSlow ? undefined : any
  const refreshes: Tick[] = []
  const before = segments()

  const sights = (): Sight[] => {
    const last = ticks.at(-1)?.seconds ?? 0
    return transfer
      .marks()
      .filter(({ seconds }) => seconds <= last)
      .map(({ seconds, bytes }) => ({ ...tickAt(ticks, seconds), own: bytes * 8 * framing.overhead }))
  }
  return {
    tick() {
      const slow = isSlow ? any?.read() : undefined
      if (slow !== undefined && slow.seconds !== refreshes.at(-1)?.seconds)
        refreshes.push({ seconds: slow.seconds, counter: slow.bits, resent: 0, duplicate: 0 })
      const reading = counter?.read() ?? { seconds: now(), bits: 0 }
      // A polled counter repeats its reading until the next poll.
      if (reading.seconds === ticks.at(-1)?.seconds) return
      const { seconds, bits } = reading
      const after = direction === 'up' ? segments() : before
      const bitsOf = (name: keyof typeof before) => (after[name] - before[name]) * framing.frameBytes * 8
      ticks.push({ seconds, counter: bits, resent: bitsOf('resent'), duplicate: bitsOf('duplicate') })
    },
    observe(lateSeconds) {
      const hasCounter = counter !== undefined && !counter.lost()
      if (isSlow && direction === 'down') return gatewayDownload(ticks, sights(), refreshes)
      if (direction === 'up') return upload(sights(), { hasCounter, idleBps, lateSeconds })
      return hasCounter && reader?.source === 'polled'
        ? slowDownload(ticks, sights())
        : download(ticks, sights(), hasCounter)
    },
    goodputBps(from) {
      const list = sights().filter((sight) => sight.seconds >= from)
      return list.length > 1 ? slope(list, (sight) => sight.own) / framing.overhead : null
    },
    counterLost: () => any?.lost() ?? false,
    wireBytes(payloadBytes) {
      const { counter: all = 0, resent = 0 } = ticks.at(-1) ?? {}
      const own = payloadBytes === null ? Number.POSITIVE_INFINITY : payloadBytes * framing.overhead + resent / 8
      // Never more than passed at all: what was handed to the kernel need not have left it.
      return counter === undefined || counter.lost() ? own : Math.min(own, all / 8)
    },
  }
}

/**
 * Behind a gateway what was received may prove a line. Only 30 s of the gateway's counters accuse it: before that there is
 * a mean, and nothing to judge by. Its first reading is of before the first refresh, whenever that was.
 */
function gatewayDownload(ticks: readonly Tick[], sights: readonly Sight[], refreshes: readonly Tick[]): Observation {
  const received = download(ticks, sights, false)
  const window = refreshes.slice(1)
  const [first, last] = [window[0], window.at(-1)]
  const seconds = first === undefined || last === undefined ? 0 : last.seconds - first.seconds
  if (first === undefined || seconds < slowWindowSeconds) {
    const ends = [received.points[0], received.points.at(-1)]
    return { ...received, upperPoints: ends.filter((point) => point !== undefined) }
  }
  const bps = slope(window, ({ counter }) => counter)
  const own = sights.filter((sight) => sight.seconds >= first.seconds)
  const ownBps = slope(own, (sight) => sight.own)
  return { ...received, upperPoints: evenly(first, seconds, bps), otherBps: Math.max(0, bps - ownBps) }
}

/** Its mean, as points a second apart: between two refreshes nobody knows more. */
function evenly({ seconds: from, counter }: Tick, seconds: number, bps: number): Point[] {
  return Array.from({ length: Math.floor(seconds) + 1 }, (_, i) => ({ seconds: from + i, bits: counter + i * bps }))
}

/** Bits of one direction since the first reading. Once the counter went back or away it is lost for this test. */
function createBitCounter(reader: CounterReader, framing: Framing, direction: Direction) {
  let first: Counters | undefined
  let last: Counters | undefined
  let lost = false
  const read = (): { seconds: number; bits: number } | undefined => {
    if (lost) return undefined
    try {
      const reading = reader.read()
      first ??= reading
      const wentBack = difference(last ?? first, reading) === undefined
      const sum = difference(first, reading)
      last = reading
      if (!wentBack && sum !== undefined) return { seconds: reading.time / 1000, bits: framing.bitsOf(sum, direction) }
    } catch {
      // The interface is gone: what the transfer itself moved must do.
    }
    lost = true
    return undefined
  }
  return { read, lost: () => lost }
}

function download(ticks: readonly Tick[], sights: readonly Sight[], hasCounter: boolean): Observation {
  const points = hasCounter
    ? ticks.map(({ seconds, counter }) => ({ seconds, bits: counter }))
    : sights.map(({ seconds, own }) => ({ seconds, bits: own }))
  const otherBps = hasCounter
    ? Math.max(
        0,
        slope(laterHalf(sights), (sight) => sight.counter - sight.own),
      )
    : null
  return { points, method: hasCounter ? 'counter' : 'goodput', otherBps, retransmitRatio: 0 }
}

/** What the transfer received, as soon as it did; and a counter that is read each second only, but sees all traffic. */
function slowDownload(ticks: readonly Tick[], sights: readonly Sight[]): Observation {
  const { points: upperPoints, otherBps } = download(ticks, sights, true)
  return { ...download(ticks, sights, false), upperPoints, otherBps }
}

/**
 * The counter of the sender runs ahead of the bottleneck's queue and counts what is dropped behind it. So what the
 * server acknowledged is the rate, plus the traffic of others, of which some was dropped. Others are known only as a
 * difference of two counters: between two moments it is wrong by what the queue has grown or shrunk meanwhile, and a
 * busy computer blurs it, so more than there was before proves nothing.
 */
function upload(
  sights: readonly Sight[],
  { hasCounter, idleBps, lateSeconds }: { hasCounter: boolean; idleBps: number; lateSeconds: number },
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
  const start = sights[0]?.seconds ?? 0
  const withOthers = (bps: number) =>
    sights.map((sight) => ({ seconds: sight.seconds, bits: passed(sight) + bps * (sight.seconds - start) }))
  return {
    points: withOthers(certainBps),
    ...(!isNoise && {
      upperPoints: withOthers(measuredBps + queueBps),
      likelyPoints: withOthers(measuredBps * (1 - retransmitRatio)),
    }),
    method: 'acknowledged',
    otherBps: hasCounter ? (isNoise ? certainBps : measuredBps) : null,
    retransmitRatio,
  }
}

/** Growth per second between the least of the first and of the last third: there the queue was emptiest. */
function lowSlope(window: readonly Sight[], value: (sight: Sight) => number): number {
  const around = slope(window, value)
  const third = Math.ceil(window.length / 3)
  const over = (sight: Sight) => value(sight) - around * sight.seconds
  const lowest = (list: readonly Sight[]) => list.reduce((a, b) => (over(b) < over(a) ? b : a))
  return window.length < 3 ? around : slope([lowest(window.slice(0, third)), lowest(window.slice(-third))], value)
}

/** The reading at a time between two ticks. */
function tickAt(ticks: readonly Tick[], seconds: number): Tick {
  const next = ticks.findIndex((tick) => tick.seconds >= seconds)
  const [before, after] = [ticks[next - 1], ticks[next]]
  if (after === undefined || before === undefined)
    return { ...(after ?? ticks.at(-1) ?? { counter: 0, resent: 0, duplicate: 0 }), seconds }
  const share = (seconds - before.seconds) / (after.seconds - before.seconds)
  const between = (a: number, b: number) => a + (b - a) * share
  return {
    seconds,
    counter: between(before.counter, after.counter),
    resent: between(before.resent, after.resent),
    duplicate: between(before.duplicate, after.duplicate),
  }
}

/** The later half of a test: its beginning fills queues and windows, which no comparison of two counters survives. */
function laterHalf<T extends Tick>(ticks: readonly T[]): T[] {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined) return []
  const middle = (first.seconds + last.seconds) / 2
  return ticks.filter((tick) => tick.seconds >= middle)
}

function secondsOf(window: readonly Tick[]): number {
  return (window.at(-1)?.seconds ?? 0) - (window[0]?.seconds ?? 0)
}

/** Growth of a cumulative value over a window, per second. */
function slope<T extends Tick>(ticks: readonly T[], value: (tick: T) => number): number {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined || first === last) return 0
  return (value(last) - value(first)) / (last.seconds - first.seconds)
}

/**
 * Segments that this host's TCP has sent again since boot, and those that other ends have reported to have had already
 * (D-SACK, RFC 2883): 2 % of a 525 Mbit/s upload through a queue of 50 ms. 0 where the kernel does not say.
 */
function segments(): { resent: number; duplicate: number } {
  return {
    resent: counterIn('/proc/net/snmp', 'Tcp:', 'RetransSegs'),
    duplicate: counterIn('/proc/net/netstat', 'TcpExt:', 'TCPDSACKRecvSegs'),
  }
}

/** A counter in a file of pairs of lines: names, values. */
function counterIn(file: string, group: string, name: string): number {
  try {
    const lines = readFileSync(file, 'latin1').split('\n')
    const [names = '', values = ''] = lines.filter((line) => line.startsWith(group))
    const index = names.split(' ').indexOf(name)
    return index < 0 ? 0 : Number(values.split(' ')[index])
  } catch {
    return 0
  }
}
