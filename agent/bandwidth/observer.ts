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

type Tick = { seconds: number; counterBits: number; ownBits: number | undefined; retransmits: number }

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
  let first: Counters | undefined
  let last: Counters | undefined
  let lost = reader === undefined

  const counterBits = (): number => {
    if (reader === undefined || lost) return 0
    try {
      const reading = reader.read()
      first ??= reading
      const step = difference(last ?? first, reading)
      const sum = difference(first, reading)
      last = reading
      if (step !== undefined && sum !== undefined) return framing.bitsOf(sum, direction)
    } catch {
      // The interface went away in the middle: the transfer's own bytes must do.
    }
    lost = true
    return 0
  }
  /** Own traffic on the wire at a tick, where that is already final. */
  const own = (tick: Tick): number => {
    tick.ownBits ??= transfer.bytesAt(tick.seconds) * 8 * framing.overhead
    return tick.ownBits
  }
  const known = () => {
    const until = transfer.knownUntil()
    return ticks.filter((tick) => tick.ownBits !== undefined || tick.seconds <= until)
  }

  const download = (): Observation => {
    if (lost)
      return {
        points: ticks.map((tick) => pointOf(tick, own(tick))),
        method: 'goodput',
        otherBps: null,
        retransmitRatio: 0,
      }
    const otherBps = Math.max(
      0,
      slope(halfOf(ticks), (tick) => tick.counterBits - own(tick)),
    )
    return {
      points: ticks.map((tick) => pointOf(tick, tick.counterBits)),
      method: 'counter',
      otherBps,
      retransmitRatio: 0,
    }
  }

  /**
   * The counter of the sender runs ahead of the bottleneck's queue and counts what is dropped behind it. So what the
   * server acknowledged is the rate, plus the traffic of others, of which as much was dropped as of our own.
   */
  const upload = (): Observation => {
    const list = known()
    const window = halfOf(list)
    const resent = (tick: Tick) => tick.retransmits * framing.frameBytes * 8
    const foreign = (tick: Tick) => tick.counterBits - own(tick) - resent(tick)
    const ackedBps = slope(window, own)
    const resentBps = slope(window, resent)
    const retransmitRatio = ackedBps > 0 ? resentBps / (ackedBps + resentBps) : 0
    const measured = lost ? 0 : Math.max(0, slope(window, foreign))
    const isNoise = measured < otherNoiseRatio * ackedBps
    const otherBps = isNoise ? Math.min(measured, idleBps) : measured
    const start = list[0]?.seconds ?? 0
    const others = (tick: Tick) => (isNoise ? otherBps * (tick.seconds - start) : foreign(tick)) * (1 - retransmitRatio)
    const points = list.map((tick) => pointOf(tick, own(tick) + others(tick)))
    return { points, method: 'acknowledged', otherBps: lost ? null : otherBps, retransmitRatio }
  }

  return {
    tick() {
      const tick: Tick = {
        counterBits: counterBits(),
        seconds: now(),
        ownBits: undefined,
        retransmits: direction === 'up' ? retransmittedSegments() : 0,
      }
      if (direction === 'down') own(tick)
      ticks.push(tick)
    },
    observe: direction === 'down' ? download : upload,
    goodputBps: (from) =>
      slope(
        known().filter((tick) => tick.seconds >= from),
        own,
      ) / framing.overhead,
    counterLost: () => lost && reader !== undefined,
  }
}

function pointOf({ seconds }: Tick, bits: number): Point {
  return { seconds, bits }
}

/** The later half of a test: its beginning fills queues and windows, which no comparison of two counters survives. */
function halfOf(ticks: readonly Tick[]): Tick[] {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined) return []
  const middle = (first.seconds + last.seconds) / 2
  return ticks.filter((tick) => tick.seconds >= middle)
}

/** Growth of a cumulative value over a window, per second. */
function slope(ticks: readonly Tick[], value: (tick: Tick) => number): number {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined || first === last) return 0
  return (value(last) - value(first)) / (last.seconds - first.seconds)
}

/** Segments that this host's TCP has sent again since boot; 0 where the kernel does not say. */
function retransmittedSegments(): number {
  try {
    const [names = '', values = ''] = readFileSync('/proc/net/snmp', 'latin1')
      .split('\n')
      .filter((line) => line.startsWith('Tcp:'))
    return Number(values.split(' ')[names.split(' ').indexOf('RetransSegs')] ?? 0)
  } catch {
    return 0
  }
}
