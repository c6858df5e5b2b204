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

export async function unpackSeries(packed: readonly PackedSeries[]): Promise<Series[]> {
  const series: Series[] = []
  let sinceTurn = 0
  for (const { tags, times, values } of packed) {
    sinceTurn += times.length
    if (sinceTurn > slice * 10) {
      await setImmediate()
      sinceTurn = 0
    }
    series.push({ tags, points: Array.from(times, (time, i) => [time, values[i] as number]) })
  }
  return series
}
