/** Answers of the reader → rows and series. */
import { setImmediate } from 'node:timers/promises'
import type { Row, Series } from '../query.ts'
import type { PackedSeries } from './range.ts'
import type { PackedRows, PackedTags } from './sample-table.ts'

/** Objects made before the event loop gets a turn: 24,000 at once would hold it for tens of milliseconds. */
const slice = 2000
/** The tags of a series take as long as so many points. */
const tagWork = 3

/** Rows of one series share their tags. */
export async function unpackRows({ times, series, tags, fields }: PackedRows): Promise<Row[]> {
  const fieldColumns = Object.entries(fields)
  const tagsOf = unpackTags(tags)
  const rows: Row[] = []
  for (let i = 0; i < times.length; i++) {
    if (i % slice === slice - 1) await setImmediate()
    const row: Row = { time: times[i] as number, tags: tagsOf(series[i] as number), fields: {} }
    for (const [name, column] of fieldColumns) {
      const value = column[i] as number
      row.fields[name] = Number.isNaN(value) ? null : value
    }
    rows.push(row)
  }
  return rows
}

/** The tags of a packed row, made when they are first asked for. */
function unpackTags(tags: PackedTags): (row: number) => Row['tags'] {
  const columns = Object.entries(tags)
  const made: (Row['tags'] | undefined)[] = []
  return (row) =>
    (made[row] ??= Object.fromEntries(
      columns.map(([name, { values, codes }]) => [name, values[codes[row] as number] as string]),
    ))
}

/** The series of one of the aggregates that were asked for. */
export async function unpackSeries(
  { tags, counts, times, values }: PackedSeries,
  aggregate: number,
): Promise<Series[]> {
  const tagsOf = unpackTags(tags)
  const column = values[aggregate] as Float64Array
  const series: Series[] = []
  let point = 0
  let work = 0
  for (const [i, count] of counts.entries()) {
    work += count + tagWork
    if (work > slice * 5) {
      await setImmediate()
      work = 0
    }
    const one: Series = { tags: tagsOf(i), points: [] }
    for (const end = point + count; point < end; point++) {
      one.points.push([times[point] as number, column[point] as number])
    }
    series.push(one)
  }
  return series
}
