import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Job } from '../../agent/probe.ts'
import { createScheduler, type Scheduler } from '../../agent/scheduler.ts'
import { nextSlot, type Slots, slotsOf } from '../../agent/slots.ts'
import {
  type Calendar,
  cautiousSchedule,
  dateOf,
  dayNamed,
  inLesson,
  localTime,
  type Schedule,
  scheduleOf,
  usualCalendar,
} from '../../core/calendar.ts'
import { AppError } from '../../core/errors.ts'
import { nationalDays } from '../../collector/national-days.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const runSeconds = 120
const offsets = { utc_offset_seconds: 28_800, offset_changes: [] as [number, number][] }
const monday = dayNamed('2026-09-28')

/** National Day from Thursday 1 October, made up for on Saturday the 10th; an examination on Tuesday 29 September. */
const calendar: Calendar = { ...usualCalendar, exams: [{ from: '2026-09-29' }] }
const schedule = scheduleOf(calendar, nationalDays, { firstDay: monday, days: 63, offsets })
const slots: Slots = { schedule, perDay: 3 }
const hashes = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const hourOf = (time: number) => localTime(schedule, time).minute / 60

describe('slots of a day', () => {
  it('are three: one before or between lessons, one later, one in the evening', () => {
    fc.assert(
      fc.property(hashes, (hash) => {
        const hours = slotsOf(slots, monday, hash, runSeconds).map(hourOf)
        expect(hours).toHaveLength(3)
        expect(hours).toEqual(hours.toSorted((a, b) => a - b))
        expect(hours.filter((hour) => hour >= 18)).toHaveLength(1)
        expect(hours[0]).toBeGreaterThanOrEqual(5.5)
        expect(hours[2]).toBeLessThan(23)
      }),
    )
  })

  it('are none on a day of examinations, and spread over the day on a holiday', () => {
    expect(slotsOf(slots, dayNamed('2026-09-29'), 7, runSeconds)).toEqual([])
    const [first = 0, second = 0, third = 0] = slotsOf(slots, dayNamed('2026-10-05'), 2 ** 31, runSeconds).map(hourOf)
    expect([first, second, third].map(Math.floor)).toEqual([8, 14, 20])
  })

  it('are the same on every day with the same lessons', () => {
    const minutes = (date: string) => slotsOf(slots, dayNamed(date), 123_456_789, runSeconds).map(hourOf)
    expect(minutes('2026-10-12')).toEqual(minutes('2026-09-28'))
    expect(minutes('2026-10-10')).toEqual(minutes('2026-09-28'))
    expect(minutes('2026-10-04')).not.toEqual(minutes('2026-09-28'))
  })

  it('leave breaks between lessons alone', () => {
    const packed: Schedule = {
      ...schedule,
      exceptions: {},
      lessons: Array.from({ length: 7 }, () => [
        [0, 560],
        [590, 1200],
        [1210, 1440],
      ]),
    }
    expect(slotsOf({ schedule: packed, perDay: 3 }, monday, 1, runSeconds)).toEqual([])
  })

  it('of 400 schools lie evenly in the free hours', () => {
    // Multiples of the golden ratio stand for hashes; they fill the range as evenly as hashes do on the average.
    const all = Array.from({ length: 400 }, (_, i) => Math.floor(((i * 0.6180339887) % 1) * 2 ** 32))
    const hours = all.flatMap((hash) => slotsOf(slots, monday, hash, runSeconds)).map(hourOf)
    const counts = new Map<number, number>()
    for (const hour of hours) counts.set(Math.floor(hour * 2) / 2, (counts.get(Math.floor(hour * 2) / 2) ?? 0) + 1)
    const full = [...counts].filter(([half]) => half >= 6 && half < 22.5 && ![7.5, 13.5, 17.5].includes(half))
    const [evening, day] = [full.filter(([half]) => half >= 18), full.filter(([half]) => half < 18)]
    for (const group of [evening, day]) {
      const sizes = group.map(([, count]) => count)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(6)
    }
    expect(hours).toHaveLength(1200)
  })

  it('never touch a lesson, whatever the timetable, the zone and the number of tests', () => {
    const spans = fc
      .uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 10 })
      .map((cuts) => cuts.toSorted((a, b) => a - b))
      .map((cuts) =>
        cuts.flatMap((from, i): [number, number][] =>
          i % 2 === 0 && i + 1 < cuts.length ? [[from, cuts[i + 1] as number]] : [],
        ),
      )
    const change = fc.tuple(
      fc.integer({ min: monday * dayMs, max: (monday + 4) * dayMs }),
      fc.constantFrom(-3600, 0, 3600),
    )
    const wanted = fc.record({
      lessons: fc.array(spans, { minLength: 7, maxLength: 7 }),
      perDay: fc.integer({ min: 1, max: 24 }),
      hash: hashes,
      zone: fc.integer({ min: -12, max: 14 }),
      change,
      seconds: fc.integer({ min: 0, max: 900 }),
    })
    fc.assert(
      fc.property(wanted, ({ lessons, perDay, hash, zone, change: [at, shift], seconds }) => {
        const some: Schedule = {
          lessons,
          exceptions: {},
          utc_offset_seconds: zone * 3600,
          offset_changes: [[at, zone * 3600 + shift]],
        }
        for (let day = monday; day < monday + 5; day++) {
          const times = slotsOf({ schedule: some, perDay }, day, hash, seconds)
          expect(times.length).toBeLessThanOrEqual(perDay)
          for (const time of times) {
            for (let into = 0; into <= seconds; into += 30) expect(inLesson(some, time + into * 1000)).toBe(false)
          }
        }
      }),
    )
  })

  it('go by the clock of the school through a change of summer time', () => {
    const zoned: Schedule = {
      ...cautiousSchedule,
      utc_offset_seconds: 0,
      offset_changes: [[Date.parse('2026-03-29T01:00:00Z'), 3600]],
    }
    const evening = (date: string) => slotsOf({ schedule: zoned, perDay: 1 }, dayNamed(date), 2 ** 31, 0)[0] as number
    expect(evening('2026-03-30') - evening('2026-03-27')).toBe(3 * dayMs - hourMs)
  })
})

describe('the next slot', () => {
  it('is looked for over days without any, and is none when there is none for weeks', () => {
    const afterExam = nextSlot(slots, Date.parse('2026-09-28T23:30:00+08:00'), 5, runSeconds) as number
    expect(dateOf(localTime(schedule, afterExam).day)).toBe('2026-09-30')
    const closed = { ...cautiousSchedule, lessons: Array.from({ length: 7 }, (): [number, number][] => [[0, 1440]]) }
    expect(nextSlot({ schedule: closed, perDay: 3 }, Date.now(), 5, runSeconds)).toBeUndefined()
  })
})

describe('a job with slots', () => {
  let starts: number[]
  let configs: unknown[]
  let stepMs: number
  let scheduler: Scheduler
  const now = () => Date.now() + stepMs
  const schedulerOf = () =>
    createScheduler({
      agent: 'liantang-ps-gw1',
      context: {
        log: pino({ level: 'silent' }),
        exec: () => Promise.reject(new AppError('tool_missing', 'nothing to run')),
        now,
      },
      onSamples: () => {},
    })
  const run = async (config: unknown): Promise<[]> => {
    starts.push(now())
    configs.push(config)
    await new Promise((resolve) => setTimeout(resolve, 30_000))
    return []
  }
  const job: Job = {
    id: 'bandwidth-wan',
    probe: {
      type: 'test',
      description: 'A test of this test.',
      config: z.strictObject({ trigger: z.enum(['scheduled', 'manual']).default('scheduled') }),
      link: 'exclusive',
      run,
    },
    config: { trigger: 'scheduled' },
    intervalSeconds: 28_800,
    timeoutSeconds: runSeconds,
    firstRun: 'in phase',
    slots,
  }
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
  const days = () => Object.entries(Object.groupBy(starts, (time) => dateOf(localTime(schedule, time).day)))

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2026-09-28T00:00:00+08:00') })
    starts = []
    configs = []
    stepMs = 0
    scheduler = schedulerOf()
  })
  afterEach(async () => {
    const end = scheduler.stop()
    await pass(60_000)
    await end
    vi.useRealTimers()
  })

  it('keeps clear of lessons through two weeks with an examination, a holiday and a make-up Saturday', async () => {
    scheduler.apply([job])
    await pass(14 * dayMs)
    expect(days().map(([date, times]) => `${date} ${times?.length}`)).toEqual(
      Array.from({ length: 14 }, (_, i) => dateOf(monday + i))
        .filter((date) => date !== '2026-09-29')
        .map((date) => `${date} 3`),
    )
    for (const time of starts) expect(inLesson(schedule, time, 60), new Date(time).toISOString()).toBe(false)
    expect(new Set(configs)).toEqual(new Set([{ trigger: 'scheduled' }]))
  })

  it('does not make up for slots that it slept through', async () => {
    await pass(15 * hourMs)
    scheduler.apply([job])
    await pass(hourMs)
    expect(starts).toEqual([])
    await pass(8 * hourMs)
    expect(starts.map((time) => hourOf(time) >= 17.5)).toEqual(starts.length === 1 ? [true] : [true, true])
  })

  it('neither tests in a lesson nor fires a burst when the clock is set', async () => {
    scheduler.apply([job])
    for (const step of [5, -7, 3, -30, 26].map((hours) => hours * hourMs)) {
      await pass(20 * hourMs)
      stepMs += step
      starts = []
      await pass(2 * hourMs)
      expect(starts.length).toBeLessThanOrEqual(2)
      for (const time of starts) expect(inLesson(schedule, time, 60), new Date(time).toISOString()).toBe(false)
    }
  })

  it('takes a new calendar without aborting the test that runs', async () => {
    scheduler.apply([job])
    await pass(dayMs)
    const before = starts.length
    scheduler.runNow('bandwidth-wan')
    await pass(1000)
    scheduler.apply([{ ...job, slots: { ...slots, schedule: { ...schedule, exceptions: {} } } }])
    expect(scheduler.runNow('bandwidth-wan')).toBe('running')
    await pass(dayMs)
    // Tuesday: the examination is gone from the calendar.
    expect(starts.length - before).toBe(4)
  })

  it('runs when a person asks, also in a lesson, and tells the probe so', async () => {
    scheduler.apply([job])
    await pass(10 * hourMs)
    starts = []
    expect(scheduler.runNow('bandwidth-wan', { trigger: 'manual' })).toBe('started')
    expect(scheduler.runNow('bandwidth-wan', { trigger: 'manual' })).toBe('running')
    await pass(60_000)
    expect(starts).toHaveLength(1)
    expect(inLesson(schedule, starts[0] as number)).toBe(true)
    expect(configs.at(-1)).toEqual({ trigger: 'manual' })
    scheduler.runNow('bandwidth-wan', { no_such_key: 1 })
    await pass(60_000)
    expect(configs.at(-1)).toEqual({ trigger: 'scheduled' })
  })
})
