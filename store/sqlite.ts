/**
 * The embedded store: SQLite files by time, a writer and a reader worker, one process per directory. Nothing on the main
 * thread runs SQL. Samples of `raw` measurements are kept for `raw_days`, their hourly roll-ups and all `evidence` for
 * `long_days`; older than `raw_days`, an hour counts whole where it starts, and has no quantile.
 */
import { openStore, type SqliteStore, type SqliteStoreOptions } from './sqlite/open-store.ts'
import { startWorkers } from './sqlite/threads.ts'

export type { SqliteStore, SqliteStoreOptions }

/** Opens the store, creating what is missing. Throws `store_unavailable` when another process has the directory. */
export function createSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  return openStore(options, startWorkers)
}
