import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Clock, createClock } from '../../agent/clock.ts'
import { createMemoryLog, type MemoryLog } from '../services/memory-log.ts'

const noon = Date.parse('2026-11-23T12:00:00Z')
const hour = 3_600_000

/** A machine whose wall clock may be set, and the true time. */
class Machine {
  #error: number
  elapsed = 0

  constructor(error: number) {
    this.#error = error
  }

  get truth(): number {
    return noon + this.elapsed
  }
  wall = () => this.truth + this.#error
  // Fractions of a millisecond, as performance.now() has them.
  monotonic = () => this.elapsed + 0.4821 + ((this.elapsed * 0.618) % 0.5)
  set(error: number): void {
    this.#error = error
  }
}

describe('the clock', () => {
  let machine: Machine
  let memory: MemoryLog
  let clock: Clock
  const start = (error: number) => {
    machine = new Machine(error)
    memory = createMemoryLog()
    clock = createClock(machine, memory.log)
  }
  /** A request and its answer; each way takes so long. */
  const ask = (thereMs = 20, backMs = 20) => {
    const sentAt = clock.local()
    machine.elapsed += thereMs
    const collectorNow = machine.truth
    machine.elapsed += backMs
    return clock.synchronise(collectorNow, sentAt)
  }
  const error = () => clock.now() - machine.truth
  beforeEach(() => start(0))

  it('is the local one before the first answer', () => {
    start(hour)
    expect(clock.now()).toBe(machine.wall())
    expect(clock.offsetSeconds()).toBeUndefined()
  })

  it.each([hour, -hour, -noon, 3_000])('is that of the collector for one that is %d ms off', (off) => {
    start(off)
    expect(Math.abs((ask() ?? Number.NaN) + off)).toBeLessThanOrEqual(1)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
    expect(clock.local()).toBe(machine.wall())
    expect(clock.offsetSeconds()).toBeCloseTo(off / 1000, 2)
    expect(memory.warnings()).toHaveLength(1)
    expect(ask()).toBe(0)
    expect(memory.warnings()).toHaveLength(1)
  })

  it('stays the local one for what the network itself may be off by', () => {
    start(1_500)
    expect(ask()).toBe(0)
    expect(error()).toBe(1_500)
    expect(clock.offsetSeconds()).toBeCloseTo(1.5)
    expect(memory.warnings()).toEqual([])
  })

  it('takes half of the round trip for the way back', () => {
    start(hour)
    ask(1_000, 1_000)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
  })

  it('does not take for an error what the time under way explains: the machine slept, or the line was full', () => {
    expect(ask(20, 600_000)).toBe(0)
    expect(error()).toBe(0)
    // An answer all the same: there is a collector.
    expect(clock.offsetSeconds()).toBeDefined()
  })

  it('is set right also over a line on which an answer takes ten seconds', () => {
    start(hour)
    ask(9_000, 1_000)
    expect(Math.abs(error())).toBeLessThanOrEqual(5_000)
    ask()
    expect(Math.abs(error())).toBeLessThanOrEqual(2_001)
  })

  it('does not believe an answer around a moment in which the clock was set', () => {
    const sentAt = clock.local()
    machine.elapsed += 40
    machine.set(hour)
    expect(clock.synchronise(machine.truth, sentAt)).toBe(0)
    machine.set(-hour)
    expect(clock.synchronise(machine.truth, sentAt)).toBe(0)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
  })

  it('goes on as before when somebody sets the wrong clock right', () => {
    start(hour)
    ask()
    machine.elapsed += 1_000
    machine.set(0)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
    machine.elapsed += 1_000
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
    expect(ask()).toBe(0)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
  })

  it('goes on as before when somebody sets the right clock wrong', () => {
    ask()
    machine.set(-hour)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
    expect(memory.warnings()).toEqual([
      'The clock of this machine was set; samples keep their own time until the collector tells it.',
    ])
  })

  it('is one timeline before the first answer, which then moves as one piece', () => {
    start(-noon)
    const before = clock.now()
    machine.elapsed += 60_000
    machine.set(0)
    const after = clock.now()
    expect(after - before).toBe(60_000)
    const change = ask() ?? Number.NaN
    expect(Math.abs(before + change - noon)).toBeLessThanOrEqual(1)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
  })

  it('follows a clock that drifts, no closer than two seconds', () => {
    ask()
    machine.set(1_900)
    expect(ask()).toBe(0)
    machine.set(2_100)
    expect(ask()).toBe(-2_100)
    expect(Math.abs(error())).toBeLessThanOrEqual(1)
  })

  it('tells whole milliseconds, also after it was set', () => {
    machine.elapsed += 1_234
    machine.set(hour)
    expect(Number.isInteger(clock.now())).toBe(true)
  })

  it('is within the tolerance of the truth after any history that ends with an answer', () => {
    const event = fc.oneof(
      fc.record({ does: fc.constant('set' as const), by: fc.integer({ min: -2 * hour, max: 2 * hour }) }),
      fc.record({ does: fc.constant('ask' as const), by: fc.nat({ max: 3_000 }) }),
      fc.record({ does: fc.constant('wait' as const), by: fc.nat({ max: 100_000 }) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: -hour, max: hour }), fc.array(event, { maxLength: 20 }), (off, events) => {
        start(off)
        let last = clock.now()
        for (const { does, by } of events) {
          if (does === 'set') machine.set(by)
          else if (does === 'wait') machine.elapsed += by
          else ask(by / 2, by / 2)
          // Between two answers the timeline only goes on, whatever is done to the local clock.
          if (does !== 'ask') expect(clock.now()).toBeGreaterThanOrEqual(last - 5_000)
          last = clock.now()
        }
        ask()
        expect(Math.abs(error())).toBeLessThanOrEqual(2_001)
        expect(Number.isInteger(clock.now())).toBe(true)
      }),
    )
  })
})
