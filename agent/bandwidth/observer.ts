/** What the wire says during a transfer: interface counters beside the transfer's own bytes, as points for the rule. */
import { readFileSync } from 'node:fs'
import type { Direction } from '../../core/standard.ts'
import { type CounterReader, type Counters, difference } from '../counters.ts'
import type { Point } from './sequential.ts'
import { now, type Transfer } from './transfer.ts'
import type { Framing } from './wire.ts'

export type Observation = {
  points: Point[]
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
  observe: () => Observation
  /** Payload rate of the transfer from `seconds` on. */
  goodputBps: (seconds: number) => number
  counterLost: () => boolean
}

/** Cumulative since the first tick, in bits at layer 2. */
type Tick = {
  seconds: number
  /** All traffic of the interface. */
  counter: number
  /** Our own that certainly passed; undefined while an upload waits for answers. */
  own: number | undefined
  /** Our own that was sent once more. */
  resent: number
}
type KnownTick = Tick & { own: number }

/** Other traffic below this share of the rate is noise of the comparison; then what was acknowledged stands alone. */
const otherNoiseRatio = 0.02

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
  const counter = reader === undefined ? undefined : createBitCounter(reader, framing, direction)
  const resentBefore = retransmittedSegments()

  const known = (): KnownTick[] => {
    const until = transfer.knownUntil()
    for (const tick of ticks) {
      if (tick.seconds <= until) tick.own ??= transfer.bytesAt(tick.seconds) * 8 * framing.overhead
    }
    return ticks.filter((tick): tick is KnownTick => tick.own !== undefined)
  }

  return {
    tick() {
      const bits = counter?.read() ?? 0
      const segments = direction === 'up' ? retransmittedSegments() - resentBefore : 0
      ticks.push({ seconds: now(), counter: bits, own: undefined, resent: segments * framing.frameBytes * 8 })
      if (direction === 'down') known()
    },
    observe() {
      const hasCounter = counter !== undefined && !counter.lost()
      return direction === 'down' ? download(known(), hasCounter) : upload(known(), hasCounter, idleBps)
    },
    goodputBps(from) {
      const list = known().filter((tick) => tick.seconds >= from)
      return slope(list, (tick) => tick.own) / framing.overhead
    },
    counterLost: () => counter?.lost() ?? false,
  }
}

/** Bits of one direction since the first reading. Once the counter went back or away it is lost for this test. */
function createBitCounter(reader: CounterReader, framing: Framing, direction: Direction) {
  let first: Counters | undefined
  let last: Counters | undefined
  let lost = false
  const read = (): number => {
    if (lost) return 0
    try {
      const reading = reader.read()
      first ??= reading
      const wentBack = difference(last ?? first, reading) === undefined
      const sum = difference(first, reading)
      last = reading
      if (!wentBack && sum !== undefined) return framing.bitsOf(sum, direction)
    } catch {
      // The interface is gone: what the transfer itself moved must do.
    }
    lost = true
    return 0
  }
  return { read, lost: () => lost }
}

function download(ticks: readonly KnownTick[], hasCounter: boolean): Observation {
  if (!hasCounter)
    return { points: pointsOf(ticks, (t) => t.own), method: 'goodput', otherBps: null, retransmitRatio: 0 }
  const otherBps = Math.max(
    0,
    slope(laterHalf(ticks), (tick) => tick.counter - tick.own),
  )
  return { points: pointsOf(ticks, (tick) => tick.counter), method: 'counter', otherBps, retransmitRatio: 0 }
}

/**
 * The counter of the sender runs ahead of the bottleneck's queue and counts what is dropped behind it. So what the
 * server acknowledged is the rate, plus the traffic of others, of which as much was dropped as of our own.
 */
function upload(ticks: readonly KnownTick[], hasCounter: boolean, idleBps: number): Observation {
  const window = laterHalf(ticks)
  const foreign = (tick: KnownTick) => tick.counter - tick.own - tick.resent
  const ownBps = slope(window, (tick) => tick.own)
  const resentBps = slope(window, (tick) => tick.resent)
  const retransmitRatio = ownBps > 0 ? resentBps / (ownBps + resentBps) : 0
  const measuredBps = hasCounter ? Math.max(0, slope(window, foreign)) : 0
  const isNoise = measuredBps < otherNoiseRatio * ownBps
  const otherBps = isNoise ? Math.min(measuredBps, idleBps) : measuredBps
  const start = ticks[0]?.seconds ?? 0
  const others = (tick: KnownTick) =>
    (isNoise ? otherBps * (tick.seconds - start) : foreign(tick)) * (1 - retransmitRatio)
  return {
    points: pointsOf(ticks, (tick) => tick.own + others(tick)),
    method: 'acknowledged',
    otherBps: hasCounter ? otherBps : null,
    retransmitRatio,
  }
}

function pointsOf(ticks: readonly KnownTick[], bits: (tick: KnownTick) => number): Point[] {
  return ticks.map((tick) => ({ seconds: tick.seconds, bits: bits(tick) }))
}

/** The later half of a test: its beginning fills queues and windows, which no comparison of two counters survives. */
function laterHalf<T extends Tick>(ticks: readonly T[]): T[] {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined) return []
  const middle = (first.seconds + last.seconds) / 2
  return ticks.filter((tick) => tick.seconds >= middle)
}

/** Growth of a cumulative value over a window, per second. */
function slope<T extends Tick>(ticks: readonly T[], value: (tick: T) => number): number {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined || first === last) return 0
  return (value(last) - value(first)) / (last.seconds - first.seconds)
}

/** Segments that this host's TCP has sent again since boot; 0 where the kernel does not say. */
function retransmittedSegments(): number {
  try {
    const lines = readFileSync('/proc/net/snmp', 'latin1').split('\n')
    const [names = '', values = ''] = lines.filter((line) => line.startsWith('Tcp:'))
    return Number(values.split(' ')[names.split(' ').indexOf('RetransSegs')] ?? 0)
  } catch {
    return 0
  }
}
