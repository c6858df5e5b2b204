/** The store's contract in a few lines over an array: what every real store must answer. */
import { tagAt, type Batch } from '../../core/batch.ts'
import { measurements, tagsOf } from '../../core/catalog.ts'
import type { LastQuery, Match, RangeQuery, Row, RowsQuery } from '../../store/query.ts'

/** `low` and `high` differ for a quantile only: the order statistics around it. */
export type ModelPoint = { time: number; low: number; high: number }
export type ModelSeries = { tags: Record<string, string>; points: ModelPoint[] }

export type Model = {
  write: (batch: Batch) => void
  last: (query: LastQuery) => Row[]
  rows: (query: RowsQuery) => Row[]
  range: (query: RangeQuery) => ModelSeries[]
}

export function createModel(): Model {
  const stored = new Map<string, Row & { measurement: string }>()

  const select = ({ measurement, match = {}, from, to }: Pick<LastQuery, 'measurement' | 'match' | 'from' | 'to'>) =>
    [...stored.values()]
      .filter((row) => row.measurement === measurement && row.time >= from && row.time < to && matches(row.tags, match))
      .sort((a, b) => a.time - b.time)

  const only = (row: Row, fields: readonly string[] | undefined): Row => ({
    time: row.time,
    tags: row.tags,
    fields:
      fields === undefined ? row.fields : Object.fromEntries(fields.map((name) => [name, row.fields[name] ?? null])),
  })

  return {
    write: (batch) => {
      for (const [index, time] of batch.times.entries()) {
        const tags = Object.fromEntries(tagsOf(batch.measurement).map((tag) => [tag, tagAt(batch, tag, index) ?? '']))
        const key = JSON.stringify([batch.measurement, time, tags])
        const fields = Object.fromEntries(
          Object.keys(measurements[batch.measurement].fields).map((name) => [
            name,
            stored.get(key)?.fields[name] ?? batch.fields[name]?.[index] ?? null,
          ]),
        )
        stored.set(key, { measurement: batch.measurement, time, tags, fields })
      }
    },
    last: (query) => {
      const newest = new Map(select(query).map((row) => [JSON.stringify(row.tags), row]))
      return [...newest.values()].map((row) => only(row, query.fields))
    },
    rows: (query) =>
      select(query)
        .slice(-query.limit)
        .map((row) => only(row, query.fields)),
    range: (query) => {
      const { field, by = [], everySeconds, utcOffsetSeconds = 0, expectedOnly = false } = query
      const rows = select(query).filter(
        (row) => row.fields[field] !== null && (!expectedOnly || row.fields['expected'] === 1),
      )
      const groups = Map.groupBy(rows, (row) =>
        JSON.stringify(Object.fromEntries(by.map((tag) => [tag, row.tags[tag]]))),
      )
      return [...groups].map(([tags, own]) => {
        const offset = utcOffsetSeconds * 1000
        const every = everySeconds * 1000
        const buckets = Map.groupBy(own, (row) => Math.floor((row.time + offset) / every) * every - offset)
        const points = [...buckets].map(([time, members]) => ({
          time,
          ...aggregated(
            members.map((row) => row.fields[field] as number),
            query.aggregate,
          ),
        }))
        return { tags: JSON.parse(tags) as Record<string, string>, points }
      })
    },
  }
}

function matches(tags: Record<string, string>, match: Match): boolean {
  return Object.entries(match).every(([tag, wanted]) =>
    typeof wanted === 'string' ? tags[tag] === wanted : wanted.includes(tags[tag] as string),
  )
}

function aggregated(values: readonly number[], aggregate: RangeQuery['aggregate']): { low: number; high: number } {
  const sum = values.reduce((total, value) => total + value, 0)
  if (typeof aggregate === 'object') {
    const sorted = values.toSorted((a, b) => a - b)
    const position = aggregate.quantile * (sorted.length - 1)
    return { low: sorted[Math.floor(position)] as number, high: sorted[Math.ceil(position)] as number }
  }
  const value = {
    mean: sum / values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    sum,
    last: values.at(-1) as number,
    count: values.length,
  }[aggregate]
  return { low: value, high: value }
}
