/**
 * When a school has lessons. Two forms: the calendar, as a district writes it down, and the schedule, which is a
 * calendar worked out for the coming weeks, so that an agent needs neither holiday lists nor a time zone database.
 * Days are numbers counted from 1970-01-01, local; times of day are minutes.
 */
import { z } from 'zod'

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
type Weekday = (typeof weekdays)[number]

const dayMs = 86_400_000
const dayMinutes = 1440

const clockSchema = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'not a time of day such as 08:00')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)))
const dateSchema = z
  .string()
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && dateOf(dayNamed(text)) === text,
    'not a date such as 2026-09-01',
  )
const daysSchema = (says: string) =>
  z
    .array(
      z
        .strictObject({
          from: dateSchema.describe('First day.'),
          to: dateSchema.optional().describe('Last day; without it, one day.'),
          name: z.string().optional().describe('What it is, for people.'),
        })
        .refine(({ from, to = from }) => to >= from, { path: ['to'], error: 'the last day is before the first' }),
    )
    .default([])
    .describe(says)

const lessonSchema = z
  .strictObject({
    from: clockSchema.describe('Begin, such as 08:00, in the time zone of the district.'),
    to: clockSchema.describe('End.'),
    weekdays: z.array(z.enum(weekdays)).default(['mon', 'tue', 'wed', 'thu', 'fri']).describe('Days that have it.'),
    evening_before: z
      .boolean()
      .default(false)
      .describe('Evening study of boarders: held before each school day, whatever `weekdays` say.'),
  })
  .refine(({ from, to }) => to > from, { path: ['to'], error: 'it ends before it begins' })

/** Keys of a calendar in the registry. */
export const calendarFields = {
  lessons: z
    .array(lessonSchema)
    .prefault([
      { from: '08:00', to: '12:00' },
      { from: '14:00', to: '17:30' },
    ])
    .describe('Lessons of a school day, breaks included: no bandwidth test runs in them.'),
  terms: daysSchema('Lessons are held within these; without any, all year.'),
  holidays: daysSchema('Days off, beside the national ones.'),
  make_up_days: z
    .array(
      z.strictObject({
        date: dateSchema.describe('The day with lessons.'),
        as: z.enum(weekdays).optional().describe('Weekday whose lessons it has; without it, those of all weekdays.'),
      }),
    )
    .default([])
    .describe('Days off that have lessons (调休), beside the national ones.'),
  exams: daysSchema('Days of examinations: no bandwidth test at any hour.'),
  national: z.boolean().default(true).describe('Whether the national holidays and make-up days of China hold.'),
}
const calendarSchema = z.strictObject(calendarFields)
export type Calendar = z.output<typeof calendarSchema>
/** A school of which nothing is known has the usual hours. */
export const usualCalendar: Calendar = calendarSchema.parse({})

/** What the State Council says of a day; undefined where it is as its weekday. */
export type National = (date: string) => 'off' | 'work' | undefined

/** [from, to) in minutes of the local day. */
export type Span = readonly [from: number, to: number]
export type SchoolDay = { kind: 'school' | 'exam' | 'free'; lessons: Span[] }

/** What a day is. Exams win over make-up days, those over holidays; the school's own word over the national one. */
export function schoolDay(calendar: Calendar, national: National, day: number): SchoolDay {
  if (isWithin(calendar.exams, day)) return { kind: 'exam', lessons: [[0, dayMinutes]] }
  const held = timetable(calendar, national, day)
  const study = timetable(calendar, national, day + 1).length > 0 || isWithin(calendar.exams, day + 1)
  const evening = calendar.lessons.filter((lesson) => lesson.evening_before && study)
  return { kind: held.length > 0 ? 'school' : 'free', lessons: merged([...held, ...evening.map(spanOf)]) }
}

/** When a device should be on: in lessons, from the first to the last lesson of a school day, day and night, or nobody asks. */
export const expectations = ['lessons', 'school-day', 'always', 'never'] as const
export type Expectation = (typeof expectations)[number]

/** Nobody misses a device in the first minutes of a lesson, while it is switched on and starts. */
const graceMinutes = 5

/**
 * When a device is expected on a day. A break between two lessons that the calendar lists is nobody's: what was switched
 * off in it is no fault, and has the grace again. Evening study needs no device. In examinations screens stay dark by
 * rule, but the school is open: they are a `school-day`, not `lessons`.
 */
export function expectedSpans(calendar: Calendar, national: National, expectation: Expectation, day: number): Span[] {
  if (expectation === 'never') return []
  if (expectation === 'always') return [[0, dayMinutes]]
  const exam = isWithin(calendar.exams, day)
  if (expectation === 'lessons') return exam ? [] : merged(timetable(calendar, national, day)).flatMap(afterGrace)
  const lessons = exam ? daylight(calendar) : timetable(calendar, national, day)
  return lessons.length === 0 ? [] : afterGrace(hullOf(lessons))
}

/** When a school is at work on a day of examinations: as in its lessons, whatever the weekday. */
export function daylight({ lessons }: Calendar): Span[] {
  return merged(lessons.filter((each) => !each.evening_before).map(spanOf))
}

function afterGrace([from, to]: Span): Span[] {
  return to - from > graceMinutes ? [[from + graceMinutes, to]] : []
}

function hullOf(spans: readonly Span[]): Span {
  return [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))]
}

/** Lessons of a day by daylight: without evening study, which depends on the day after. */
function timetable(calendar: Calendar, national: National, day: number): Span[] {
  const date = dateOf(day)
  const on = (wanted: (weekday: Weekday) => boolean) =>
    calendar.lessons.filter((lesson) => !lesson.evening_before && lesson.weekdays.some(wanted)).map(spanOf)
  const madeUp = calendar.make_up_days.find((made) => made.date === date)
  if (madeUp !== undefined) return on((weekday) => weekday === (madeUp.as ?? weekday))
  if (isWithin(calendar.holidays, day)) return []
  if (calendar.terms.length > 0 && !isWithin(calendar.terms, day)) return []
  const said = calendar.national ? national(date) : undefined
  if (said === 'off') return []
  // Which weekday a national make-up day replaces is each school's choice: none of their lessons is risked.
  return on((weekday) => said === 'work' || weekday === weekdayOf(day))
}

function isWithin(spans: Calendar['holidays'], day: number): boolean {
  const date = dateOf(day)
  return spans.some(({ from, to = from }) => date >= from && date <= to)
}

const spanOf = ({ from, to }: { from: number; to: number }): Span => [from, to]
const weekdayOf = (day: number): Weekday => weekdays[weekdayIndex(day)] as Weekday
/** Monday is 0. 1970-01-01 was a Thursday. */
const weekdayIndex = (day: number) => (((day + 3) % 7) + 7) % 7

export function dayNamed(date: string): number {
  return Math.floor(Date.parse(date) / dayMs)
}
export function dateOf(day: number): string {
  const time = new Date(day * dayMs)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 10)
}

/** Those that overlap or adjoin made one, ascending. */
export function merged(spans: readonly Span[]): Span[] {
  const result: [number, number][] = []
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}

const spansSchema = z
  .array(z.tuple([z.int().min(0).max(dayMinutes), z.int().min(0).max(dayMinutes)]).refine(([from, to]) => to > from))
  .max(48)

/** The part of a slice that says when no bandwidth test may run. */
export const scheduleSchema = z.object({
  /** What the site's wall clock is ahead of UTC. */
  utc_offset_seconds: z.int().min(-64_800).max(64_800),
  /** Later offsets, ascending: [from that time in ms, seconds]. Empty where there is no summer time. */
  offset_changes: z.array(z.tuple([z.int(), z.int().min(-64_800).max(64_800)])).max(16),
  /** Monday to Sunday, [from, to) in minutes since midnight. */
  lessons: z.array(spansSchema).length(7),
  /** Days of the coming weeks that differ from their weekday. */
  exceptions: z.record(z.string().regex(/^\d{4}-\d{2}-\d{2}$/), spansSchema),
})
export type Schedule = z.output<typeof scheduleSchema>
type Offsets = Pick<Schedule, 'utc_offset_seconds' | 'offset_changes'>

/** Works a calendar out for `days` from `firstDay`; beyond them the plain week holds, lessons in holidays included. */
export function scheduleOf(
  calendar: Calendar,
  national: National,
  { firstDay, days, offsets }: { firstDay: number; days: number; offsets: Offsets },
): Schedule {
  const plain: Calendar = { ...calendar, terms: [], holidays: [], make_up_days: [], exams: [], national: false }
  const monday = firstDay - weekdayIndex(firstDay)
  const spans = (from: Calendar, day: number) =>
    schoolDay(from, national, day).lessons.map(([a, b]): [number, number] => [a, b])
  const lessons = weekdays.map((_, i) => spans(plain, monday + i))
  const exceptions: Schedule['exceptions'] = {}
  for (let day = firstDay; day < firstDay + days; day++) {
    const real = spans(calendar, day)
    if (JSON.stringify(real) !== JSON.stringify(lessons[weekdayIndex(day)])) exceptions[dateOf(day)] = real
  }
  return { ...offsets, lessons, exceptions }
}

/** Where the centre has not said anything: a school day with time on both sides, in China's only time zone. */
export const cautiousSchedule: Schedule = {
  utc_offset_seconds: 28_800,
  offset_changes: [],
  lessons: weekdays.map((_, i) => (i < 5 ? [[420, 1080]] : [])),
  exceptions: {},
}

/** The local day and minute of a time. */
export function localTime(schedule: Schedule, time: number): { day: number; minute: number } {
  const local = time + offsetMs(schedule, time)
  const day = Math.floor(local / dayMs)
  return { day, minute: (local - day * dayMs) / 60_000 }
}

/** The time at which the wall clock shows a minute of a day. */
export function timeAt(schedule: Schedule, day: number, minute: number): number {
  const wall = day * dayMs + Math.round(minute * 60_000)
  const guess = wall - offsetMs(schedule, wall)
  return wall - offsetMs(schedule, guess)
}

function offsetMs({ utc_offset_seconds: first, offset_changes: changes }: Schedule, time: number): number {
  return (changes.findLast(([from]) => time >= from)?.[1] ?? first) * 1000
}

export function lessonsOn(schedule: Schedule, day: number): Span[] {
  return merged(schedule.exceptions[dateOf(day)] ?? schedule.lessons[weekdayIndex(day)] ?? [])
}

/** Whether a lesson is on at a time, or begins before `seconds` more have passed. */
export function inLesson(schedule: Schedule, time: number, seconds = 0): boolean {
  const from = localTime(schedule, time)
  const to = localTime(schedule, time + seconds * 1000)
  if (to.day === from.day) return overlaps(lessonsOn(schedule, from.day), from.minute, to.minute)
  return (
    overlaps(lessonsOn(schedule, from.day), from.minute, dayMinutes) ||
    overlaps(lessonsOn(schedule, to.day), 0, to.minute)
  )
}

function overlaps(spans: readonly Span[], from: number, to: number): boolean {
  return spans.some(([begin, end]) => from < end && to >= begin)
}

/** What of a day is free of lessons. */
export function freeWindows(schedule: Schedule, day: number): Span[] {
  const edges: Span[] = [[0, 0], ...lessonsOn(schedule, day), [dayMinutes, dayMinutes]]
  return edges.slice(1).flatMap(([to], i): Span[] => {
    const from = edges[i]?.[1] ?? 0
    return to > from ? [[from, to]] : []
  })
}
