/** The figures of the plan in the monthly report: all of them in a table, and town against country. */
import { dateOf } from '../../core/calendar.ts'
import { gapOf, type KpiDay, type KpiSeries } from '../judge/kpi/divide.ts'
import { kpiNames, type KpiName } from '../judge/kpi/site-day.ts'
import { sharesChart } from './charts.ts'
import { type Block, type Cell, filled, type Lang, type Table } from './document.ts'
import type { Month } from './month.ts'
import type { Figures } from './read-schools.ts'
import { percentText } from './say.ts'
import { kpiUnknownWords, kpiWords, words } from './words.ts'

type PlanInput = { month: Month; figures: Figures; lang: Lang }

export const pointsBetween = (now: number | null, before: number | null) =>
  now === null || before === null ? null : (now - before) * 100

export const at = (all: readonly KpiSeries[], kpi: KpiName, scope: string, id?: string) =>
  all.find(({ tags }) => tags['kpi'] === kpi && tags['scope'] === scope && (id === undefined || tags[scope] === id))
    ?.days

type Sum = { numerator: number; denominator: number }
export function pooled(days: readonly KpiDay[] = []): Sum {
  return days.reduce(
    (sum, day) => ({
      numerator: sum.numerator + (day.numerator ?? 0),
      denominator: sum.denominator + (day.denominator ?? 0),
    }),
    { numerator: 0, denominator: 0 },
  )
}

/** Years and clients are no shares. */
export function figure(kpi: KpiName, { numerator, denominator }: Sum): Cell {
  if (denominator === 0) return null
  if (kpi === 'wireless_clients') return null
  if (kpi === 'equipment_age' || kpi === 'repair_time') return { value: numerator / denominator, kind: 'decimal' }
  return numerator / denominator
}

/** Months without a fault are no lack of figures. */
function whyUnknown(kpi: KpiName, day: KpiDay | undefined, lang: Lang): string {
  if ((day?.unknown ?? 0) > 0) return kpiUnknownWords[kpi][lang]
  return kpi === 'repair_time' && day?.denominator === null ? words.none_repaired[lang] : ''
}

export function kpiTable({ month, figures, lang }: PlanInput): Table {
  const last = month.days.at(-1)
  const known = at(figures.month, 'compliance', 'district')?.length ?? 0
  const rows = kpiNames.map((kpi): Cell[] => {
    const days = at(figures.month, kpi, 'district') ?? []
    const day = days.find(({ date }) => last !== undefined && date === dateOf(last))
    const [whole, before] = [pooled(days), pooled(at(figures.before, kpi, 'district'))]
    const [now, then] = [figure(kpi, whole), figure(kpi, before)]
    const change = typeof now === 'number' && typeof then === 'number' ? pointsBetween(now, then) : null
    return [
      kpiWords[kpi][lang],
      figure(kpi, pooled(day && [day])),
      day?.numerator ?? null,
      day?.denominator ?? null,
      day?.unknown ?? null,
      whyUnknown(kpi, day, lang),
      now,
      then,
      change,
    ]
  })
  return {
    type: 'table',
    name: words.kpis[lang],
    title: words.kpis[lang],
    note: filled(words.kpis_note, lang, {
      day: last === undefined ? '–' : dateOf(last),
      known,
      days: month.days.length,
    }),
    columns: [
      { head: words.figure[lang], kind: 'text' },
      { head: words.last_day[lang], kind: 'ratio' },
      { head: words.numerator[lang], kind: 'decimal' },
      { head: words.denominator[lang], kind: 'decimal' },
      { head: words.unknown[lang], kind: 'count' },
      { head: words.why_unknown[lang], kind: 'text' },
      { head: words.whole_month[lang], kind: 'ratio' },
      { head: words.month_before[lang], kind: 'ratio' },
      { head: words.change[lang], kind: 'points' },
    ],
    rows,
    empty: words.none[lang],
  }
}

const leastDays = 2

/** Town against country: as it is at the end, and its way there from the month before. */
export async function gapBlocks({ figures, lang }: PlanInput): Promise<Block[]> {
  const all = [...figures.before, ...figures.month].filter(({ tags }) => tags['kpi'] === 'compliance')
  const gaps = gapOf(all.filter(({ tags }) => tags['scope'] === 'category'))
  const last = gaps.findLast(({ gap }) => gap !== null)
  if (last === undefined || last.gap === null) return []
  const [town, rural, gap] = [percentText(last.town), percentText(last.rural), (last.gap * 100).toFixed(1)]
  const line: Block = {
    type: 'text',
    title: '',
    lines: [filled(words.gap, lang, { date: last.date, town, rural, gap })],
  }
  if (gaps.length < leastDays) return [line]
  const district = all.filter(({ tags }) => tags['scope'] === 'district').flatMap(({ days }) => days)
  const valueOn = new Map(district.map(({ date, value }) => [date, value]))
  const series = [
    { name: words.schools_all[lang], values: gaps.map(({ date }) => valueOn.get(date) ?? null) },
    { name: words.schools_town[lang], values: gaps.map((day) => day.town) },
    { name: words.schools_rural[lang], values: gaps.map((day) => day.rural) },
  ]
  const svg = await sharesChart(
    series,
    gaps.map(({ date }) => date),
  )
  return [line, { type: 'chart', title: words.gap_chart[lang], svg }]
}
