/** When rules about lessons keep quiet: the school calendar as Grafana's and Alertmanager's time intervals. */
import { dateOf, type Span } from '../../core/calendar.ts'

export const outsideLessons = 'outside-lessons'

type Interval = {
  location: string
  times?: { start_time: string; end_time: string }[]
  weekdays?: string[]
  years?: string[]
  months?: string[]
  days_of_month?: string[]
}
export type MuteTime = { name: string; time_intervals: Interval[] }

/**
 * Outside `lessons` on any day, and all day on `freeDays` (counted from 1970-01-01). Free days are named one by one,
 * because an interval cannot make an exception: a Saturday with lessons (调休) must not be muted with the others. Without
 * a calendar, Saturdays and Sundays are free.
 */
export function muteTimes(lessons: readonly Span[], timezone: string, freeDays?: readonly number[]): MuteTime {
  const location = timezone
  const free: Interval[] =
    freeDays === undefined ? [{ location, weekdays: ['saturday:sunday'] }] : daysOf(freeDays, location)
  return { name: outsideLessons, time_intervals: [{ location, times: gapsOf(lessons) }, ...free] }
}

function gapsOf(lessons: readonly Span[]): NonNullable<Interval['times']> {
  const edges = [0, ...lessons.toSorted((a, b) => a[0] - b[0]).flat(), 1440]
  const gaps: NonNullable<Interval['times']> = []
  for (let i = 0; i < edges.length; i += 2) {
    const [from, to] = [edges[i] as number, edges[i + 1] as number]
    if (from < to) gaps.push({ start_time: clock(from), end_time: clock(to) })
  }
  return gaps
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}

/** One interval a month, its days in runs. */
function daysOf(freeDays: readonly number[], location: string): Interval[] {
  const months = Map.groupBy(freeDays.map(dateOf), (date) => date.slice(0, 7))
  return [...months].map(([month, dates]) => ({
    location,
    years: [month.slice(0, 4)],
    months: [String(Number(month.slice(5)))],
    days_of_month: runsOf(dates.map((date) => Number(date.slice(8)))),
  }))
}

function runsOf(days: readonly number[]): string[] {
  const runs: [number, number][] = []
  for (const day of days.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last?.[1] === day - 1) last[1] = day
    else runs.push([day, day])
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}:${to}`))
}
