/** What the wire says during a transfer: interface counters beside the transfer's own bytes, as points for the rule. */
import type { Direction } from '../../core/standard.ts'
import { type CounterReader, type Counters, difference } from '../counters.ts'
import { slowWindowSeconds } from './reader.ts'
import type { Point } from './sequential.ts'
import { segments } from './segments.ts'
import type { Session } from './session.ts'
import { laterHalf, type Sight, slope, type Tick, tickAt } from './sights.ts'
import type { RoundTrip } from './standing.ts'
import { now, type Transfer } from './transfer.ts'
import { uploaded } from './uploaded.ts'
import type { Framing } from './wire.ts'

export type Observation = {
  /** What certainly passed: enough of it proves a line. */
  points: Point[]
  /** All that may have passed, where that is another thing: only too little of it accuses a line. */
  upperPoints?: Point[]
  /** What most likely passed, where it is neither. */
  likelyPoints?: Point[]
  /** Of an upload: what left here, less what had to leave again. More than that has not passed, whatever is said of it. */
  sentPoints?: Point[]
  /** Of an upload by itself: the same that had left when a round trip began, at its end. It was behind all of it in the queue. */
  throughPoints?: Point[]
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
  /**
   * Bytes at layer 2 that a transfer which moved so much payload has cost the line, what was sent again included. Of one
   * that tells nothing and that no counter has seen, all that it was allowed.
   */
  wireBytes: (payloadBytes: number | null) => number
}

/** To which Linux lets the receive buffer of a socket grow (`tcp_rmem`, its default). */
const receiveBufferBytes = 6 * 1024 ** 2

export function createObserver(deps: {
  reader: CounterReader | undefined
  framing: Framing
  direction: Direction
  transfer: Transfer
  /** Traffic of others just before, in bit/s. */
  idleBps: number
  maxBytes: number
  streams: number
  session: Pick<Session, 'self'>
  /** Round trips under load so far; of an upload, a reading is taken as each begins. */
  roundTrips: readonly RoundTrip[]
  /** An upload that keeps the queue short for others. */
  isYielding: boolean
}): Observer {
  const { reader, framing, direction, transfer, idleBps, maxBytes, streams, session, roundTrips, isYielding } = deps
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
      if (direction === 'up') {
        const through = roundTrips.map(({ at, seconds }) => ({ ...tickAt(ticks, at - seconds), seconds: at }))
        return uploaded(sights(), { hasCounter, idleBps, lateSeconds, through, isYielding })
      }
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
      const { counter: all = 0, resent = 0, seconds = 0 } = ticks.at(-1) ?? {}
      const own = payloadBytes === null ? undefined : payloadBytes * framing.overhead + resent / 8
      if (counter === undefined || counter.lost()) return own ?? maxBytes
      // Never more than passed at all: what was handed to the kernel need not have left it.
      const known = Math.min(own ?? Number.POSITIVE_INFINITY, all / 8)
      // The loopback is no line.
      if (direction === 'up' || session.self) return known
      // What waits unread in the kernel has passed as well. More than it can hold is what others have more than before.
      const more = (all - idleBps * (seconds - (ticks[0]?.seconds ?? 0))) / 8
      return Math.max(known, Math.min(more, known + streams * receiveBufferBytes))
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
