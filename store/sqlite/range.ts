/** `range`: parts of every bucket from each file, joined. Runs in the reader worker. */
import type { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../core/errors.ts'
import { tooManyGroups } from '../check-query.ts'
import type { Aggregate, RangeQuery } from '../query.ts'
import { foldOf, type Part, type Source } from './fold.ts'
import { kindOf, listPartitions, type PartitionKind } from './partitions.ts'
import { dirtyHoursOf, type ReaderFiles } from './reader-file.ts'
import { packTags, type PackedTags } from './sample-table.ts'
import { columnsOf, rowTable } from './schema.ts'
import { hourSlicesOf, selectSeries, slicesOf, type Selected, type Slice } from './selection.ts'
import { addSpan, clip, hoursOf, splitClean, type Span } from './spans.ts'

/**
 * Series as they travel to the main thread, all of them in a few blocks: of 24,000 with blocks of their own it would unpack
 * for half a second, and do nothing else. `counts`: points of each series; `values`: of each aggregate asked for.
 */
export type PackedSeries = { tags: PackedTags; counts: Uint32Array; times: Float64Array; values: Float64Array[] }

/** One question with several aggregates, of which the first is that of the query: `foldOf` must hold all of them. */
export type RangeCall = { query: RangeQuery; aggregates: readonly Aggregate[] }

export function readRange(directory: string, files: ReaderFiles, { query, aggregates }: RangeCall): PackedSeries {
  const { measurement, from, to } = query
  const buckets = createBuckets(query)
  if (kindOf(measurement) === 'evidence') {
    for (const month of listPartitions(directory, 'evidence', from, to)) {
      files.read(month, (db) => buckets.add(db, 'evidence', [{ from, to }]))
    }
    return buckets.result(aggregates)
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
  return buckets.result(aggregates)
}

/** Whether buckets are made of whole hours, so that roll-ups give what samples would. */
function prefersRollups({ everySeconds, utcOffsetSeconds = 0, aggregate }: RangeQuery): boolean {
  return everySeconds % 3600 === 0 && utcOffsetSeconds % 3600 === 0 && typeof aggregate === 'string'
}

/** A part of a span, and its bucket: as a number, or as SQL on its rows. */
type Piece = Span & { bucket: number | string }
const maxPieces = 24

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

  const scan = (db: DatabaseSync, table: string, source: Source, slices: readonly Slice[], span: Span) => {
    const pieces = slices.length === 1 && slices[0]?.before === '' ? piecesOf(span) : [wholeOf(span)]
    for (const { before, join, sites, series, group } of slices) {
      for (const { from, to, bucket } of pieces) {
        checkTime()
        const statement = db.prepare(`select ${group}, ${bucket}, ${source.x}, ${source.y}
          from ${before} ${table} r ${join} where ${sites} and ${series} and r.time >= ${from} and r.time < ${to} and ${source.where}
          ${fold.grouped ? `group by 1${typeof bucket === 'number' ? '' : ', 2'}` : ''}`)
        statement.setReturnArrays(true)
        for (const row of statement.iterate() as unknown as Iterable<[number, number, number, number]>) {
          checkTime()
          addRow(row[0], row[1], { x: row[2], y: row[3] })
        }
      }
    }
  }

  // Times go into the text as whole numbers: bound, they would be REAL, and the division not one of integers.
  const wholeOf = (span: Span): Piece => ({ ...span, bucket: `(r.time + ${offset}) / ${every}` })
  /** Few buckets are read one by one: rows are sorted by their group alone, which takes a third less. */
  const piecesOf = (span: Span): Piece[] => {
    const first = Math.floor((span.from + offset) / every)
    const last = Math.floor((span.to - 1 + offset) / every)
    if (last - first >= maxPieces) return [wholeOf(span)]
    return Array.from({ length: last - first + 1 }, (_, i) => {
      const from = (first + i) * every - offset
      return { ...clip(span, { from, to: from + every }), bucket: first + i }
    })
  }

  return {
    /** Adds what a file holds in `spans`. */
    add: (db: DatabaseSync, kind: PartitionKind, spans: readonly Span[]): void => {
      const source = kind === 'hourly' ? fold.rollups : fold.samples
      if (source === undefined || spans.length === 0) return
      if (!columnsOf(db, rowTable(measurement, kind)).includes(fieldColumn(field, kind))) return
      const members = selectSeries(db, measurement, match, by).map((series) => ({ ...series, group: groupOf(series) }))
      const hourly = kind === 'hourly'
      const slices = hourly ? [] : slicesOf(db, measurement, members)
      for (const span of spans) {
        const own = hourly ? hourSlicesOf(db, measurement, members, span) : slices
        scan(db, rowTable(measurement, kind), source, own, span)
      }
    },
    result: (aggregates: readonly Aggregate[]): PackedSeries => {
      const found = [...groups.values()].filter(({ parts }) => parts.size > 0)
      const points = found.flatMap(({ parts }) => [...parts].sort(([a], [b]) => a - b))
      return {
        tags: packTags(
          by,
          found.map(({ tags }) => tags),
        ),
        counts: Uint32Array.from(found, ({ parts }) => parts.size),
        times: Float64Array.from(points, ([bucket]) => bucket * every - offset),
        values: aggregates.map((aggregate) => {
          const { value } = foldOf({ ...query, aggregate })
          return Float64Array.from(points, ([, part]) => value(part))
        }),
      }
    },
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
