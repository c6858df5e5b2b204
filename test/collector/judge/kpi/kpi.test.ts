import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { gapOf, seriesOf, trendOf } from '../../../../collector/judge/kpi/divide.ts'
import { type DueDays, openDueDays } from '../../../../collector/judge/kpi/due-days.ts'
import { createKpiKeeper, type KpiKeeper } from '../../../../collector/judge/kpi/keeper.ts'
import { kpiNames } from '../../../../collector/judge/kpi/site-day.ts'
import { createRegistry, type Registry } from '../../../../collector/registry.ts'
import type { Batch } from '../../../../core/batch.ts'
import { createLog } from '../../../../core/log.ts'
import { registrySchema } from '../../../../core/registry.ts'
import type { Row } from '../../../../store/query.ts'
import { openTestStore, type TestStore } from '../../../store/sqlite/sqlite-store.ts'
import { districtData, standard } from '../../district.ts'

const dayMs = 86_400_000
const minuteMs = 60_000
/** A Wednesday of lessons, in China; it is judged in the night after. */
const day = Date.parse('2026-11-18T00:00:00+08:00')
const night = day + dayMs + 5 * minuteMs

const room = (site: string, id: string, kinds: string[]) =>
  kinds.map((kind) => ({ id: `${site}-${id}-${kind}`, kind, site, room: `${site}-${id}`, address: '192.0.2.1' }))
const registry: Registry = createRegistry(
  registrySchema.parse(
    districtData({
      sites: [
        { id: 's1', name: 'First', town: 't1', category: 'rural', teachers: 10 },
        { id: 's2', name: 'Second', town: 't2', category: 'town' },
      ],
      terminals: [
        ...room('s1', 'r1', ['panel']),
        ...room('s1', 'r2', ['projector', 'pc']),
        { id: 's1-t', kind: 'pc', site: 's1', user: 'teacher', purchase_year: 2010, address: '192.0.2.9' },
        ...room('s2', 'r1', ['panel']),
      ],
    }),
  ),
  standard,
)

let held: TestStore
let keeper: KpiKeeper

beforeEach(async () => {
  held = await openTestStore()
  held.clock.now = night
  keeper = createKpiKeeper(held.store, createLog({ name: 'test', level: 'silent' }))
})
afterEach(() => held.remove())

type Said = Pick<Batch, 'measurement' | 'fields'> & { site: string; tags?: Batch['tags']; at?: string }

/** One sample of each at a time of the day. */
function batchOf({ measurement, fields, site, tags = {}, at = '10:20' }: Said): Batch {
  const row = registry.siteAt(site, day)
  const agent = measurement === 'alert' ? {} : { agent: `${site}-gw` }
  const place = { district: 'd1', town: row?.town ?? '', category: row?.category ?? '', site, ...agent }
  return { measurement, times: [Date.parse(`2026-11-18T${at}:00+08:00`)], tags: { ...place, ...tags }, fields }
}
async function write(...said: Said[]): Promise<Batch[]> {
  const batches = said.map(batchOf)
  const { rejected, durable } = await held.store.write(batches)
  expect([...rejected.values()]).toEqual([])
  await durable
  return batches
}
const up = (terminal: string, value: number, at = '10:20'): Said => {
  const [site = '', id = ''] = terminal.split('-')
  const tags = { terminal, kind: terminal.split('-')[2] ?? '', room: `${site}-${id}` }
  return { measurement: 'terminal', site, tags, at, fields: { up: [value], expected: [1] } }
}
const stored = (match: Record<string, string>): Promise<Row[]> =>
  held.store.rows({ measurement: 'kpi', match, from: 0, to: night + dayMs, limit: 10_000 })
async function figure(kpi: string, match: Record<string, string> = { scope: 'district' }): Promise<unknown[]> {
  const row = (await stored({ kpi, ...match })).at(-1)
  return ['value_ratio', 'numerator_count', 'denominator_count', 'unknown_count'].map((name) => row?.fields[name])
}

describe('the figures of a day', () => {
  test('are told of each site, town, category and of the district, once', async () => {
    expect(await keeper.run(registry, night)).toBe(true)
    expect(await keeper.run(registry, night)).toBe(false)
    const rows = await stored({})
    expect(rows).toHaveLength(kpiNames.length * (2 + 2 + 2 + 1))
    expect(new Set(rows.map(({ time }) => time))).toEqual(new Set([day]))
    expect(rows.find(({ tags }) => tags['scope'] === 'town' && tags['town'] === 't1')?.tags).toMatchObject({
      district: 'd1',
      category: 'all',
      site: 'all',
    })
  })

  test('say that nothing is known where nothing was measured, and never 0', async () => {
    await keeper.run(registry, night)
    const measured = ['compliance', 'path_city', 'links_up', 'services_up', 'live_class', 'classrooms_working']
    for (const kpi of measured) expect((await figure(kpi)).slice(0, 3)).toEqual([null, null, null])
    expect(await figure('links_up')).toEqual([null, null, null, 2])
    expect(await figure('schools_reporting')).toEqual([0, 0, 2, 0])
  })

  test('come from what was measured, with what is not known beside it', async () => {
    await write(
      { measurement: 'agent', site: 's1', fields: { uptime_seconds: [60] } },
      { measurement: 'wan', site: 's1', tags: { link: 'wan' }, fields: { up: [1] }, at: '10:00' },
      { measurement: 'wan', site: 's1', tags: { link: 'wan' }, fields: { up: [0] }, at: '11:00' },
      up('s1-r1-panel', 1),
      up('s1-r1-panel', 0, '10:40'),
      up('s1-r2-projector', 1),
      up('s1-r2-pc', 0),
      // In the night nothing is expected of a panel.
      up('s1-r1-panel', 0, '03:00'),
    )
    await keeper.run(registry, night)
    expect(await figure('schools_reporting')).toEqual([0.5, 1, 2, 0])
    expect(await figure('links_up')).toEqual([0.5, 0.5, 1, 1])
    // Room 1 worked half of what was seen, room 2 had no computer; of the room of the other school nothing is known.
    expect(await figure('classrooms_working')).toEqual([0.25, 0.5, 2, 1])
    expect(await figure('classrooms_equipped')).toEqual([1, 3, 3, 0])
    expect(await figure('teacher_terminals')).toEqual([0.1, 1, 10, 1])
    expect(await figure('devices_available')).toEqual([0.5, 1.5, 3, 2])
    expect(await figure('devices_failed')).toEqual([0.3333, 1, 3, 2])
    expect(await figure('equipment_past_service')).toEqual([1, 1, 1, 4])
    expect(await figure('equipment_age')).toEqual([null, 16, 1, 4])
    expect(await figure('links_up', { scope: 'category', category: 'town' })).toEqual([null, null, null, 1])
  })

  test('tell the hours that faults of equipment lasted which ended on the day, and how many last', async () => {
    const rings = (rule: string, subject: string, state: number, at: string, fault = 1): Said => {
      const tags = { rule, subject, severity: 'warning' }
      const fields = { state: [state], acknowledged: [0], fault: [fault] }
      return { measurement: 'alert', site: 's1', tags, at, fields }
    }
    await write(
      // 10:00 to 14:30, told once an hour in between.
      rings('room-down', 's1-r1', 1, '10:00'),
      rings('room-down', 's1-r1', 1, '11:00'),
      rings('room-down', 's1-r1', 0, '14:30'),
      // Again, and it lasts.
      rings('room-down', 's1-r1', 1, '15:00'),
      rings('device-class-down', 'panel', 1, '08:00'),
      rings('device-class-down', 'panel', 0, '08:30'),
      // A line is no equipment of a classroom.
      rings('link-down', 'wan', 1, '08:00', 0),
      rings('link-down', 'wan', 0, '09:00', 0),
      // A rule of the district's own.
      rings('lamps-too-old', 's1-r2-projector', 1, '12:00'),
      rings('lamps-too-old', 's1-r2-projector', 0, '13:00'),
    )
    await keeper.run(registry, night)
    expect(await figure('repair_time')).toEqual([null, 6, 3, 1])
    expect(await figure('repair_time', { scope: 'site', site: 's1' })).toEqual([null, 6, 3, 1])
    expect(await figure('repair_time', { scope: 'site', site: 's2' })).toEqual([null, null, null, 0])
  })

  test('count a fault from when it rang, though that was days before', async () => {
    const rows = [-3, -1, 0].map((days, i) => ({
      ...batchOf({
        measurement: 'alert',
        site: 's1',
        tags: { rule: 'room-down', subject: 's1-r1', severity: 'warning' },
        fields: { state: [i === 2 ? 0 : 1], acknowledged: [0], fault: [1] },
      }),
      times: [day + days * dayMs + 10 * 60 * minuteMs],
    }))
    await (await held.store.write(rows)).durable
    await keeper.run(registry, night)
    expect(await figure('repair_time')).toEqual([null, 72, 1, 0])
  })

  test('are computed again after late data; what was said stays, the last holds', async () => {
    await keeper.run(registry, night)
    const late = await write({ measurement: 'wan', site: 's2', tags: { link: 'wan' }, fields: { up: [1] } })
    for (const batch of late) keeper.notice(batch, registry, night)
    expect(await keeper.run(registry, night + minuteMs)).toBe(false)
    expect(await keeper.run(registry, night + 11 * minuteMs)).toBe(true)
    const rows = await stored({ kpi: 'links_up', scope: 'district' })
    expect(rows.map(({ time, fields }) => [time, fields['value_ratio']])).toEqual([
      [day, null],
      [day + 1, 1],
    ])
    expect(await stored({ kpi: 'services_up', scope: 'district' })).toHaveLength(1)
    const [series] = seriesOf(rows, 'Asia/Shanghai')
    expect(series?.days).toEqual([{ date: '2026-11-18', value: 1, numerator: 1, denominator: 1, unknown: 1 }])
  })

  test('are computed again though the collector was restarted before it had done so', async () => {
    const log = createLog({ name: 'test', level: 'silent' })
    const file = join(held.directory, 'state.sqlite')
    const restarted: DueDays[] = []
    const start = () => {
      restarted.at(-1)?.close()
      const due = openDueDays(file, log)
      restarted.push(due)
      return createKpiKeeper(held.store, log, due)
    }
    keeper = start()
    await keeper.run(registry, night)
    const late = await write({ measurement: 'wan', site: 's2', tags: { link: 'wan' }, fields: { up: [1] } })
    for (const batch of late) keeper.notice(batch, registry, night)
    keeper = start()
    expect(await keeper.run(registry, night + minuteMs)).toBe(true)
    expect((await figure('links_up'))[0]).toBe(1)
    keeper = start()
    expect(await keeper.run(registry, night + 11 * minuteMs)).toBe(false)
    restarted.at(-1)?.close()
  })

  test('are computed again as far after a late test as the longest window of a school reaches', async () => {
    const [first, ...others] = registry.data.sites
    const month = { ...first, rule: { window_days: 30 } }
    const known = createRegistry(registrySchema.parse(districtData({ sites: [month, ...others] })), standard)
    const dueDays = async (time: number) => {
      let days = 0
      while (days < 60 && (await keeper.run(known, time))) days++
      return days
    }
    await dueDays(night)
    const fields = { outcome: [1], link_rate_bps: [98e6] }
    const tags = { link: 'wan', direction: 'down', testpoint: 'tp' }
    const late = batchOf({ measurement: 'bandwidth', site: 's1', tags, fields })
    keeper.notice({ ...late, times: [Number(late.times[0]) - 20 * dayMs] }, known, night)
    // Its own day and twenty more; today is not over.
    expect(await dueDays(night + 11 * minuteMs)).toBe(21)
  })

  test('that were missed are caught up one a round', async () => {
    await keeper.run(registry, night)
    const later = createKpiKeeper(held.store, createLog({ name: 'test', level: 'silent' }))
    held.clock.now = night + 3 * dayMs
    const rounds: boolean[] = []
    for (let i = 0; i < 4; i++) rounds.push(await later.run(registry, night + 3 * dayMs))
    expect(rounds).toEqual([true, true, true, false])
  })
})

describe('town and country', () => {
  const series = (category: string, values: (number | null)[], of = 10) => ({
    tags: { category, kpi: 'compliance', scope: 'category' },
    days: values.map((value, i) => ({
      date: `2026-11-${String(i + 1).padStart(2, '0')}`,
      value,
      numerator: value === null ? null : value * of,
      denominator: value === null ? null : of,
      unknown: 0,
    })),
  })

  test('differ by the rate of town schools less that of all rural ones together', () => {
    const gaps = gapOf([
      series('town', [0.9, 0.9]),
      series('rural', [0.5, null], 30),
      series('teaching-point', [0.9, null], 10),
      series('kindergarten', [0, 0]),
    ])
    // (15 + 9) of (30 + 10) rural schools.
    expect(gaps).toEqual([
      { date: '2026-11-01', town: 0.9, rural: 0.6, gap: expect.closeTo(0.3, 9) },
      { date: '2026-11-02', town: 0.9, rural: null, gap: null },
    ])
  })

  test('have a trend over what is known of at least a week', () => {
    const rising = series('town', [0, 0.01, 0.02, null, 0.04, 0.05, 0.06, 0.07]).days
    expect(trendOf(rising)).toBeCloseTo(0.3, 9)
    expect(trendOf(rising.slice(0, 7))).toBeNull()
    expect(trendOf([])).toBeNull()
  })
})
