/**
 * What one device was, stretch by stretch, from its samples. Pure: the same samples in any order give the same, so what
 * arrives late changes only what it is about.
 */
import type { DeviceState, StretchReason } from './states.ts'

/** `up`: undefined where the gateway had no way to the device, and so nothing is known. */
export type Point = { time: number; up: boolean | undefined }
/** Until the next one begins, the last one until now. */
export type Stretch = { state: DeviceState; reason: StretchReason; from: number }

const minuteMs = 60_000
/** Down when this many of the last `recent` samples were missed: one lost sweep is none. */
const misses = 3
const recent = 4
/** Up when so many in a row were answered. */
const answers = 2
/** Flapping when it came or went more often than this within `changesWithinMs`, in expected time. */
const mostChanges = 5
const changesWithinMs = 30 * minuteMs
/** Nothing is known of it after so many intervals without a sample, but not sooner or later than the bounds. */
const silentIntervals = 3.5
const silenceBounds = [3.5 * minuteMs, 20 * minuteMs] as const

type Seen = { time: number; up: boolean; expected: boolean }

/** `expected`: whether it should have been on at a time; `until`: now. Without samples there is no stretch. */
export function stretchesOf(points: readonly Point[], expected: (time: number) => boolean, until: number): Stretch[] {
  const ordered = inOrder(points)
  const silenceMs = silenceOf(ordered)
  const device = createDevice()
  let before: number | undefined
  for (const { time, up } of ordered) {
    if (before === undefined) device.unknown('few_samples', time)
    else if (time - before > silenceMs) device.unknown('no_samples', before)
    if (up === undefined) device.unknown('cut_off', time)
    else device.see({ time, up, expected: expected(time) })
    before = time
  }
  if (before !== undefined && until - before > silenceMs) device.unknown('no_samples', before)
  return device.stretches
}

function inOrder(points: readonly Point[]): Point[] {
  const byTime = new Map<number, Point>()
  for (const point of points) {
    // A device that changed its room has two series; an answer is stronger than none.
    const known = byTime.get(point.time)
    if (known === undefined || known.up !== true) byTime.set(point.time, { ...point, up: point.up ?? known?.up })
  }
  return [...byTime.values()].sort((a, b) => a.time - b.time)
}

/** Sweeps have an interval of their own at each school: the median of what was seen. */
function silenceOf(ordered: readonly Point[]): number {
  const gaps = ordered.slice(1).map(({ time }, i) => time - (ordered[i] as Point).time)
  const median = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0
  return Math.min(Math.max(silentIntervals * median, silenceBounds[0]), silenceBounds[1])
}

function createDevice() {
  const stretches: Stretch[] = []
  /** Since the last time that nothing was known. */
  let window: Seen[] = []
  let changes: number[] = []
  /** Begin of the samples in a row that were answered, that were not, and that were missed while expected. */
  let answeredFrom: number | undefined
  let silentFrom: number | undefined
  let missedFrom: number | undefined

  /** `from` may lie before what was thought to have begun since. */
  function become(state: DeviceState, reason: StretchReason, from: number): void {
    const is = stretches.at(-1)
    if (is?.state === state && is.reason === reason) return
    while ((stretches.at(-1)?.from ?? -Infinity) >= from) stretches.pop()
    const last = stretches.at(-1)
    if (last?.state !== state || last.reason !== reason) stretches.push({ state, reason, from })
  }

  function remember(seen: Seen): void {
    const { time, up, expected } = seen
    const before = window.at(-1)
    const changed = expected && before?.expected === true && before.up !== up
    changes = expected ? changes.filter((at) => at > time - changesWithinMs) : []
    if (changed) changes.push(time)
    window = [...window.slice(1 - recent), seen]
    answeredFrom = up ? (answeredFrom ?? time) : undefined
    silentFrom = up ? undefined : (silentFrom ?? time)
    missedFrom = up || !expected ? undefined : (missedFrom ?? time)
  }

  return {
    stretches,
    unknown: (reason: StretchReason, from: number): void => {
      window = []
      changes = []
      answeredFrom = silentFrom = missedFrom = undefined
      become('unknown', reason, from)
    },
    see: (seen: Seen): void => {
      remember(seen)
      const is = stretches.at(-1)?.state
      const silent = window.filter(({ up }) => !up)
      const missed = silent.filter(({ expected }) => expected)
      if (changes.length > mostChanges) return become('flapping', 'changes', changes[0] as number)
      if (seen.up) {
        if (window.length >= answers && window.slice(-answers).every(({ up }) => up))
          become('up', 'answers', answeredFrom as number)
      } else if (seen.expected) {
        const from = missed.length === recent ? missedFrom : missed[0]?.time
        if (missed.length >= misses) become('down', 'no_answer', from as number)
      } else if (is === 'down' || is === 'flapping') become('off', 'not_expected', seen.time)
      else if (silent.length >= misses) {
        const from = silent.length === recent ? silentFrom : silent[0]?.time
        become('off', 'not_expected', from as number)
      }
    },
  }
}
