import type { DatabaseSync } from 'node:sqlite'

/** All that `work` writes, or nothing of it. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('begin immediate')
  try {
    const result = work()
    db.exec('commit')
    return result
  } catch (error) {
    // SQLite has already rolled back by itself when the disk is full.
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}
