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
  /** Takes a time of the collector, received for a request sent at `sentAt` (local ms). Returns the correction that it changed by, ms. */
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

  /** When somebody sets the wrong clock right, the correction must go with it, not wait for the next answer. */
  function local(): number {
    const wall = sources.wall()
    const monotonic = sources.monotonic()
    const step = wall - anchor.wall - (monotonic - anchor.monotonic)
    anchor = { wall, monotonic }
    if (Math.abs(step) > stepMs) {
      const settled = correction !== 0 && Math.abs(correction - step) < stepMs
      log.warn({ step_seconds: Math.round(step / 1000) }, 'The clock of this machine was set.')
      if (settled) correction = 0
    }
    return wall
  }

  return {
    now: () => local() + correction,
    local,
    offsetSeconds: () => measured,
    synchronise: (collectorNow, sentAt) => {
      const received = local()
      // Half of the round trip is the best guess of the way back (NTP).
      const offset = collectorNow - (sentAt + received) / 2
      measured = -offset / 1000
      const wanted = Math.abs(offset) > toleranceMs ? Math.round(offset) : 0
      if (Math.abs(wanted - correction) <= toleranceMs) return 0
      const change = wanted - correction
      correction = wanted
      log.warn(
        { offset_seconds: Math.round(-offset / 1000) },
        'The clock of this machine differs from the collector; samples are stamped with the collector’s time.',
      )
      return change
    },
  }
}
