import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { District } from '../../../commands/demo/district.ts'
import { testDaysBefore, writeHistory, writeTests } from '../../../commands/demo/history.ts'
import { writeFigures } from '../../../commands/demo/plan-history.ts'
import { writeVerdicts } from '../../../commands/demo/verdict-history.ts'
import { judgeSites } from '../../../collector/judge/judge-sites.ts'
import { readDay } from '../../../collector/judge/kpi/read-day.ts'
import { seriesOf } from '../../../collector/judge/kpi/divide.ts'
import { kpiNames } from '../../../collector/judge/kpi/site-day.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { isSchoolDay, localDay } from '../../../commands/demo/calendar.ts'
import { type Field, measurementNames, type MeasurementName, measurements } from '../../../core/catalog.ts'
import { createLog } from '../../../core/log.ts'
import type { Row } from '../../../store/query.ts'
import { openTestStore, type TestStore } from '../../store/sqlite/sqlite-store.ts'
import { end, schoolOf, small } from './made.ts'

const days = 3
const figureDays = 40
const span = { from: end - days * dayMs, to: end }
const today = localDay(end)
const log = createLog({ name: 'test', level: 'silent' })
const { signal } = new AbortController()
const hourOf = (time: number) => ((time + 8 * 3_600_000) % dayMs) / 3_600_000

let test: TestStore
let district: District

const rowsOf = (measurement: MeasurementName): Promise<Row[]> =>
  test.store.rows({ measurement, from: end - 30 * dayMs, to: end + dayMs, limit: 1_000_000 })
const newestOf = (rows: Row[], site: string) =>
  Math.max(...rows.filter(({ tags }) => tags['site'] === site).map(({ time }) => time))

beforeAll(async () => {
  district = small()
  test = await openTestStore({ retention: { raw_days: 30 } })
  test.clock.now = end
  await writeTests(district, { from: span.from - testDaysBefore * dayMs, to: end }, test.store)
  const progress: number[] = []
  await writeHistory(district, span, { store: test.store, signal, onProgress: (ratio) => progress.push(ratio) })
  await writeVerdicts(district, span, { store: test.store, log, signal })
  await writeFigures(district, { first: today - figureDays, end: today }, { store: test.store, signal })
  expect(progress.at(-1)).toBeCloseTo(1, 6)
}, 60_000)
afterAll(() => test.remove())

/** Whether a value is one that its unit allows and a school could have. */
function isSane({ unit, states }: Field, value: number): boolean {
  switch (unit) {
    case 'state':
      return states?.[value] !== undefined
    case 'ratio':
      return value >= 0 && value <= 1
    case 'bps':
      return value >= 0 && value <= 10e9
    case 'bytes':
      return value >= 0 && value <= 100e9
    case 'seconds':
      return value > -1 && value < 3_650 * 86_400
    case 'celsius':
      return value > 15 && value < 95
    case 'code':
      return value > 0 && value < 600
    case 'count':
      return value >= 0 && Number.isFinite(value)
  }
}

describe('history of a made-up district', () => {
  // No port is counted in the made-up schools, and nothing has rung there yet.
  const unmade: readonly string[] = ['probe', 'interface', 'alert']
  it.each(measurementNames.filter((name) => !unmade.includes(name)))('%s has no value that cannot be', async (name) => {
    const rows = await rowsOf(name)
    expect(rows.length).toBeGreaterThan(0)
    const fields: Record<string, Field> = measurements[name].fields
    const wrong = rows.flatMap((row) =>
      Object.entries(row.fields)
        .filter(([field, value]) => value !== null && !isSane(fields[field] as Field, value))
        .map(([field, value]) => `${row.tags['site']} ${field} ${value}`),
    )
    expect(wrong).toEqual([])
  })

  it('is judged as its stories have it', async () => {
    const verdicts = await judgeSites(test.store, district.registry, district.registry.sites(end), end)
    const told = district.schools.map(({ id, story }) => {
      const { verdict, reason } = verdicts.get(id) ?? {}
      return `${story.kind}: ${verdict}${reason === undefined ? '' : ` (${reason})`}`
    })
    expect(told.toSorted()).toEqual([
      'capped: below',
      'dead: unknown (too_few_trials)',
      'flapping: met',
      'good: met',
      'good: met',
      'good: met',
      'good: met',
      'good: met',
      'never: unknown (no_trials)',
      'overloaded: unknown (too_few_trials)',
    ])
  })

  it('has verdicts of every day, from its first on', async () => {
    const rows = await rowsOf('compliance')
    expect(new Set(rows.map(({ time }) => Math.round((end - time) / dayMs)))).toEqual(new Set([0, 1, 2]))
    const first = rows.filter(({ time, tags }) => time < end - 1.5 * dayMs && tags['direction'] === 'down')
    expect(first.filter(({ fields }) => fields['verdict'] === 1).length).toBeGreaterThan(3)
  })

  it('ends with the present for all but the schools that fell silent or were never there', async () => {
    const [hosts, tests] = await Promise.all([rowsOf('host'), rowsOf('bandwidth')])
    const gone = ['dead', 'never']
    for (const { id, story } of district.schools) {
      if (gone.includes(story.kind)) expect(newestOf(hosts, id)).toBe(-Infinity)
      else expect(end - newestOf(hosts, id)).toBeLessThan(60_000)
    }
    const died = newestOf(tests, schoolOf(district, 'dead').id)
    expect((end - died) / dayMs).toBeGreaterThan(6)
    expect((end - died) / dayMs).toBeLessThan(8)
    expect(newestOf(tests, schoolOf(district, 'never').id)).toBe(-Infinity)
  })

  it('switches classrooms off at night and without school, the network never', async () => {
    const rows = await rowsOf('terminal')
    const share = (kinds: string[], fits: (time: number) => boolean) => {
      const chosen = rows.filter(({ time, tags }) => kinds.includes(tags['kind'] ?? '') && fits(time))
      expect(chosen.length).toBeGreaterThan(0)
      return chosen.filter(({ fields }) => fields['up'] === 1).length / chosen.length
    }
    const night = (time: number) => hourOf(time) >= 23 || hourOf(time) < 6
    const sunday = (time: number) => time < Date.parse('2026-11-23T00:00:00+08:00')
    const lesson = (time: number) => !sunday(time) && hourOf(time) >= 8 && hourOf(time) < 11.5
    expect(share(['panel', 'pc', 'projector', 'printer'], night)).toBe(0)
    expect(share(['panel', 'pc', 'projector', 'printer'], sunday)).toBe(0)
    expect(share(['panel', 'pc'], lesson)).toBeGreaterThan(0.85)
    expect(share(['ap', 'switch'], night)).toBeGreaterThan(0.85)
  })

  it('has figures of the plan of every day before, and says nothing of classrooms without school', async () => {
    const rows = await test.store.rows({
      measurement: 'kpi',
      match: { scope: 'district' },
      from: 0,
      to: end,
      limit: 10_000,
    })
    const series = seriesOf(rows, 'Asia/Shanghai')
    expect(series.map(({ tags }) => tags['kpi']).toSorted()).toEqual(kpiNames.toSorted())
    for (const { tags, days: own } of series) expect(own, tags['kpi']).toHaveLength(figureDays)
    const classrooms = series.find(({ tags }) => tags['kpi'] === 'classrooms_working')
    const known = classrooms?.days.map(({ denominator }) => denominator !== null)
    expect(known).toEqual(Array.from({ length: figureDays }, (_, i) => isSchoolDay(today - figureDays + i)))
    expect(
      await test.store.rows({ measurement: 'kpi', match: { scope: 'site' }, from: 0, to: end, limit: 1 }),
    ).toHaveLength(1)
  })

  it('has figures that the judge finds in the samples as well', async () => {
    const sites = await readDay(test.store, district.registry, today - 1)
    const stored = await test.store.rows({
      measurement: 'kpi',
      match: { scope: 'site' },
      from: 0,
      to: end,
      limit: 100_000,
    })
    const last = seriesOf(stored, 'Asia/Shanghai')
    for (const kpi of ['compliance', 'classrooms_equipped', 'teacher_terminals', 'schools_reporting'] as const) {
      for (const { place, counts } of sites) {
        const told = last.find(({ tags }) => tags['site'] === place.site && tags['kpi'] === kpi)?.days.at(-1)
        expect([told?.numerator ?? 0, told?.denominator ?? 0], `${kpi} of ${place.site}`).toEqual([
          counts[kpi].numerator,
          counts[kpi].denominator,
        ])
      }
    }
  })

  it('is rolled up, and thin long ago but at full rate at its end', async () => {
    expect((await test.store.health()).facts['waiting_hours']).toBe(0)
    const { id } = schoolOf(district, 'good')
    const perHour = await test.store.range({
      measurement: 'wan',
      field: 'rx_mean_bps',
      match: { site: id },
      from: span.from,
      to: end,
      everySeconds: 3600,
      aggregate: 'count',
    })
    const counts = perHour[0]?.points.map(([, value]) => value) ?? []
    expect(counts.slice(0, 5)).toEqual([1, 1, 1, 1, 1])
    expect(counts.slice(-3, -1)).toEqual([60, 60])
  })

  it('does not change when its last minutes are written again', async () => {
    const before = await rowsOf('path')
    const again = { from: end - 10 * 60_000, to: end }
    await writeTests(district, again, test.store)
    await writeHistory(district, again, { store: test.store, signal, onProgress: () => {} })
    expect(await rowsOf('path')).toEqual(before)
  })

  it('stops when it is told to', async () => {
    const stopped = AbortSignal.abort(new Error('enough'))
    const writing = writeHistory(district, span, { store: test.store, signal: stopped, onProgress: () => {} })
    await expect(writing).rejects.toThrow('enough')
  })
})
