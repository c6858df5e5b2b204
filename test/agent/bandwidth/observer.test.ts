import { describe, expect, it } from 'vitest'
import type { Mark } from '../../../agent/bandwidth/curve.ts'
import { createObserver } from '../../../agent/bandwidth/observer.ts'
import type { RoundTrip } from '../../../agent/bandwidth/standing.ts'
import { now, type Transfer } from '../../../agent/bandwidth/transfer.ts'
import { framingOf } from '../../../agent/bandwidth/wire.ts'
import type { CounterReader, Counters } from '../../../agent/counters.ts'
import { AppError } from '../../../core/errors.ts'
import type { Direction } from '../../../core/standard.ts'

const framing = framingOf(undefined, '10.0.0.1')

/** A counter and a transfer, both told what to say; time passes as `step` says. */
function setUp(
  direction: Direction,
  given: { source?: CounterReader['source']; idleBps?: number; roundTrips?: RoundTrip[]; isYielding?: boolean } = {},
) {
  const { source = 'sysfs', idleBps = 0, roundTrips = [], isYielding = false } = given
  // In the past, so that the time that is made up here never runs ahead of the real one.
  const begun = now() - 1000
  let counters: Counters = { time: begun * 1000, rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 }
  let failure: AppError | undefined
  const marks: Mark[] = [{ seconds: begun, bytes: 0 }]
  const reader: CounterReader = {
    source,
    ready: Promise.resolve(),
    read: () => {
      if (failure !== undefined) throw failure
      return counters
    },
    readFaults: () => ({ rxErrors: 0, txErrors: 0, rxDropped: 0, txDropped: 0 }),
    close: () => {},
  }
  const transfer: Transfer = {
    marks: () => marks,
    usedBytes: () => 0,
    backlogRatio: () => 0,
    done: new Promise(() => {}),
    stop: () => {},
  }
  const observer = createObserver({
    reader,
    framing,
    direction,
    transfer,
    idleBps,
    maxBytes: 50_000,
    streams: 1,
    session: { self: false },
    roundTrips,
    isYielding,
  })
  observer.tick()
  return {
    observer,
    begun,
    /** After `seconds`: bytes that the interface and the transfer have moved more. */
    step(seconds: number, wire: number, own: number) {
      const last = marks.at(-1) as Mark
      const bytes = direction === 'down' ? { rxBytes: counters.rxBytes + wire } : { txBytes: counters.txBytes + wire }
      counters = { ...counters, ...bytes, time: counters.time + seconds * 1000 }
      marks.push({ seconds: last.seconds + seconds, bytes: last.bytes + own })
      observer.tick()
    },
    reset: () => (counters = { ...counters, rxBytes: 5, txBytes: 5, time: counters.time + 100 }),
    lose: () => (failure = new AppError('io', 'Interface wan0 has disappeared.')),
  }
}

const rateOf = (points: readonly { seconds: number; bits: number }[]) => {
  const [first, last] = [points[0], points.at(-1)]
  return first === undefined || last === undefined ? 0 : (last.bits - first.bits) / (last.seconds - first.seconds)
}

describe('download', () => {
  it('is what the interface carried; what was not ours is other traffic', () => {
    const { observer, step } = setUp('down')
    for (let i = 0; i < 20; i++) step(0.05, 1000 * framing.overhead + 500, 1000)
    const { points, method, otherBps } = observer.observe(0)
    expect(method).toBe('counter')
    expect(rateOf(points)).toBeCloseTo((1000 * framing.overhead + 500) * 8 * 20, 0)
    expect(otherBps).toBeCloseTo(500 * 8 * 20, 0)
    expect(observer.goodputBps(Number.NEGATIVE_INFINITY)).toBeCloseTo(1000 * 8 * 20, 0)
  })

  it.each(['reset', 'lose'] as const)('goes on with its own bytes when the counter is gone: %s', (what) => {
    const { observer, step, ...faults } = setUp('down')
    for (let i = 0; i < 10; i++) step(0.05, 2000, 1000)
    faults[what]()
    for (let i = 0; i < 10; i++) step(0.05, 2000, 1000)
    const { points, method, otherBps } = observer.observe(0)
    expect(observer.counterLost()).toBe(true)
    expect({ method, otherBps }).toEqual({ method: 'goodput', otherBps: null })
    expect(rateOf(points)).toBeCloseTo(1000 * framing.overhead * 8 * 20, 0)
  })

  it('has two views where the counter is slow: its own bytes at once, all traffic each second', () => {
    const { observer, step } = setUp('down', { source: 'polled' })
    for (let i = 0; i < 5; i++) step(1, 3000, 1000)
    observer.tick()
    const { points, upperPoints, method } = observer.observe(0)
    expect(method).toBe('goodput')
    expect(rateOf(points)).toBeCloseTo(1000 * framing.overhead * 8, 0)
    expect(upperPoints).toHaveLength(6)
    expect(rateOf(upperPoints ?? [])).toBeCloseTo(3000 * 8, 0)
  })
})

describe('upload', () => {
  it('is what was acknowledged, not what the interface sent', () => {
    const { observer, step } = setUp('up')
    // The interface is ahead by what waits in the bottleneck's queue, but no faster.
    step(0.05, 50_000, 0)
    for (let i = 0; i < 30; i++) step(0.05, 10_000 * framing.overhead, 10_000)
    const { points, method, otherBps } = observer.observe(0)
    expect(method).toBe('acknowledged')
    expect(otherBps).toBe(0)
    expect(rateOf(points.slice(1))).toBeCloseTo(10_000 * framing.overhead * 8 * 20, 0)
  })

  it('has the traffic of others added: what there was before for certain, what there seems to be at most', () => {
    const { observer, step } = setUp('up', { idleBps: 320_000 })
    for (let i = 0; i < 30; i++) step(0.05, 10_000 * framing.overhead + 4000, 10_000)
    const { points, upperPoints, otherBps } = observer.observe(0)
    expect(otherBps).toBeCloseTo(4000 * 8 * 20, 0)
    expect(rateOf(points)).toBeCloseTo(10_000 * framing.overhead * 8 * 20 + 320_000, 0)
    expect(rateOf(upperPoints ?? [])).toBeCloseTo((10_000 * framing.overhead + 4000) * 8 * 20, 0)
  })

  it('trusts a difference of counters no further than the queue allows', () => {
    const { observer, step } = setUp('up', { idleBps: 1e9 })
    for (let i = 0; i < 40; i++) step(0.05, 10_000 * framing.overhead + 4000, 10_000)
    const { points, upperPoints, likelyPoints } = observer.observe(0.05)
    const own = 10_000 * framing.overhead * 8 * 20
    const others = 4000 * 8 * 20
    // Over the later second of two: 5 % of all there was.
    const queue = 0.05 * (own + others)
    expect(rateOf(likelyPoints ?? [])).toBeCloseTo(own + others, 0)
    expect(rateOf(points) / (own + others - queue)).toBeCloseTo(1, 2)
    expect(rateOf(upperPoints ?? []) / (own + others + queue)).toBeCloseTo(1, 2)
  })

  it('that yields to others is what the counter saw and a round trip has followed, while nothing is lost', () => {
    const roundTrips: RoundTrip[] = []
    const { observer, step, begun } = setUp('up', { idleBps: 320_000, roundTrips, isYielding: true })
    const stepBytes = 15_000 * framing.overhead
    for (let i = 1; i <= 40; i++) {
      // Others come and go, and so does our own share. The queue grows all the time: the counter alone tells 10 % too much.
      step(0.05, 1.1 * stepBytes, 10_000 + (i % 8) * 500)
      roundTrips.push({ at: begun + i * 0.05, seconds: (i * 0.05 * 0.1) / 1.1 })
    }
    const { points, upperPoints, method } = observer.observe(0.05)
    expect(method).toBe('counter')
    expect(rateOf(points) / (stepBytes * 8 * 20)).toBeCloseTo(1, 6)
    expect(upperPoints).toBeUndefined()
  })

  it('that yields takes an answer that was late for no less than the one before', () => {
    const roundTrips: RoundTrip[] = []
    const { observer, step, begun } = setUp('up', { idleBps: 320_000, roundTrips, isYielding: true })
    for (let i = 1; i <= 40; i++) step(0.05, 15_000 * framing.overhead, 10_000)
    roundTrips.push(
      { at: begun + 1, seconds: 0.1 },
      { at: begun + 1.1, seconds: 0.9 },
      { at: begun + 1.2, seconds: 0.1 },
    )
    const bits = observer.observe(0.05).points.map((point) => point.bits)
    expect(bits[1]).toBe(bits[0])
    expect(bits[2]).toBeGreaterThan(bits[1] as number)
  })

  it('by itself is seen a second time by what had left when a round trip began', () => {
    const roundTrips: RoundTrip[] = []
    const { observer, step, begun } = setUp('up', { roundTrips })
    for (let i = 1; i <= 40; i++) {
      // The queue grows by 2 % of what leaves; acknowledgements come as they like.
      step(0.05, 10_200 * framing.overhead, 10_000 + (i % 8) * 500 - 1750)
      roundTrips.push({ at: begun + i * 0.05, seconds: (i * 0.05 * 0.02) / 1.02 })
    }
    const { throughPoints = [], method } = observer.observe(0.05)
    expect(method).toBe('acknowledged')
    expect(rateOf(throughPoints) / (10_000 * framing.overhead * 8 * 20)).toBeCloseTo(1, 6)
  })

  it('sees nobody where nobody was before and the queue explains the difference', () => {
    const { observer, step } = setUp('up', { idleBps: 0 })
    for (let i = 0; i < 40; i++) step(0.05, 10_400 * framing.overhead, 10_000)
    expect(observer.observe(0.05)).toMatchObject({ otherBps: 0 })
    expect(observer.observe(0.05).upperPoints).toBeUndefined()
    expect(observer.observe(0.01).upperPoints).toBeDefined()
  })

  it('takes no more for other traffic than there was before, when the difference is mere noise', () => {
    const { observer, step } = setUp('up', { idleBps: 100 })
    for (let i = 0; i < 30; i++) step(0.05, 10_100 * framing.overhead, 10_000)
    expect(observer.observe(0)).toMatchObject({ otherBps: 100 })
    expect(observer.observe(0).upperPoints).toBeUndefined()
  })
})

describe('the cost of a test', () => {
  it.each(['reset', 'lose'] as const)('is all it was allowed, when nothing tells any more: %s', (what) => {
    const { observer, step, ...faults } = setUp('down')
    step(0.05, 20_000, 0)
    expect(observer.wireBytes(null)).toBe(20_000)
    faults[what]()
    step(0.05, 2000, 0)
    expect(observer.wireBytes(null)).toBe(50_000)
    expect(observer.wireBytes(1000)).toBe(1000 * framing.overhead)
  })

  it('counts what came and was not read yet, but not what others had before', () => {
    const { observer, step } = setUp('down', { idleBps: 8000 })
    for (let i = 0; i < 20; i++) step(0.05, 500, 100)
    expect(observer.wireBytes(2000)).toBeCloseTo(20 * 500 - 1000, 0)
    expect(observer.wireBytes(9900)).toBe(20 * 500)
  })

  it('counts no more for unread than a socket can hold: the rest is what others have more', () => {
    const { observer, step } = setUp('down')
    for (let i = 0; i < 20; i++) step(0.05, 1e6, 1e5)
    expect(observer.wireBytes(2e6)).toBeCloseTo(2e6 * framing.overhead + 6 * 1024 ** 2, 0)
  })

  it('of an upload is never more than left', () => {
    const { observer, step } = setUp('up', { idleBps: 8000 })
    for (let i = 0; i < 20; i++) step(0.05, 500, 100)
    expect(observer.wireBytes(2000)).toBeCloseTo(2000 * framing.overhead, 0)
    expect(observer.wireBytes(20_000)).toBe(20 * 500)
  })
})
