import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../collector/registry.ts'
import { createSchoolCalendars } from '../../collector/school-calendars.ts'
import { dayNamed, lessonsOn, localTime } from '../../core/calendar.ts'
import { registrySchema } from '../../core/registry.ts'
import { sliceSchema } from '../../core/slice.ts'
import { standardSchema } from '../../core/standard.ts'

const registryOf = (rows: Record<string, unknown>, timezone = 'Asia/Shanghai') =>
  registrySchema.parse({
    district: { id: 'd', name: 'D', timezone },
    towns: [{ id: 't', name: 'T' }],
    sites: ['a', 'b', 'c'].map((id) => ({ id, name: id, town: 't', category: id === 'b' ? 'kindergarten' : 'town' })),
    agents: [{ id: 'gw-a', site: 'a' }],
    ...rows,
  })
const lessonAt = (from: string) => [{ from, to: '17:00' }]
const monday = Date.parse('2026-09-14T00:00:00+08:00')

describe('school calendars', () => {
  it('are chosen by the site, then by its category, then the one for all', () => {
    const calendars = createSchoolCalendars(
      registryOf({
        calendars: [
          { id: 'all', lessons: lessonAt('08:00') },
          { id: 'small', categories: ['kindergarten'], lessons: lessonAt('09:00') },
          { id: 'boarders', sites: ['c'], lessons: lessonAt('07:00') },
        ],
      }),
    )
    const firstLesson = (site: string, category: 'town' | 'kindergarten') =>
      calendars.dayOf(site, category, monday).lessons[0]?.[0]
    expect([firstLesson('a', 'town'), firstLesson('b', 'kindergarten'), firstLesson('c', 'town')]).toEqual([
      480, 540, 420,
    ])
  })

  it('know the national holidays and make-up days of 2026', () => {
    const { scheduleOf } = createSchoolCalendars(registryOf({}))
    const schedule = scheduleOf('a', 'town', monday)
    const lessons = (date: string) => lessonsOn(schedule, dayNamed(date)).length
    expect(lessons('2026-09-20')).toBe(2)
    expect(lessons('2026-10-05')).toBe(0)
    expect(lessons('2026-10-10')).toBe(2)
    expect(lessons('2026-10-17')).toBe(0)
  })

  it('say which years have no holidays, for which schools, until somebody lists them', () => {
    const sites = [
      { id: 'a', category: 'town' as const },
      { id: 'b', category: 'rural' as const },
    ]
    const november = Date.parse('2095-11-30T16:00:00Z')
    const day = 86_400_000
    expect(createSchoolCalendars(registryOf({})).gaps(sites, november)).toEqual([
      { year: 2095, inMs: -334 * day, calendar: undefined, sites: ['a', 'b'] },
      { year: 2096, inMs: 31 * day, calendar: undefined, sites: ['a', 'b'] },
    ])
    const listed = { id: 'all', holidays: [{ from: '2095-01-01' }, { from: '2096-01-01', to: '2096-01-03' }] }
    const half = { id: 'rural', categories: ['rural'], holidays: [{ from: '2095-01-01' }] }
    const gapsOf = (...calendars: object[]) => createSchoolCalendars(registryOf({ calendars })).gaps(sites, november)
    expect(gapsOf(listed)).toEqual([])
    expect(gapsOf(listed, half)).toEqual([{ year: 2096, inMs: 31 * day, calendar: 'rural', sites: ['b'] }])
    expect(gapsOf({ id: 'all', national: false })).toEqual([])
  })

  it('tell the agent when summer time begins and ends', () => {
    const { scheduleOf } = createSchoolCalendars(registryOf({}, 'Europe/Lisbon'))
    const schedule = scheduleOf('a', 'town', Date.parse('2026-02-04T12:00:00Z'))
    expect(schedule.utc_offset_seconds).toBe(0)
    expect(schedule.offset_changes).toEqual([
      [Date.parse('2026-03-29T01:00:00Z'), 3600],
      [Date.parse('2026-10-25T01:00:00Z'), 0],
    ])
    expect(localTime(schedule, Date.parse('2026-06-01T12:00:00Z')).minute).toBe(13 * 60)
  })
})

describe('a slice', () => {
  const standard = standardSchema.parse({
    id: 's',
    title: { en: 'S', zh: 'S' },
    source: 'this test',
    targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
  })
  const registry = createRegistry(registryOf({}), standard)

  it('carries the schedule, and keeps its revision from one Monday to the next', () => {
    const revision = (time: number) => registry.slice('gw-a', time)?.revision
    const week = Array.from({ length: 7 * 24 }, (_, hour) => revision(monday + hour * 3_600_000))
    expect(new Set(week).size).toBe(1)
    expect(revision(monday + 7 * 24 * 3_600_000)).not.toBe(week[0])
    expect(sliceSchema.parse(registry.slice('gw-a', monday)).schedule?.lessons).toHaveLength(7)
  })

  it('of an older collector, without a schedule, is still one', () => {
    const { schedule: _, ...older } = registry.slice('gw-a', monday)!
    expect(sliceSchema.parse(older).schedule).toBeUndefined()
  })
})
