/** Whole samples of one measurement in one partition, and how they travel. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { tagsOf } from '../../core/catalog.ts'
import type { LastQuery } from '../query.ts'
import { kindOf } from './partitions.ts'
import { columnsOf, fieldsOf, quote, rowTable } from './schema.ts'
import type { Span } from './spans.ts'
import { selectSeries, slicesOf, type Selected } from './selection.ts'

export type FoundSample = { time: number; series: Selected; fields: readonly (number | null)[] }

/** The part of a query that stands between `where` and the end: `group by`, `order by`, `limit`. */
type Reading = { series: readonly Selected[]; from: number; to: number; time: string; tail: string }

export type SampleTable = {
  /** The series that match, with all their tags. */
  series: readonly Selected[]
  read: (reading: Reading) => FoundSample[]
  /** The newest of each series, as far as it is among the last `widthMs` of its site. Sites fall silent as a whole. */
  newestOfSites: (series: readonly Selected[], span: Span, widthMs: number) => FoundSample[]
  at: (series: Selected, time: number) => FoundSample | undefined
}

export function sampleTable(db: DatabaseSync, query: LastQuery): SampleTable {
  const { measurement } = query
  const table = rowTable(measurement, kindOf(measurement))
  const present = new Set(columnsOf(db, table))
  // A field that is younger than the file is missing in it.
  const fields = wantedFields(query).map((field) => (present.has(field) ? `, r.${quote(field)}` : ', null'))
  const select = (time: string, before = '') =>
    `select r.series_id, ${time}${fields.join('')} from ${before} ${table} r`
  const series = present.size === 0 ? [] : selectSeries(db, measurement, query.match ?? {}, tagsOf(measurement))
  const byId = new Map(series.map((one) => [one.id, one]))
  const found = ([id, time, ...values]: Line): FoundSample => ({
    time,
    series: byId.get(id) as Selected,
    fields: values,
  })
  const lines = (sql: string) => (arrays(db, sql).all() as unknown as Line[]).map(found)
  const slices = (wanted: readonly Selected[]) =>
    slicesOf(
      db,
      measurement,
      wanted.map(({ id, siteId }) => ({ id, siteId, group: 0 })),
    )
  let one: StatementSync | undefined
  return {
    series,
    read: ({ series: wanted, from, to, time, tail }) =>
      slices(wanted).flatMap(({ join, sites, series: only }) =>
        lines(`${select(time)} ${join} where ${sites} and ${only} and r.time >= ${from} and r.time < ${to} ${tail}`),
      ),
    newestOfSites: (wanted, { from, to }, widthMs) => {
      const siteIds = [...new Set(wanted.map(({ siteId }) => siteId))]
      const newest = `select value as site_id, (select max(time) from ${table}
        where site_id = value and time >= ${from} and time < ${to}) as time from json_each('[${siteIds.join(', ')}]')`
      return slices(wanted).flatMap(({ join, series: only }) =>
        lines(`with newest as materialized (${newest}) ${select('max(r.time)', 'newest cross join')} ${join}
          where r.site_id = newest.site_id and r.time > newest.time - ${widthMs} and r.time <= newest.time
            and r.time >= ${from} and ${only} group by r.series_id`),
      )
    },
    at: ({ id, siteId }, time) => {
      one ??= arrays(db, `${select('r.time')} where r.site_id = ? and r.time = ? and r.series_id = ?`)
      const line = one.get(siteId, time, id) as unknown as Line | undefined
      return line && found(line)
    },
  }
}

function arrays(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

type Line = [seriesId: number, time: number, ...fields: (number | null)[]]

function wantedFields({ measurement, fields }: LastQuery): readonly string[] {
  return fields ?? fieldsOf(measurement)
}

/** Samples in columns: numbers in blocks, missing ones NaN; `series` says which row of `tags` each of them has. */
export type PackedRows = {
  times: Float64Array
  series: Uint32Array
  tags: PackedTags
  fields: Record<string, Float64Array>
}
/** Each tag as a list of its values and a code per row. */
export type PackedTags = Record<string, { values: string[]; codes: Uint32Array }>

export function packRows(query: LastQuery, rows: readonly FoundSample[]): PackedRows {
  // `Float64Array.from` with a callback goes through an iterator.
  const numbers = (pick: (row: FoundSample) => number | null | undefined) => {
    const column = new Float64Array(rows.length)
    for (let i = 0; i < rows.length; i++) column[i] = pick(rows[i] as FoundSample) ?? Number.NaN
    return column
  }
  const codeOf = new Map<Selected, number>()
  for (const { series } of rows) if (!codeOf.has(series)) codeOf.set(series, codeOf.size)
  return {
    times: numbers((row) => row.time),
    series: Uint32Array.from(rows, (row) => codeOf.get(row.series) as number),
    tags: packTags(
      tagsOf(query.measurement),
      Array.from(codeOf.keys(), ({ tags }) => tags),
    ),
    fields: Object.fromEntries(wantedFields(query).map((field, i) => [field, numbers((row) => row.fields[i])])),
  }
}

/** `rows`: the values of `names`, in their order. */
export function packTags(names: readonly string[], rows: readonly (readonly string[])[]): PackedTags {
  return Object.fromEntries(names.map((name, i) => [name, encode(rows.map((row) => row[i] as string))]))
}

function encode(column: readonly string[]): { values: string[]; codes: Uint32Array } {
  const codeOf = new Map<string, number>()
  const codes = Uint32Array.from(column, (value) => {
    const code = codeOf.get(value) ?? codeOf.size
    codeOf.set(value, code)
    return code
  })
  return { values: [...codeOf.keys()], codes }
}
