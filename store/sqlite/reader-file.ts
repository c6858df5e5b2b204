/** A partition as the reader has it open. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { MeasurementName } from '../../core/catalog.ts'
import { createFileCache, type FileCache } from './file-cache.ts'
import { guarded } from './faults.ts'
import { hourMs, type Partition } from './partitions.ts'
import { columnsOf } from './schema.ts'
import { addSpan, type Span } from './spans.ts'

export type ReaderFile = { db: DatabaseSync; close: () => void }
export type ReaderFiles = FileCache<ReaderFile> & {
  /** What `read` makes of a partition, or undefined when its file has just been deleted by the retention. */
  read: <T>(partition: Partition, read: (db: DatabaseSync) => T) => T | undefined
}

export function createReaderFiles(directory: string): ReaderFiles {
  // Raw days of the usual retention and a few months; the rest of a long range passes through.
  const cache = createFileCache(20, (name): ReaderFile => {
    const db = new DatabaseSync(join(directory, `${name}.sqlite`), { readOnly: true })
    db.exec('pragma busy_timeout = 5000; pragma temp_store = memory; pragma cache_size = -16384')
    return { db, close: () => db.close() }
  })
  return {
    ...cache,
    read: (partition, read) =>
      guarded(partition.name, () => {
        let file: ReaderFile
        try {
          file = cache.get(partition.name)
        } catch (error) {
          if (!existsSync(join(directory, `${partition.name}.sqlite`))) return undefined
          throw error
        }
        return inSnapshot(file.db, () => read(file.db))
      }),
  }
}

/** One state of the file for all statements: which hours are out of date and the samples in them belong together. */
function inSnapshot<T>(db: DatabaseSync, read: () => T): T {
  db.exec('begin')
  try {
    return read()
  } finally {
    db.exec('rollback')
  }
}

/** Hours in which some site has samples that its roll-up does not know yet, in order of time. */
export function dirtyHoursOf(db: DatabaseSync, measurement: MeasurementName): number[] {
  // The writer is just making this file.
  if (columnsOf(db, 'dirty').length === 0) return []
  const rows = db.prepare('select distinct hour from dirty where measurement = ? order by hour').all(measurement)
  return rows.map((row) => Number(row['hour']))
}

export function dirtySpansOf(db: DatabaseSync, measurement: MeasurementName): Span[] {
  const spans: Span[] = []
  for (const hour of dirtyHoursOf(db, measurement)) addSpan(spans, { from: hour, to: hour + hourMs })
  return spans
}
