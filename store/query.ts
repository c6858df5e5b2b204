/**
 * The query model: one set of questions, answered by every store in its own dialect (SQL, InfluxQL, PromQL).
 *
 * Fixed for all of them:
 * - Times are milliseconds since 1970, intervals are [from, to).
 * - A bucket is aligned to local midnight of `utcOffsetSeconds` (0: UTC), named by its start; the last may be cut by `to`.
 * - Groups and buckets without a value are left out, never filled.
 * - A quantile lies within the two order statistics around its place q·(n − 1); stores differ between those.
 * - All other values are equal but for the order of additions (1e-9 of the value).
 * - Of two samples at the same instant in one group, which is the `last` is undefined.
 */
import type { MeasurementName } from '../core/catalog.ts'

/** Tag → the value, or any of several values. An empty list matches nothing. */
export type Match = Readonly<Record<string, string | readonly string[]>>

export type Aggregate = 'mean' | 'min' | 'max' | 'sum' | 'last' | 'count' | { quantile: number }

/** The newest sample of each series within [from, to). */
export type LastQuery = {
  measurement: MeasurementName
  match?: Match
  fields?: readonly string[]
  from: number
  to: number
}

/** Whole samples in order of time, for lists of evidence. At most `limit`, the newest kept. */
export type RowsQuery = LastQuery & { limit: number }

/** One field, bucketed and aggregated per group of equal `by` tags. */
export type RangeQuery = {
  measurement: MeasurementName
  field: string
  match?: Match
  from: number
  to: number
  everySeconds: number
  aggregate: Aggregate
  by?: readonly string[]
  utcOffsetSeconds?: number
  /** More groups are `query_invalid`, found before they are computed: one request must not hold up all others. */
  maxGroups?: number
  /** An answer that takes longer is a `timeout`. */
  maxSeconds?: number
  /** Only samples whose field `expected` is 1; for mean, sum and count of measurements that have one. */
  expectedOnly?: boolean
}

/**
 * Of the groups by `by` and `of` together, the share of each group by `by` whose value in a bucket is under `below`: of
 * schools whose mean rate misses the target, for example. Groups without a value count for nothing.
 */
export type ShareQuery = RangeQuery & { of: readonly string[]; below: number }

export type Row = { time: number; tags: Record<string, string>; fields: Record<string, number | null> }
export type Series = { tags: Record<string, string>; points: [time: number, value: number][] }
