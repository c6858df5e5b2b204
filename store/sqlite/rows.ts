/** `last` and `rows`: whole samples. Runs in the reader worker. */
import type { DatabaseSync } from 'node:sqlite'
import { measurements, tagsOf } from '../../core/catalog.ts'
import type { LastQuery, RowsQuery } from '../query.ts'
import { kindOf, listPartitions, type Partition } from './partitions.ts'
import type { ReaderFiles } from './reader-file.ts'
import { columnsOf, fieldsOf, quote, rowTable } from './schema.ts'
import { selectSeries, slicesOf, type Selected } from './selection.ts'
import { clip, type Span } from './spans.ts'

/** Samples in columns: numbers in blocks, each tag as a list of its values and a code per row. Missing is NaN. */
export type PackedRows = {
  times: Float64Array
  tags: Record<string, { values: string[]; codes: Uint32Array }>
  fields: Record<string, Float64Array>
}

type Found = { time: number; tags: string[]; fields: (number | null)[] }

/**
 * The newest sample of each series: read backwards from `to` in windows that double, each for what is still missing.
 * Nearly every series is in the first.
 */
export function readLast(directory: string, files: ReaderFiles, query: LastQuery): PackedRows {
  const { measurement, match = {}, from, to } = query
  const found = new Map<string, Found>()
  for (const partition of listPartitions(directory, kindOf(measurement), from, to).reverse()) {
    files.read(partition, (db) => {
      const series = selectSeries(db, measurement, match, tagsOf(measurement))
      const bounds = clip(partition, query)
      let missing = series.filter(({ tags }) => !found.has(keyOf(tags)))
      let width = 2000 * measurements[measurement].intervalSeconds
      for (let end = bounds.to; end > bounds.from && missing.length > 0; width *= 2) {
        const start = Math.max(bounds.from, end - width)
        for (const row of newestIn(db, partition, query, missing, { from: start, to: end })) {
          found.set(keyOf(row.tags), row)
        }
        missing = missing.filter(({ tags }) => !found.has(keyOf(tags)))
        end = start
      }
    })
  }
  return packRows(query, [...found.values()])
}

function newestIn(db: DatabaseSync, partition: Partition, query: LastQuery, series: readonly Selected[], span: Span) {
  const byId = new Map(series.map((one) => [one.id, one]))
  const fields = fieldColumns(db, partition, query)
  const found: Found[] = []
  for (const { join, where } of slicesOf(db, query.measurement, oneGroup(series))) {
    const rows = select(
      db,
      // Bare columns beside max() come from the row of the maximum.
      `select r.series_id, max(r.time)${fields} from ${rowTable(query.measurement, partition.kind)} r ${join}
        where ${where} and r.time >= ${span.from} and r.time < ${span.to} group by r.series_id`,
    )
    for (const [id, time, ...values] of rows)
      found.push({ time, tags: (byId.get(id) as Selected).tags, fields: values })
  }
  return found
}

/** The newest `limit` samples, oldest first. */
export function readRows(directory: string, files: ReaderFiles, query: RowsQuery): PackedRows {
  const { measurement, match = {}, from, to, limit } = query
  const found: Found[] = []
  for (const partition of listPartitions(directory, kindOf(measurement), from, to).reverse()) {
    if (found.length >= limit) break
    files.read(partition, (db) => {
      const series = selectSeries(db, measurement, match, tagsOf(measurement))
      const byId = new Map(series.map((one) => [one.id, one]))
      const fields = fieldColumns(db, partition, query)
      for (const { join, where } of slicesOf(db, measurement, oneGroup(series))) {
        const rows = select(
          db,
          `select r.series_id, r.time${fields} from ${rowTable(measurement, partition.kind)} r ${join}
            where ${where} and r.time >= ${from} and r.time < ${to} order by r.time desc limit ${limit - found.length}`,
        )
        for (const [id, time, ...values] of rows)
          found.push({ time, tags: (byId.get(id) as Selected).tags, fields: values })
      }
    })
  }
  return packRows(query, found.reverse())
}

function select(db: DatabaseSync, sql: string): [number, number, ...(number | null)[]][] {
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement.all() as unknown as [number, number, ...(number | null)[]][]
}

/** The fields asked for as SQL columns, each with its comma; one that is younger than the file is missing in it. */
function fieldColumns(db: DatabaseSync, partition: Partition, query: LastQuery): string {
  const present = new Set(columnsOf(db, rowTable(query.measurement, partition.kind)))
  return wantedFields(query)
    .map((field) => (present.has(field) ? `, r.${quote(field)}` : ', null'))
    .join('')
}

function wantedFields({ measurement, fields }: LastQuery): readonly string[] {
  return fields ?? fieldsOf(measurement)
}

function oneGroup(series: readonly Selected[]) {
  return series.map(({ id, siteId }) => ({ id, siteId, group: 0 }))
}

function keyOf(tags: readonly string[]): string {
  return tags.join('\u001f')
}

function packRows(query: LastQuery, rows: readonly Found[]): PackedRows {
  const numbers = (pick: (row: Found) => number | null | undefined) =>
    Float64Array.from(rows, (row) => pick(row) ?? Number.NaN)
  return {
    times: numbers((row) => row.time),
    tags: Object.fromEntries(
      tagsOf(query.measurement).map((tag, i) => [tag, encode(rows.map((row) => row.tags[i] as string))]),
    ),
    fields: Object.fromEntries(wantedFields(query).map((field, i) => [field, numbers((row) => row.fields[i])])),
  }
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
