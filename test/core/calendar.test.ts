import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Calendar,
  dateOf,
  dayNamed,
  expectedSpans,
  type Expectation,
  freeWindows,
  inLesson,
  lessonsOn,
  localTime,
  type National,
  schoolDay,
  scheduleOf,
  timeAt,
  usualCalendar,
} from '../../core/calendar.ts'
import { registrySchema } from '../../core/registry.ts'

const morning = [480, 720]
const afternoon = [840, 1050]
const usual = [morning, afternoon]
const offsets = { utc_offset_seconds: 28_800, offset_changes: [] as [number, number][] }
/** National Day 2026 and its make-up days. */
const national: National = (date) =>
  date >= '2026-10-01' && date <= '2026-10-07'
    ? 'off'
    : ['2026-09-20', '2026-10-10'].includes(date)
      ? 'work'
      : undefined

function calendarOf(row: Record<string, unknown>): Calendar {
  const { calendars } = registrySchema.parse({
    district: { id: 'd', name: 'D' },
    calendars: [{ id: 'c', ...row }],
  })
  const { id: _id, sites: _sites, categories: _categories, ...calendar } = calendars[0]!
  return calendar
}
const dayOf = (calendar: Calendar, date: string) => schoolDay(calendar, national, dayNamed(date))

describe('a school day', () => {
  it.each([
    ['a Friday', '2026-09-18', 'school', usual],
    ['a Saturday', '2026-09-19', 'free', []],
    ['a Sunday that is worked instead of a holiday', '2026-09-20', 'school', usual],
    ['a national holiday on a weekday', '2026-10-05', 'free', []],
    ['a Saturday that is worked instead of a holiday', '2026-10-10', 'school', usual],
  ])('is told from %s', (_, date, kind, lessons) => {
    expect(dayOf(usualCalendar, date)).toEqual({ kind, lessons })
  })

  it('takes all lessons of the week on a national make-up day, and those of one weekday where the school says which', () => {
    const lessons = [
      { from: '08:00', to: '12:00', weekdays: ['mon', 'tue'] },
      { from: '14:00', to: '16:00', weekdays: ['fri'] },
    ]
    expect(dayOf(calendarOf({ lessons }), '2026-10-10').lessons).toEqual([morning, [840, 960]])
    const told = calendarOf({ lessons, make_up_days: [{ date: '2026-10-10', as: 'fri' }] })
    expect(dayOf(told, '2026-10-10').lessons).toEqual([[840, 960]])
    expect(dayOf(told, '2026-09-16').lessons).toEqual([])
  })

  it('is free outside the terms, also on a day that the nation works', () => {
    const calendar = calendarOf({ terms: [{ from: '2026-09-01', to: '2026-09-19' }] })
    expect(dayOf(calendar, '2026-09-18').kind).toBe('school')
    expect(dayOf(calendar, '2026-09-20').kind).toBe('free')
  })

  it('is closed all day for an examination, whatever else it is', () => {
    const calendar = calendarOf({ exams: [{ from: '2026-10-03', to: '2026-10-04' }] })
    expect(dayOf(calendar, '2026-10-03')).toEqual({ kind: 'exam', lessons: [[0, 1440]] })
    expect(dayOf(calendar, '2026-10-05').kind).toBe('free')
  })

  it('lets the school make up a day of its own, in its own holidays', () => {
    const calendar = calendarOf({
      holidays: [{ from: '2026-11-09', to: '2026-11-13', name: 'Autumn break' }],
      make_up_days: [{ date: '2026-11-14', as: 'wed' }],
    })
    expect(dayOf(calendar, '2026-11-11').kind).toBe('free')
    expect(dayOf(calendar, '2026-11-14').lessons).toEqual(usual)
  })

  it('has evening study of boarders before each school day, also at the end of a holiday', () => {
    const calendar = calendarOf({
      lessons: [
        { from: '08:00', to: '17:00' },
        { from: '19:00', to: '21:30', evening_before: true },
      ],
    })
    const evening = [1140, 1290]
    const held = (date: string) => dayOf(calendar, date).lessons.some(([from]) => from === evening[0])
    expect(['2026-10-07', '2026-10-08', '2026-10-09', '2026-10-10', '2026-10-11', '2026-10-12'].map(held)).toEqual([
      true,
      true,
      true,
      false,
      true,
      true,
    ])
    expect(dayOf(calendar, '2026-10-07')).toEqual({ kind: 'free', lessons: [evening] })
  })
})

describe('a calendar', () => {
  it.each([
    [{ lessons: [{ from: '8:00', to: '09:00' }] }, 'not a time of day such as 08:00'],
    [{ lessons: [{ from: '09:00', to: '08:00' }] }, 'it ends before it begins'],
    [{ holidays: [{ from: '2026-02-30' }] }, 'not a date such as 2026-09-01'],
    [{ exams: [{ from: '2026-06-09', to: '2026-06-07' }] }, 'the last day is before the first'],
  ])('says what is wrong: %j', (row, message) => {
    expect(() => calendarOf(row)).toThrow(message)
  })
})

describe('a schedule', () => {
  const schedule = scheduleOf(usualCalendar, national, { firstDay: dayNamed('2026-09-14'), days: 63, offsets })

  it('says for each of its days what the calendar says, and names only those that differ from their weekday', () => {
    for (let day = dayNamed('2026-09-14'); day < dayNamed('2026-09-14') + 63; day++) {
      expect(lessonsOn(schedule, day), dateOf(day)).toEqual(schoolDay(usualCalendar, national, day).lessons)
    }
    expect(Object.keys(schedule.exceptions)).toEqual([
      '2026-09-20',
      ...[1, 2, 5, 6, 7].map((n) => `2026-10-0${n}`),
      '2026-10-10',
    ])
  })

  it('goes on with plain weeks where its days end', () => {
    expect(lessonsOn(schedule, dayNamed('2027-10-01'))).toEqual(usual)
    expect(lessonsOn(schedule, dayNamed('2027-10-02'))).toEqual([])
  })

  it('knows the lesson by the wall clock of the site, and one that begins before a test is over', () => {
    const at = (text: string) => Date.parse(`${text}+08:00`)
    expect(inLesson(schedule, at('2026-09-21T08:00:00'))).toBe(true)
    expect(inLesson(schedule, at('2026-09-21T11:59:59'))).toBe(true)
    expect(inLesson(schedule, at('2026-09-21T12:00:00'))).toBe(false)
    expect(inLesson(schedule, at('2026-09-21T07:58:30'))).toBe(false)
    expect(inLesson(schedule, at('2026-09-21T07:58:30'), 120)).toBe(true)
    expect(inLesson(schedule, at('2026-10-05T08:30:00'))).toBe(false)
  })

  it('sees a lesson on the other side of midnight', () => {
    const exam = calendarOf({ exams: [{ from: '2026-09-22' }] })
    const some = scheduleOf(exam, national, { firstDay: dayNamed('2026-09-21'), days: 7, offsets })
    const late = Date.parse('2026-09-21T23:59:30+08:00')
    expect(inLesson(some, late)).toBe(false)
    expect(inLesson(some, late, 60)).toBe(true)
    expect(freeWindows(some, dayNamed('2026-09-22'))).toEqual([])
  })

  it('turns local days and minutes into times and back, also over a change of summer time', () => {
    // Lisbon in 2026: one hour ahead from 29 March, 01:00 UTC, to 25 October, 01:00 UTC.
    const lisbon = {
      ...schedule,
      utc_offset_seconds: 0,
      offset_changes: [
        [Date.parse('2026-03-29T01:00:00Z'), 3600],
        [Date.parse('2026-10-25T01:00:00Z'), 0],
      ] as [number, number][],
    }
    expect(timeAt(lisbon, dayNamed('2026-03-28'), 600)).toBe(Date.parse('2026-03-28T10:00:00Z'))
    expect(timeAt(lisbon, dayNamed('2026-03-29'), 600)).toBe(Date.parse('2026-03-29T09:00:00Z'))
    fc.assert(
      fc.property(fc.integer({ min: 20_500, max: 20_900 }), fc.integer({ min: 180, max: 1439 }), (day, minute) => {
        expect(localTime(lisbon, timeAt(lisbon, day, minute))).toEqual({ day, minute })
      }),
    )
  })

  it('has free windows that are what its lessons leave of the day', () => {
    const spans = fc.uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 12 }).map((cuts) => {
      const sorted = cuts.toSorted((a, b) => a - b)
      return sorted.slice(0, sorted.length - (sorted.length % 2)).flatMap((from, i): [number, number][] => {
        const to = sorted[i + 1]
        return i % 2 === 0 && to !== undefined ? [[from, to]] : []
      })
    })
    fc.assert(
      fc.property(spans, fc.integer({ min: 0, max: 1439 }), (lessons, minute) => {
        const some = { ...schedule, exceptions: { '2026-09-16': lessons } }
        const day = dayNamed('2026-09-16')
        const free = freeWindows(some, day).some(([from, to]) => minute >= from && minute < to)
        expect(free).toBe(!inLesson(some, timeAt(some, day, minute)))
      }),
    )
  })
})

describe('when a device should be on', () => {
  const spans = (row: Record<string, unknown>, date: string) => (expectation: Expectation) =>
    expectedSpans(calendarOf(row), national, expectation, dayNamed(date))
  const lessons = [
    [485, 720],
    [845, 1050],
  ]

  it('is, in lessons, some minutes after each of them has begun', () => {
    expect(spans({}, '2026-09-21')('lessons')).toEqual(lessons)
    const listed = [
      { from: '08:00', to: '08:40' },
      { from: '08:50', to: '09:30' },
      { from: '19:00', to: '21:00', evening_before: true },
    ]
    expect(spans({ lessons: listed }, '2026-09-21')('lessons')).toEqual([
      [485, 520],
      [535, 570],
    ])
    expect(spans({ lessons: listed }, '2026-09-21')('school-day')).toEqual([[485, 570]])
  })

  it('is from the first to the last lesson of a school day, also of a make-up day', () => {
    expect(spans({}, '2026-09-20')('school-day')).toEqual([[485, 1050]])
    expect(spans({}, '2026-10-10')('lessons')).toEqual(lessons)
  })

  it.each(['2026-09-19', '2026-10-01', '2026-09-27'])('is not on %s, a day without school, unless always', (date) => {
    const on = spans({}, date)
    expect([on('lessons'), on('school-day'), on('never')]).toEqual([[], [], []])
    expect(on('always')).toEqual([[0, 1440]])
  })

  it('is all the same on a day of examinations, but not for what is used in lessons', () => {
    const on = spans({ exams: [{ from: '2026-09-19', to: '2026-09-21' }] }, '2026-09-19')
    expect(on('lessons')).toEqual([])
    expect(on('school-day')).toEqual([[485, 1050]])
  })
})
