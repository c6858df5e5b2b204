/** `range`: parts of every bucket from each file, joined. Runs in the reader worker. */
import type { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../core/errors.ts'
import { tooManyGroups } from '../check-query.ts'
import type { RangeQuery } from '../query.ts'
import { foldOf, type Part, type Source } from './fold.ts'
import { kindOf, listPartitions, type PartitionKind } from './partitions.ts'
import { dirtyHoursOf, type ReaderFiles } from './reader-file.ts'
import { columnsOf, rowTable } from './schema.ts'
import { selectSeries, slicesOf, type Member, type Selected } from './selection.ts'
import { addSpan, clip, hoursOf, splitClean, type Span } from './spans.ts'

/** A series as it travels to the main thread: two blocks of numbers instead of a pair for each point. */
export type PackedSeries = { tags: Record<string, string>; times: Float64Array; values: Float64Array }

export function readRange(directory: string, files: ReaderFiles, query: RangeQuery): PackedSeries[] {
  const { measurement, from, to } = query
  const buckets = createBuckets(query)
  if (kindOf(measurement) === 'evidence') {
    for (const month of listPartitions(directory, 'evidence', from, to)) {
      files.read(month, (db) => buckets.add(db, 'evidence', [{ from, to }]))
    }
    return buckets.result()
  }
  const rolled: Span[] = []
  let at = from
  // Each day in a snapshot of its own, roll-ups after all of them: what was clean in the snapshot is rolled up by then.
  for (const day of listPartitions(directory, 'raw', from, to)) {
    addSpan(rolled, hoursOf({ from: at, to: day.from }))
    const span = clip(day, query)
    const left = files.read(day, (db) => {
      const { samples, rollups } = prefersRollups(query)
        ? splitClean(span, new Set(dirtyHoursOf(db, measurement)))
        : { samples: [span], rollups: [] }
      buckets.add(db, 'raw', samples)
      return rollups
    })
    for (const hours of left ?? [hoursOf(span)]) addSpan(rolled, hours)
    at = day.to
  }
  addSpan(rolled, hoursOf({ from: at, to }))
  for (const month of listPartitions(directory, 'hourly', rolled[0]?.from ?? to, rolled.at(-1)?.to ?? to)) {
    const spans = rolled.map((span) => clip(month, span)).filter((span) => span.from < span.to)
    files.read(month, (db) => buckets.add(db, 'hourly', spans))
  }
  return buckets.result()
}

/** Whether buckets are made of whole hours, so that roll-ups give what samples would. */
function prefersRollups({ everySeconds, utcOffsetSeconds = 0, aggregate }: RangeQuery): boolean {
  return everySeconds % 3600 === 0 && utcOffsetSeconds % 3600 === 0 && typeof aggregate === 'string'
}

function createBuckets(query: RangeQuery) {
  const { measurement, field, match = {}, by = [], everySeconds, utcOffsetSeconds = 0, maxGroups = Infinity } = query
  const fold = foldOf(query)
  const checkTime = deadlineOf(query)
  const [every, offset] = [everySeconds * 1000, utcOffsetSeconds * 1000]
  const groups = new Map<string, { number: number; tags: string[]; parts: Map<number, Part> }>()
  const byNumber: { parts: Map<number, Part> }[] = []

  const groupOf = ({ key, tags }: Selected): number => {
    let group = groups.get(key)
    if (group === undefined) {
      if (groups.size >= maxGroups) throw tooManyGroups(maxGroups)
      group = { number: groups.size, tags, parts: new Map() }
      groups.set(key, group)
      byNumber.push(group)
    }
    return group.number
  }

  const addRow = (group: number, bucket: number, part: Part) => {
    const parts = (byNumber[group] as { parts: Map<number, Part> }).parts
    const known = parts.get(bucket)
    if (known === undefined) parts.set(bucket, part)
    else fold.merge(known, part)
  }

  const scan = (db: DatabaseSync, table: string, source: Source, members: readonly Member[], span: Span) => {
    for (const { join, sites, series, group } of slicesOf(db, measurement, members)) {
      checkTime()
      // Times go into the text as whole numbers: bound, they would be REAL, and the division not one of integers.
      const statement = db.prepare(`select ${group}, (r.time + ${offset}) / ${every}, ${source.x}, ${source.y}
        from ${table} r ${join} where ${sites} and ${series} and r.time >= ${span.from} and r.time < ${span.to} and ${source.where}
        ${fold.grouped ? 'group by 1, 2' : ''}`)
      statement.setReturnArrays(true)
      for (const row of statement.iterate() as unknown as Iterable<[number, number, number, number]>) {
        checkTime()
        addRow(row[0], row[1], { x: row[2], y: row[3] })
      }
    }
  }

  return {
    /** Adds what a file holds in `spans`. */
    add: (db: DatabaseSync, kind: PartitionKind, spans: readonly Span[]): void => {
      const source = kind === 'hourly' ? fold.rollups : fold.samples
      const table = rowTable(measurement, kind)
      if (source === undefined || spans.length === 0 || !columnsOf(db, table).includes(fieldColumn(field, kind))) return
      const members = selectSeries(db, measurement, match, by).map((series) => ({ ...series, group: groupOf(series) }))
      for (const span of spans) scan(db, table, source, members, span)
    },
    result: (): PackedSeries[] =>
      [...groups.values()]
        .filter(({ parts }) => parts.size > 0)
        .map(({ tags, parts }) => {
          const numbers = [...parts.keys()].sort((a, b) => a - b)
          return {
            tags: Object.fromEntries(by.map((tag, i) => [tag, tags[i] as string])),
            times: Float64Array.from(numbers, (bucket) => bucket * every - offset),
            values: Float64Array.from(numbers, (bucket) => fold.value(parts.get(bucket) as Part)),
          }
        }),
  }
}

function fieldColumn(field: string, kind: PartitionKind): string {
  return kind === 'hourly' ? `${field}:n` : field
}

/** Throws `timeout` when the query has had its time. Looked at between rows: SQLite gives none while it sums. */
function deadlineOf({ maxSeconds = Infinity }: RangeQuery): () => void {
  const end = performance.now() + maxSeconds * 1000
  return () => {
    if (performance.now() < end) return
    throw new AppError(
      'timeout',
      `The query took more than ${maxSeconds} s; ask for a shorter time, for fewer groups, or for whole hours.`,
    )
  }
}
