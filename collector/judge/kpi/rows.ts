/** Figures of schools → those of towns, categories and the district → `kpi` samples. Pure. */
import type { Batch } from '../../../core/batch.ts'
import { type FieldName, measurements, roundField, tagsOf } from '../../../core/catalog.ts'
import type { Row } from '../../../store/query.ts'
import type { Place } from '../../registry.ts'
import { type Count, type KpiName, kpiNames, sums } from './site-day.ts'

export const scopes = ['site', 'town', 'category', 'district'] as const
export type Scope = (typeof scopes)[number]
/** In tags that a sum runs over: stores drop empty tags. `scope` keeps it apart from an id that says the same. */
export const all = 'all'

export type SiteCounts = { place: Place; counts: Record<KpiName, Count> }
type Fields = Record<FieldName<'kpi'>, number | null>
export type KpiRow = { time: number; tags: Record<string, string>; fields: Fields }

/** All rows of a day. */
export function kpiRows(sites: readonly SiteCounts[], time: number): KpiRow[] {
  return scopes.flatMap((scope) => {
    const groups = Map.groupBy(sites, ({ place }) => (scope === 'district' ? place.district : place[scope]))
    return [...groups.values()].flatMap((within) => {
      const tags = tagsAt(scope, (within[0] as SiteCounts).place)
      return kpiNames.map((kpi) => {
        const counts = within.map((site) => site.counts[kpi])
        return { time, tags: { ...tags, kpi }, fields: fieldsOf(kpi, added(counts)) }
      })
    })
  })
}

export function added(counts: readonly Count[]): Count {
  return counts.reduce(
    (sum, one) => ({
      numerator: sum.numerator + one.numerator,
      denominator: sum.denominator + one.denominator,
      unknown: sum.unknown + one.unknown,
    }),
    { numerator: 0, denominator: 0, unknown: 0 },
  )
}

function tagsAt(scope: Scope, { district, town, category, site }: Place): Record<string, string> {
  const none = { district, town: all, category: all, site: all, scope }
  if (scope === 'site') return { ...none, town, category, site }
  return scope === 'town' ? { ...none, town } : scope === 'category' ? { ...none, category } : none
}

/** Where nothing is known nothing is said, and never 0. */
function fieldsOf(kpi: KpiName, { numerator, denominator, unknown }: Count): Fields {
  const isKnown = denominator > 0
  const raw: Fields = {
    value_ratio: isKnown && !sums.includes(kpi) ? numerator / denominator : null,
    numerator_count: isKnown ? numerator : null,
    denominator_count: isKnown ? denominator : null,
    unknown_count: unknown,
  }
  for (const name of fieldNames) {
    const value = raw[name]
    if (value !== null) raw[name] = roundField(measurements.kpi.fields[name], value)
  }
  return raw
}

const fieldNames = Object.keys(measurements.kpi.fields) as FieldName<'kpi'>[]
const tagNames = tagsOf('kpi')

/**
 * Rows that are not stored as they are. What is stored stands: a correction comes a millisecond behind what it corrects, and
 * the last of a day holds.
 */
export function changedRows(rows: readonly KpiRow[], stored: readonly Row[]): KpiRow[] {
  const last = new Map(stored.toSorted((a, b) => a.time - b.time).map((row) => [keyOf(row.tags), row]))
  return rows.flatMap((row) => {
    const before = last.get(keyOf(row.tags))
    if (before === undefined) return row
    const isSame = fieldNames.every((name) => (before.fields[name] ?? null) === row.fields[name])
    return isSame ? [] : { ...row, time: before.time + 1 }
  })
}

export function keyOf(tags: Readonly<Record<string, string>>): string {
  return tagNames.map((name) => tags[name]).join(' ')
}

export function kpiBatch(rows: readonly KpiRow[]): Batch {
  return {
    measurement: 'kpi',
    times: rows.map(({ time }) => time),
    tags: Object.fromEntries(tagNames.map((name) => [name, rows.map(({ tags }) => tags[name] ?? '')])),
    fields: Object.fromEntries(fieldNames.map((name) => [name, rows.map(({ fields }) => fields[name])])),
  }
}
