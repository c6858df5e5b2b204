/**
 * The time that samples are stamped with. A school server's clock may be an hour off or in 1970 (no battery), while
 * evidence needs true times: every answer of the collector carries its time, and that one holds.
 */
import type { Log } from '../core/log.ts'

export type Clock = {
  /** Milliseconds since 1970, corrected. */
  now: () => number
  /** The local clock, uncorrected. */
  local: () => number
  /** Local clock minus the collector's, seconds; undefined before the first answer. */
  offsetSeconds: () => number | undefined
  /** Takes a time of the collector, received for a request sent at `sentAt` (local ms). Returns what that changed, ms. */
  synchronise: (collectorNow: number, sentAt: number) => number
}

/** Below it the network's own delay and ordinary drift are no reason to step; NTP does better. */
const toleranceMs = 2_000
/** A local clock that moves by more than this against the monotonic one was set. */
const stepMs = 5_000

export type TimeSources = { wall: () => number; monotonic: () => number }

export function createClock(sources: TimeSources, log: Log): Clock {
  let correction = 0
  let measured: number | undefined
  let anchor = { wall: sources.wall(), monotonic: sources.monotonic() }

  /**
   * One timeline for the whole process: when somebody sets the local clock, the correction takes the step back, until
   * the collector's next answer. What was measured before contact is moved as one piece then (`Spool.restamp`).
   */
  function local(): number {
    const wall = sources.wall()
    const monotonic = sources.monotonic()
    const step = wall - anchor.wall - (monotonic - anchor.monotonic)
    anchor = { wall, monotonic }
    if (Math.abs(step) <= stepMs) return wall
    // The monotonic clock has fractions; times of samples have none.
    correction -= Math.round(step)
    log.warn(
      { step_seconds: Math.round(step / 1000) },
      'The clock of this machine was set; samples keep their own time until the collector tells it.',
    )
    return wall
  }

  function synchronise(collectorNow: number, sentAt: number): number {
    const received = local()
    // Half of the round trip is the best guess of the way back (NTP), and may be wrong by as much.
    const offset = collectorNow - (sentAt + received) / 2
    const doubt = Math.abs(received - sentAt) / 2
    if (measured === undefined || doubt <= toleranceMs) measured = -offset / 1000
    if (Math.abs(offset - correction) <= toleranceMs + doubt) return 0
    const wanted = Math.abs(offset) > toleranceMs ? Math.round(offset) : 0
    const change = wanted - correction
    correction = wanted
    const facts = { offset_seconds: Math.round(-offset / 1000) }
    if (wanted === 0) log.info(facts, 'The clock of this machine agrees with the collector again.')
    else
      log.warn(
        facts,
        'The clock of this machine differs from the collector; samples are stamped with the collector’s time.',
      )
    return change
  }

  return { now: () => local() + correction, local, offsetSeconds: () => measured, synchronise }
}
