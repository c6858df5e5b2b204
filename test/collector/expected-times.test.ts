import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createExpectedTimes } from '../../collector/expected-times.ts'
import { localDay, utcOffsetSeconds } from '../../collector/local-time.ts'
import { nationalDays } from '../../collector/national-days.ts'
import { type Calendar, expectations, expectedSpans, usualCalendar } from '../../core/calendar.ts'

/** Whole and broken hours, both hemispheres, summer time that begins by night, at midnight, or by half an hour. */
const zones = [
  'Asia/Shanghai',
  'Asia/Kathmandu',
  'Europe/Berlin',
  'America/St_Johns',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Pacific/Apia',
]
const minuteMs = 60_000
const year = { from: Date.parse('2026-01-01T00:00:00Z'), to: Date.parse('2027-01-01T00:00:00Z') }

const calendars = fc
  .record({
    edges: fc.uniqueArray(fc.integer({ min: 5 * 60, max: 22 * 60 }), { minLength: 2, maxLength: 6 }),
    holiday: fc.constantFrom('2026-03-29', '2026-09-21', '2026-10-25'),
    national: fc.boolean(),
  })
  .map(({ edges, holiday, national }): Calendar => {
    const sorted = edges.toSorted((a, b) => a - b)
    const lessons = sorted.flatMap((from, i) => {
      const to = sorted[i + 1]
      return i % 2 === 1 || to === undefined ? [] : [{ ...usualCalendar.lessons[0]!, from, to }]
    })
    return { ...usualCalendar, lessons, holidays: [{ from: holiday }], national }
  })
/** Somewhere in the year, and close together: as samples and backlog come. */
const times = fc
  .tuple(
    fc.array(fc.integer({ min: year.from, max: year.to }), { minLength: 1, maxLength: 6 }),
    fc.array(fc.integer({ min: -2 * 1440, max: 2 * 1440 }), { minLength: 1, maxLength: 12 }),
  )
  .map(([bases, offsets]) => offsets.flatMap((minutes) => bases.map((base) => base + minutes * minuteMs)))

describe('expected times', () => {
  const sets = fc.record({
    calendar: calendars,
    expectation: fc.constantFrom(...expectations),
    timezone: fc.constantFrom(...zones),
    times,
  })

  it('are those of the wall clock, whatever was asked before', () => {
    fc.assert(
      fc.property(sets, ({ calendar, expectation, timezone, times: asked }) => {
        const spansOn = (day: number) => expectedSpans(calendar, nationalDays, expectation, day)
        const kept = createExpectedTimes(spansOn, timezone)
        for (const time of asked) {
          const minute = ((time + utcOffsetSeconds(time, timezone) * 1000) / minuteMs) % 1440
          const byClock = spansOn(localDay(time, timezone)).some(([from, to]) => minute >= from && minute < to)
          expect(kept.at(time)).toBe(byClock)
        }
      }),
    )
  })

  it('say of a stretch what they say of each minute of it', () => {
    fc.assert(
      fc.property(sets, ({ calendar, expectation, timezone, times: asked }) => {
        const kept = createExpectedTimes((day) => expectedSpans(calendar, nationalDays, expectation, day), timezone)
        const from = Math.floor(asked[0]! / minuteMs) * minuteMs
        const to = from + 3 * 1440 * minuteMs
        const spans = kept.within(from, to)
        const minutes = Array.from({ length: 3 * 1440 }, (_, i) => from + i * minuteMs)
        const inSpans = minutes.filter((time) => spans.some(([begin, end]) => time >= begin && time < end))
        expect(minutes.filter(kept.at)).toEqual(inSpans)
        expect(kept.next(from, to)).toBe(inSpans[0])
        for (const [i, [begin]] of spans.slice(1).entries()) expect(begin).toBeGreaterThan(spans[i]![1])
      }),
      { numRuns: 40 },
    )
  })
})
