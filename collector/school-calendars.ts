/** Which calendar a site goes by, and its schedule for the coming weeks (core/calendar.ts). */
import {
  type Calendar,
  daylight,
  type Expectation,
  expectedSpans,
  inLesson,
  localTime,
  type Schedule,
  type SchoolDay,
  schoolDay,
  scheduleOf,
  usualCalendar,
} from '../core/calendar.ts'
import type { RegistryData } from '../core/registry.ts'
import type { Category } from '../core/standard.ts'
import { createExpectedTimes, type ExpectedTimes } from './expected-times.ts'
import { dayMs, localDay, utcOffsetSeconds } from './local-time.ts'
import { isYearKnown, nationalDays } from './national-days.ts'

/** From a Monday: an agent that hears nothing for eight weeks still knows its holidays. */
const scheduleDays = 63
/** Changes of summer time that an agent is told ahead. */
const offsetDays = 400

/** The notice for the next year comes in October or November: in December its absence is a fault. */
export const calendarDueMs = 31 * dayMs

/** A year whose national holidays and make-up days are neither packaged nor listed in a calendar that goes by them. */
export type CalendarGap = {
  year: number
  /** Until it begins, by the clocks of the district; negative in its course. */
  inMs: number
  /** Id in the registry; undefined: it has none for these schools. */
  calendar: string | undefined
  sites: string[]
}

export type SchoolCalendars = {
  /** The same all week long: a schedule is part of a slice, whose revision must not change without need. */
  scheduleOf: (site: string, category: Category, time: number) => Schedule
  /** What a local day of a site is. */
  dayOf: (site: string, category: Category, time: number) => SchoolDay
  /** Whether a site is at work. Days of examinations, in which no test may run at any hour, have their usual lessons here. */
  isLesson: (site: string, category: Category, time: number) => boolean
  /** When devices of a site are expected to be on. */
  expectedOf: (site: string, category: Category, expectation: Expectation) => ExpectedTimes
  /** What is missing of this year and the next, by calendar. */
  gaps: (sites: readonly { id: string; category: Category }[], time: number) => CalendarGap[]
}

export function createSchoolCalendars({ district, calendars }: RegistryData): SchoolCalendars {
  const { timezone } = district
  const made = new Map<Calendar, { monday: number; schedule: Schedule }>()
  const chosen = new Map<string, Calendar>()
  const expected = new Map<Calendar, Map<Expectation, ExpectedTimes>>()

  /** Asked for every batch of samples of terminals. */
  function calendarOf(site: string, category: Category): Calendar {
    const key = `${site} ${category}`
    const calendar = chosen.get(key) ?? findCalendar(site, category)
    chosen.set(key, calendar)
    return calendar
  }

  function findCalendar(site: string, category: Category): Calendar {
    return (
      calendars.find(({ sites }) => sites?.includes(site)) ??
      calendars.find(({ sites, categories }) => sites === undefined && categories?.includes(category)) ??
      calendars.find(({ sites, categories }) => sites === undefined && categories === undefined) ??
      usualCalendar
    )
  }

  function expectedOf(site: string, category: Category, expectation: Expectation): ExpectedTimes {
    const calendar = calendarOf(site, category)
    const known = expected.get(calendar) ?? new Map<Expectation, ExpectedTimes>()
    expected.set(calendar, known)
    const spansOn = (day: number) => expectedSpans(calendar, nationalDays, expectation, day)
    const times = known.get(expectation) ?? createExpectedTimes(spansOn, timezone)
    known.set(expectation, times)
    return times
  }

  function scheduleAt(calendar: Calendar, time: number): Schedule {
    const monday = mondayOf(time, timezone)
    const kept = made.get(calendar)
    if (kept?.monday === monday) return kept.schedule
    // East of Greenwich a local day begins before that of UTC.
    const offsets = offsetsFrom((monday - 1) * dayMs, timezone)
    const schedule = scheduleOf(calendar, nationalDays, { firstDay: monday, days: scheduleDays, offsets })
    made.set(calendar, { monday, schedule })
    return schedule
  }

  const dayOf: SchoolCalendars['dayOf'] = (site, category, time) =>
    schoolDay(calendarOf(site, category), nationalDays, localDay(time, timezone))

  return {
    expectedOf,
    scheduleOf: (site, category, time) => scheduleAt(calendarOf(site, category), time),
    dayOf,
    isLesson: (site, category, time) => {
      const calendar = calendarOf(site, category)
      const schedule = scheduleAt(calendar, time)
      if (dayOf(site, category, time).kind !== 'exam') return inLesson(schedule, time)
      const { minute } = localTime(schedule, time)
      return daylight(calendar).some(([from, to]) => minute >= from && minute < to)
    },
    gaps: (sites, time) => {
      const local = time + utcOffsetSeconds(time, timezone) * 1_000
      const year = new Date(local).getUTCFullYear()
      const groups = [...Map.groupBy(sites, ({ id, category }) => calendarOf(id, category))]
      const unknown = [year, year + 1].filter((each) => !isYearKnown(each))
      return unknown.flatMap((each) =>
        groups
          .filter(([calendar]) => calendar.national && !lists(calendar, each))
          .map(([calendar, users]) => ({
            year: each,
            inMs: Date.UTC(each, 0) - local,
            calendar: calendars.find((one) => one === calendar)?.id,
            sites: users.map(({ id }) => id),
          })),
      )
    },
  }
}

function lists({ holidays }: Calendar, year: number): boolean {
  return holidays.some(({ from, to = from }) => from <= `${year}-01-01` && to >= `${year}-01-01`)
}

function mondayOf(time: number, timezone: string): number {
  const day = localDay(time, timezone)
  return day - ((day + 3) % 7)
}

/** The offset at a time and when it changes: an agent has no time zone database in memory for that. */
function offsetsFrom(start: number, timezone: string): Pick<Schedule, 'utc_offset_seconds' | 'offset_changes'> {
  const first = utcOffsetSeconds(start, timezone)
  const changes: [number, number][] = []
  let last = first
  for (let from = start; from < start + offsetDays * dayMs; from += dayMs) {
    const next = utcOffsetSeconds(from + dayMs, timezone)
    if (next === last) continue
    changes.push([changeBetween(from, from + dayMs, timezone), next])
    last = next
  }
  return { utc_offset_seconds: first, offset_changes: changes }
}

/** Zones change on whole minutes. */
function changeBetween(from: number, to: number, timezone: string): number {
  const before = utcOffsetSeconds(from, timezone)
  let [low, high] = [from, to]
  while (high - low > 60_000) {
    const middle = low + Math.ceil((high - low) / 120_000) * 60_000
    if (utcOffsetSeconds(middle, timezone) === before) low = middle
    else high = middle
  }
  return high
}
