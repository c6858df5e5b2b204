/** What the path probe's latest round trips say of a line under ordinary traffic. Pure functions. */
import { levels } from '../../core/registry.ts'

/** A run of a path probe against one target; times in seconds on the monotonic clock. */
export type RoundTrips = {
  level: string
  target: string
  start: number
  end: number
  rttSeconds: number | null
  sent: number
  lost: number
}
export type Rise = { idleSeconds: number; loadedSeconds: number }

/** Idle runs without which there is nothing to compare with. */
const leastIdleRuns = 3
/** Rise that a queue makes and the noise of a path does not: a shaper's is tens of milliseconds, with AQM 5 ms. */
const leastRiseSeconds = 0.005
const leastRiseRatio = 0.2
/** Packets on the way out of the school that vouch for its upload, and the share of them that may be lost. */
const leastSent = 20
const harmlessLossRatio = 0.02

/**
 * Whether round trips during `loaded` were longer than on the idle line, to every target of the nearest level outside
 * the school: farther away it could be another line's queue.
 */
export function riseOf(runs: readonly RoundTrips[], isIdle: (run: RoundTrips) => boolean, loaded: Span) {
  const nearest = levels.find((level) => level !== 'site' && runs.some((run) => run.level === level))
  const rises: Rise[] = []
  for (const own of Map.groupBy(
    runs.filter(({ level }) => level === nearest),
    ({ target }) => target,
  ).values()) {
    const timesOf = (part: readonly RoundTrips[]) => part.flatMap(({ rttSeconds }) => rttSeconds ?? [])
    const idle = timesOf(own.filter(isIdle)).toSorted((a, b) => a - b)
    const busy = timesOf(own.filter((run) => isWithin(run, loaded)))
    if (idle.length < leastIdleRuns || busy.length === 0) return undefined
    const idleSeconds = idle[idle.length >> 1] as number
    const loadedSeconds = busy.reduce((sum, time) => sum + time, 0) / busy.length
    // A time that is no number proves nothing.
    const isRise = loadedSeconds - idleSeconds >= Math.max(leastRiseSeconds, leastRiseRatio * idleSeconds)
    if (!isRise) return undefined
    rises.push({ idleSeconds, loadedSeconds })
  }
  return rises[0]
}

/**
 * Whether what went out during `span` got through. The interface counts what it sends, also what a full line then
 * drops; but such a line drops pings as well.
 */
export function gotThrough(runs: readonly RoundTrips[], span: Span): boolean {
  const during = runs.filter((run) => run.level !== 'site' && isWithin(run, span))
  const sent = during.reduce((sum, run) => sum + run.sent, 0)
  const lost = during.reduce((sum, run) => sum + run.lost, 0)
  return sent >= leastSent && lost <= harmlessLossRatio * sent
}

type Span = { start: number; end: number }

function isWithin(run: RoundTrips, { start, end }: Span): boolean {
  return run.start >= start && run.end <= end
}
