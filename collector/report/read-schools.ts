/** Verdicts of schools in a month, by the judge's own functions; and the figures of the plan by day. */
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { judgeAt, readTests, targetsOf } from '../judge/judge-sites.ts'
import { type KpiSeries, seriesOf } from '../judge/kpi/divide.ts'
import { readDay } from '../judge/kpi/read-day.ts'
import { kpiRows } from '../judge/kpi/rows.ts'
import { judgeSite, type SiteVerdict } from '../judge/verdict.ts'
import { timeOn } from '../local-time.ts'
import { type Registry, type SiteRow, standardOf } from '../registry.ts'
import type { Month } from './month.ts'

/** A month of tests of this many schools is held at a time. */
const sitesPerRead = 50

export type School = {
  site: SiteRow
  /** End of its part of the month; earlier than the month's for one that left the registry within it. */
  end: number
  /** At the end of the month, and of the month before. */
  verdict: SiteVerdict
  before: SiteVerdict
  /** All of the month as one window: what was counted in it, and what was left out. */
  whole: SiteVerdict
}

/** A school, and the part of the month in which it stood. */
export type Standing = { site: SiteRow; month: Month }

/** Those that stood at any time of the month: one that was merged within it has its tests, and its verdict at its end. */
export function standingIn(registry: Registry, month: Month): Standing[] {
  const ids = new Set(registry.data.sites.map(({ id }) => id))
  return [...ids].flatMap((id) => {
    const changes = registry.targetChanges(id).filter((time) => time > month.from && time < month.end)
    for (const end of [month.end, ...changes.toReversed()]) {
      const site = registry.siteAt(id, end - 1)
      if (site !== undefined) return { site, month: end === month.end ? month : { ...month, end } }
    }
    return []
  })
}

export async function readSchools(store: Store, registry: Registry, month: Month): Promise<School[]> {
  const all = standingIn(registry, month)
  const schools: School[] = []
  for (let i = 0; i < all.length; i += sitesPerRead) {
    const part = all.slice(i, i + sitesPerRead)
    const ids = part.map(({ site }) => site.id)
    const tests = await readTests(store, registry, ids, { from: month.from - 1, to: month.end - 1 })
    for (const own of part) schools.push(schoolOf(registry, own, tests.get(own.site.id) ?? []))
  }
  return schools
}

/** `rows`: of the month and of the windows that reach into it. */
export function schoolOf(registry: Registry, { site, month }: Standing, rows: readonly Row[]): School {
  const { timezone } = registry.data.district
  const window = { from: month.from, to: month.end }
  const within = rows.filter(({ time }) => time >= window.from && time < window.to)
  const frame = { standard: standardOf(registry, site), timezone, window }
  return {
    site,
    end: month.end,
    verdict: judgeAt(registry, site, rows, month.end - 1),
    before: judgeAt(registry, registry.siteAt(site.id, month.from - 1) ?? site, rows, month.from - 1),
    whole: judgeSite(site.id, targetsOf(registry, site.id, window), within, frame),
  }
}

/** Figures of towns, categories and the district on the days of the month and of the one before. */
export type Figures = { month: KpiSeries[]; before: KpiSeries[] }

export async function readFigures(store: Store, registry: Registry, month: Month): Promise<Figures> {
  return {
    month: await readDays(store, registry, month.days),
    before: await readDays(store, registry, month.daysBefore),
  }
}

/** Rows of a kpi: 400 sites are thousands a day, and not asked for. */
const scopes = ['town', 'category', 'district']
const rowsPerDay = 4_000

/** As they are stored; the last day is worked out when nobody has yet. */
async function readDays(store: Store, registry: Registry, days: readonly number[]): Promise<KpiSeries[]> {
  const { timezone } = registry.data.district
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return []
  const rows: Row[] = []
  for (const day of days) {
    const from = timeOn(day, 0, timezone)
    const to = timeOn(day + 1, 0, timezone)
    rows.push(...(await store.rows({ measurement: 'kpi', match: { scope: scopes }, from, to, limit: rowsPerDay })))
  }
  const lastFrom = timeOn(last, 0, timezone)
  if (!rows.some(({ time }) => time >= lastFrom)) {
    const worked = kpiRows(await readDay(store, registry, last), lastFrom)
    rows.push(...worked.filter(({ tags }) => tags['scope'] !== 'site'))
  }
  return seriesOf(rows, timezone)
}
