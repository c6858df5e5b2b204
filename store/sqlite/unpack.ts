/** Answers of the reader → rows and series. */
import { setImmediate } from 'node:timers/promises'
import type { Row, Series } from '../query.ts'
import type { PackedSeries } from './range.ts'
import type { PackedRows } from './sample-table.ts'

/** Objects made before the event loop gets a turn: 24,000 at once would hold it for tens of milliseconds. */
const slice = 2000

export async function unpackRows({ times, tags, fields }: PackedRows): Promise<Row[]> {
  const tagColumns = Object.entries(tags)
  const fieldColumns = Object.entries(fields)
  const rows: Row[] = []
  for (let i = 0; i < times.length; i++) {
    if (i % slice === slice - 1) await setImmediate()
    const row: Row = { time: times[i] as number, tags: {}, fields: {} }
    for (const [name, { values, codes }] of tagColumns) row.tags[name] = values[codes[i] as number] as string
    for (const [name, column] of fieldColumns) {
      const value = column[i] as number
      row.fields[name] = Number.isNaN(value) ? null : value
    }
    rows.push(row)
  }
  return rows
}

/** The series of one of the aggregates that were asked for. */
export async function unpackSeries(
  { tags, counts, times, values }: PackedSeries,
  aggregate: number,
): Promise<Series[]> {
  const tagColumns = Object.entries(tags)
  const column = values[aggregate] as Float64Array
  const series: Series[] = []
  let point = 0
  let work = 0
  for (const [i, count] of counts.entries()) {
    work += count + tagColumns.length
    if (work > slice * 5) {
      await setImmediate()
      work = 0
    }
    const one: Series = { tags: {}, points: [] }
    for (const [name, { values: known, codes }] of tagColumns) one.tags[name] = known[codes[i] as number] as string
    for (const end = point + count; point < end; point++) {
      one.points.push([times[point] as number, column[point] as number])
    }
    series.push(one)
  }
  return series
}
