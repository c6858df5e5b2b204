/** Whole samples, put together again from the series of their fields. */
import { type MeasurementName, measurements, tagsOf } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { LastQuery, Row, RowsQuery } from '../query.ts'
import { type Api, type Labels, maxTextLength } from './api.ts'
import { selectFields } from './promql.ts'

/** Within so many intervals it costs less to read all samples than to have each series searched twice (measured: 5). */
const fewIntervals = 10

type Newest = { time: number; labels: Labels; fields: Map<string, { time: number; value: number }> }

/** The newest sample of each series. */
export async function readLast(api: Api, query: LastQuery): Promise<Row[]> {
  const { measurement, from, to, fields } = query
  const few = to - from <= fewIntervals * 1000 * measurements[measurement].intervalSeconds
  const newest = new Map<string, Newest>()
  const keys = keyOf(measurement)
  const add = (labels: Labels, time: number | undefined, value: number | undefined) => {
    const key = keys(labels)
    const row = newest.get(key) ?? { time: 0, labels, fields: new Map() }
    newest.set(key, row)
    const field = fieldOf(measurement, labels)
    const known = row.fields.get(field) ?? { time: 0, value: 0 }
    row.fields.set(field, known)
    if (value !== undefined) known.value = value
    if (time !== undefined) known.time = time
    row.time = Math.max(row.time, known.time)
  }
  if (few) await readSamples(api, query, add)
  else await searchNewest(api, query, add)
  const wanted = fields ?? allFields(query)
  return [...newest.values()].map(({ time, labels, fields: known }) => ({
    time,
    tags: tagsOfLabels(measurement, labels),
    fields: Object.fromEntries(
      wanted.map((field) => {
        const one = known.get(field)
        return [field, one?.time === time ? one.value : null]
      }),
    ),
  }))
}

type Add = (labels: Labels, time: number | undefined, value: number | undefined) => void

async function readSamples(api: Api, query: LastQuery, add: Add): Promise<void> {
  const selector = selectFields({ ...query, fields: allFields(query) })
  for await (const { labels, times, values } of api.samples(selector, query.from, query.to)) {
    add(labels, times.at(-1), values.at(-1))
  }
}

/**
 * The values of the fields and their times come from one look at the data, so that a sample that arrives meanwhile is in
 * both or in neither.
 */
async function searchNewest(api: Api, query: LastQuery, add: Add): Promise<void> {
  const selector = selectFields({ ...query, fields: allFields(query) })
  const both = `aggr_over_time(("last_over_time", "tlast_over_time"), ${selector}[${query.to - query.from}ms]) keep_metric_names`
  if (both.length > maxTextLength) {
    for (const half of halvesOf(query)) await searchNewest(api, half, add)
    return
  }
  for (const { labels, points } of await api.instant(both, query.to - 1)) {
    const value = points[0]?.[1] ?? 0
    if (labels['rollup'] === 'last_over_time') add(labels, undefined, value)
    else add(labels, Math.round(value * 1000), undefined)
  }
}

/** The query for either half of its longest list. */
function halvesOf(query: LastQuery): LastQuery[] {
  const lists = Object.entries(query.match ?? {}).filter(([, values]) => typeof values !== 'string')
  const [longest] = lists.toSorted(([, a], [, b]) => b.length - a.length)
  if (longest === undefined || longest[1].length < 2) {
    throw new AppError('query_invalid', 'The query cannot be answered: its text is too long for the server.')
  }
  const [tag, values] = longest
  const middle = values.length >> 1
  return [values.slice(0, middle), values.slice(middle)].map((half) => ({
    ...query,
    match: { ...query.match, [tag]: half },
  }))
}

/** The newest `limit` samples, oldest first: ever longer spans backwards until there are enough. */
export async function readRows(api: Api, query: RowsQuery): Promise<Row[]> {
  const { measurement, from, to, limit } = query
  const parts: Row[][] = []
  let count = 0
  let width = 2000 * measurements[measurement].intervalSeconds
  for (let end = to; end > from && count < limit; width *= 4) {
    const start = Math.max(from, end - width)
    const part = await rowsWithin(api, query, start, end)
    count += part.length
    parts.push(part)
    end = start
  }
  return parts.reverse().flat().slice(-limit)
}

async function rowsWithin(api: Api, query: RowsQuery, from: number, to: number): Promise<Row[]> {
  const { measurement, fields = allFields(query) } = query
  const selector = selectFields({ ...query, fields: allFields(query) })
  const keys = keyOf(measurement)
  const found = new Map<string, { tags: Row['tags']; rows: Map<number, Row> }>()
  for await (const { labels, times, values } of api.samples(selector, from, to)) {
    const field = fieldOf(measurement, labels)
    const isWanted = fields.includes(field)
    const key = keys(labels)
    const series = found.get(key) ?? { tags: tagsOfLabels(measurement, labels), rows: new Map<number, Row>() }
    found.set(key, series)
    for (const [index, time] of times.entries()) {
      let row = series.rows.get(time)
      if (row === undefined) {
        row = { time, tags: series.tags, fields: Object.fromEntries(fields.map((name) => [name, null])) }
        series.rows.set(time, row)
      }
      if (isWanted) row.fields[field] = values[index] as number
    }
  }
  return [...found.values()].flatMap(({ rows }) => [...rows.values()]).sort((a, b) => a.time - b.time)
}

/** The newest sample may have none of the fields that are wanted. */
function allFields({ measurement }: LastQuery): string[] {
  return Object.keys(measurements[measurement].fields)
}

function fieldOf(measurement: MeasurementName, labels: Labels): string {
  return (labels['__name__'] ?? '').slice(measurement.length + 1)
}

function keyOf(measurement: MeasurementName): (labels: Labels) => string {
  const tags = tagsOf(measurement)
  return (labels) => tags.map((tag) => labels[tag] ?? '').join('\u001f')
}

function tagsOfLabels(measurement: MeasurementName, labels: Labels): Row['tags'] {
  return Object.fromEntries(tagsOf(measurement).map((tag) => [tag, labels[tag] ?? '']))
}
