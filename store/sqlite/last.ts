/** `last`: the newest sample of each series. Runs in the reader worker. */
import type { DatabaseSync } from 'node:sqlite'
import { measurements } from '../../core/catalog.ts'
import type { LastQuery } from '../query.ts'
import { kindOf, listPartitions, type Partition } from './partitions.ts'
import { dirtySpansOf, type ReaderFiles } from './reader-file.ts'
import { packRows, sampleTable, type FoundSample, type PackedRows, type SampleTable } from './sample-table.ts'
import type { Selected } from './selection.ts'
import { clip, type Span } from './spans.ts'

export function readLast(directory: string, files: ReaderFiles, query: LastQuery): PackedRows {
  const found = new Map<string, FoundSample>()
  for (const partition of listPartitions(directory, kindOf(query.measurement), query.from, query.to).reverse()) {
    files.read(partition, (db) => lastIn(db, partition, query, found))
  }
  return packRows(query, [...found.values()])
}

/**
 * Adds the newest samples of a partition, for series that newer partitions did not have. Nearly all of them are
 * among the last of their site. A series that has fallen silent is not searched for in a day of rows: in hours that are
 * rolled up, `seen` says where it ended, and the others are few.
 */
function lastIn(db: DatabaseSync, partition: Partition, query: LastQuery, found: Map<string, FoundSample>): void {
  const table = sampleTable(db, query)
  const { from, to } = clip(partition, query)
  const missing = (series: readonly Selected[]) => series.filter(({ key }) => !found.has(key))
  const keep = (samples: Iterable<FoundSample>) => {
    for (const sample of samples) found.set(sample.series.key, sample)
  }
  const search = (series: readonly Selected[], span: Span) => {
    let rest = missing(series)
    let width = widthOf(query)
    for (let end = span.to; end > span.from && rest.length > 0; width *= 2) {
      const start = Math.max(span.from, end - width)
      keep(newestIn(table, rest, { from: start, to: end }))
      rest = missing(rest)
      end = start
    }
  }

  if (partition.kind === 'evidence') return search(table.series, { from, to })
  const wanted = missing(table.series)
  if (wanted.length > 0) keep(table.newestOfSites(wanted, { from, to }, widthOf(query)))
  const silent = missing(wanted)
  if (silent.length === 0) return
  // A series that goes on behind `to` may end anywhere before it.
  search(
    silent.filter(({ seen }) => seen >= to),
    { from, to },
  )
  keep(
    newestSeen(
      db,
      table,
      missing(silent).filter(({ seen }) => seen < to),
      query,
      { from, to },
    ),
  )
}

/** The newest of each series, from its dirty hours and from where it ended in the clean ones. */
function newestSeen(
  db: DatabaseSync,
  table: SampleTable,
  series: readonly Selected[],
  { measurement }: LastQuery,
  bounds: Span,
): Iterable<FoundSample> {
  const newest = new Map<string, FoundSample>()
  for (const span of dirtySpansOf(db, measurement)) {
    for (const sample of newestIn(table, series, clip(bounds, span))) newest.set(sample.series.key, sample)
  }
  for (const one of series) {
    if (one.seen < bounds.from || one.seen <= (newest.get(one.key)?.time ?? -1)) continue
    const sample = table.at(one, one.seen)
    if (sample !== undefined) newest.set(one.key, sample)
  }
  return newest.values()
}

function newestIn(table: SampleTable, series: readonly Selected[], { from, to }: Span): FoundSample[] {
  if (series.length === 0 || from >= to) return []
  // Bare columns beside max() come from the row of the maximum.
  return table.read({ series, from, to, time: 'max(r.time)', tail: 'group by r.series_id' })
}

/** Two samples are due in it. */
function widthOf({ measurement }: LastQuery): number {
  return 2000 * measurements[measurement].intervalSeconds
}
