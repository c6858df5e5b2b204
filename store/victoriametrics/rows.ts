/** Whole samples, put together again from the series of their fields. */
import { type MeasurementName, measurements, tagsOf } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { LastQuery, Row, RowsQuery } from '../query.ts'
import { type Api, type Labels, maxTextLength } from './api.ts'
import { selectFields } from './promql.ts'

/**
 * The newest sample of each series: the values of its fields and their times come from one look at the data, so that a
 * sample that arrives meanwhile is in both or in neither.
 */
export async function readLast(api: Api, query: LastQuery): Promise<Row[]> {
  const { measurement, from, to, fields } = query
  const selector = selectFields({ ...query, fields: allFields(query) })
  const both = `aggr_over_time(("last_over_time", "tlast_over_time"), ${selector}[${to - from}ms]) keep_metric_names`
  if (both.length > maxTextLength) return (await Promise.all(halvesOf(query).map((half) => readLast(api, half)))).flat()
  const newest = new Map<
    string,
    { time: number; labels: Labels; fields: Map<string, { time: number; value: number }> }
  >()
  const found = await api.instant(both, to - 1)
  const keys = keyOf(measurement)
  for (const { labels, points } of found) {
    const { __name__: name = '', rollup } = labels
    const key = keys(labels)
    const row = newest.get(key) ?? { time: 0, labels, fields: new Map() }
    newest.set(key, row)
    const field = name.slice(measurement.length + 1)
    const known = row.fields.get(field) ?? { time: 0, value: 0 }
    row.fields.set(field, known)
    const value = points[0]?.[1] ?? 0
    if (rollup === 'last_over_time') known.value = value
    else known.time = Math.round(value * 1000)
    row.time = Math.max(row.time, known.time)
  }
  return [...newest.values()].map((row) =>
    rowOf(query, row.labels, row.time, fields, (field) => {
      const value = row.fields.get(field)
      return value?.time === row.time ? value.value : undefined
    }),
  )
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
  const { measurement, fields } = query
  const selector = selectFields({ ...query, fields: allFields(query) })
  const keys = keyOf(measurement)
  const rows = new Map<string, { time: number; labels: Labels; values: Map<string, number> }>()
  for await (const { labels, times, values } of api.samples(selector, from, to)) {
    const field = (labels['__name__'] ?? '').slice(measurement.length + 1)
    const series = keys(labels)
    for (const [index, time] of times.entries()) {
      const key = `${time} ${series}`
      const row = rows.get(key) ?? { time, labels, values: new Map() }
      rows.set(key, row)
      row.values.set(field, values[index] as number)
    }
  }
  return [...rows.values()]
    .sort((a, b) => a.time - b.time)
    .map(({ time, labels, values }) => rowOf(query, labels, time, fields, (field) => values.get(field)))
}

/** The newest sample may have none of the fields that are wanted. */
function allFields({ measurement }: LastQuery): string[] {
  return Object.keys(measurements[measurement].fields)
}

function keyOf(measurement: MeasurementName): (labels: Labels) => string {
  const tags = tagsOf(measurement)
  return (labels) => tags.map((tag) => labels[tag] ?? '').join('\u001f')
}

function rowOf(
  query: LastQuery,
  labels: Labels,
  time: number,
  wanted: readonly string[] = allFields(query),
  value: (field: string) => number | undefined,
): Row {
  return {
    time,
    tags: Object.fromEntries(tagsOf(query.measurement).map((tag) => [tag, labels[tag] ?? ''])),
    fields: Object.fromEntries(wanted.map((field) => [field, value(field) ?? null])),
  }
}
