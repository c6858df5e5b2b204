/** When the devices of an expectation should be on, as times: `core/calendar.ts` says it in minutes of local days. */
import type { Span } from '../core/calendar.ts'
import { dayMs, localDay, timeOn } from './local-time.ts'

/** [from, to) in ms since 1970. */
export type TimeSpan = readonly [from: number, to: number]

export type ExpectedTimes = {
  at: (time: number) => boolean
  /** The expected parts of [from, to), ascending; adjoining ones are one. */
  within: (from: number, to: number) => TimeSpan[]
  /** The first expected time at or after `time`, if there is one before `to`. */
  next: (time: number, to: number) => number | undefined
}

/** Days that are kept, worked out: a year, and the same again for late samples. */
const maxDays = 732

/** `spansOn`: the expected spans of a local day. */
export function createExpectedTimes(spansOn: (day: number) => readonly Span[], timezone: string): ExpectedTimes {
  const days = new Map<number, readonly TimeSpan[]>()
  // Samples come minute by minute: the stretch that held for the last one nearly always holds for the next.
  let last: { from: number; to: number; expected: boolean } = { from: 0, to: 0, expected: false }

  /** The expected parts of a day of UTC, so that which day a sample lies in is no matter of time zones. */
  function spansOf(day: number): readonly TimeSpan[] {
    const kept = days.get(day)
    if (kept !== undefined) return kept
    if (days.size >= maxDays) days.clear()
    const [from, to] = [day * dayMs, (day + 1) * dayMs]
    const local = daysBetween(localDay(from, timezone), localDay(to, timezone)).flatMap((each) =>
      spansOn(each).map(([begin, end]): TimeSpan => [timeOn(each, begin, timezone), timeOn(each, end, timezone)]),
    )
    const spans = clipped(local, from, to)
    days.set(day, spans)
    return spans
  }

  function stretchAt(time: number): typeof last {
    const day = utcDay(time)
    let from = day * dayMs
    for (const [begin, end] of spansOf(day)) {
      if (time < begin) return { from, to: begin, expected: false }
      if (time < end) return { from: begin, to: end, expected: true }
      from = end
    }
    return { from, to: (day + 1) * dayMs, expected: false }
  }

  function within(from: number, to: number): TimeSpan[] {
    return clipped(daysBetween(utcDay(from), utcDay(to)).flatMap(spansOf), from, to)
  }

  return {
    at: (time) => {
      if (time < last.from || time >= last.to) last = stretchAt(time)
      return last.expected
    },
    within,
    next: (time, to) => {
      for (let from = time; from < to; from += dayMs) {
        const first = within(from, Math.min(from + dayMs, to))[0]
        if (first !== undefined) return first[0]
      }
      return undefined
    },
  }
}

const utcDay = (time: number) => Math.floor(time / dayMs)
const daysBetween = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** What of ascending spans lies in [from, to), those that adjoin made one. */
function clipped(spans: readonly TimeSpan[], from: number, to: number): TimeSpan[] {
  const found: [number, number][] = []
  for (const [begin, end] of spans) {
    const [first, after] = [Math.max(begin, from), Math.min(end, to)]
    const before = found.at(-1)
    if (first >= after) continue
    if (before?.[1] === first) before[1] = after
    else found.push([first, after])
  }
  return found
}
