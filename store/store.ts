/** Where samples rest. Implementations: sqlite.ts (embedded), influxdb.ts, victoriametrics.ts; chosen by `type` in the config. */
import type { Batch } from '../core/batch.ts'
import type { LastQuery, RangeQuery, Row, RowsQuery, Series } from './query.ts'

/**
 * What became of each batch given to `write`, by its index.
 * `rejected`: never to be stored, with the reason; give it up. `retry`: could not be stored now; give it again.
 * All others were accepted.
 */
export type WriteResult = {
  rejected: ReadonlyMap<number, string>
  retry: readonly number[]
  /**
   * Resolves when what was accepted survives a crash of the store, which is not always when the store answers
   * (VictoriaMetrics: reference/store.md §7). Rejects when it may have been lost: treat as retry.
   */
  durable: Promise<void>
}

export type Health = {
  ok: boolean
  /** What a person must know or do, in full sentences. Empty when all is well. */
  problems: string[]
  facts: Record<string, number | string>
}

export type Store = {
  /** Idempotent by (measurement, tags, time): which of two values for one key wins is undefined. Never throws for bad data. */
  write: (batches: readonly Batch[]) => Promise<WriteResult>
  last: (query: LastQuery) => Promise<Row[]>
  rows: (query: RowsQuery) => Promise<Row[]>
  range: (query: RangeQuery) => Promise<Series[]>
  health: () => Promise<Health>
  close: () => Promise<void>
}
