/** Stored figures by day: their trend, and how far the country lies behind the town (POLICY: digital divide). Pure. */
import { dateOf } from '../../../core/calendar.ts'
import type { Row } from '../../../store/query.ts'
import { localDay } from '../../local-time.ts'
import { added, keyOf } from './rows.ts'

/** `date`: local. All but `unknown` are null where nothing is known. */
export type KpiDay = {
  date: string
  value: number | null
  numerator: number | null
  denominator: number | null
  unknown: number
}
export type KpiSeries = { tags: Record<string, string>; days: KpiDay[] }
export type GapDay = { date: string; town: number | null; rural: number | null; gap: number | null }

/** 农村: village schools and the teaching points of the smallest places. */
const ruralCategories: readonly string[] = ['rural', 'teaching-point']
/** Fewer days tell no trend. */
const leastDays = 7
const trendDays = 30

/** Rows as they are stored, corrections included: the last of a day holds. */
export function seriesOf(rows: readonly Row[], timezone: string): KpiSeries[] {
  return [...Map.groupBy(rows, ({ tags }) => keyOf(tags)).values()].map((own) => {
    const last = new Map(own.toSorted((a, b) => a.time - b.time).map((row) => [localDay(row.time, timezone), row]))
    return { tags: (own[0] as Row).tags, days: [...last].map(([day, row]) => dayOf(day, row)) }
  })
}

function dayOf(day: number, { fields }: Row): KpiDay {
  return {
    date: dateOf(day),
    value: fields['value_ratio'] ?? null,
    numerator: fields['numerator_count'] ?? null,
    denominator: fields['denominator_count'] ?? null,
    unknown: fields['unknown_count'] ?? 0,
  }
}

/** Change in 30 days, by least squares over the days that are known; null of too few. */
export function trendOf(days: readonly { date: string; value: number | null }[]): number | null {
  const points = days.flatMap(({ date, value }) =>
    value === null ? [] : [{ x: Date.parse(date) / 86_400_000, y: value }],
  )
  if (points.length < leastDays) return null
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x0, y0] = [mean(({ x }) => x), mean(({ y }) => y)]
  return (trendDays * mean(({ x, y }) => (x - x0) * (y - y0))) / mean(({ x }) => (x - x0) ** 2)
}

/** Town against country on one figure, from its series by category; a day on which one is unknown has no gap. */
export function gapOf(byCategory: readonly KpiSeries[]): GapDay[] {
  const dates = [...new Set(byCategory.flatMap(({ days }) => days.map(({ date }) => date)))].sort()
  return dates.map((date) => {
    const ratioOf = (categories: readonly string[]) => {
      const own = byCategory.filter(({ tags }) => categories.includes(tags['category'] ?? ''))
      const known = own.flatMap(({ days }) => days.filter((day) => day.date === date && day.value !== null))
      const { numerator, denominator } = added(
        known.map((day) => ({ numerator: day.numerator ?? 0, denominator: day.denominator ?? 0, unknown: 0 })),
      )
      return denominator === 0 ? null : numerator / denominator
    }
    const [town, rural] = [ratioOf(['town']), ratioOf(ruralCategories)]
    return { date, town, rural, gap: town === null || rural === null ? null : town - rural }
  })
}
