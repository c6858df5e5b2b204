/** What a damaged spool still gives goes into the fresh one; what it does not is put on record. */
import { existsSync, renameSync } from 'node:fs'
import type { Batch } from '../core/batch.ts'
import { type Salvaged, salvageBatches, salvageCounters, type Statements } from './spool-file.ts'
import { recordGap } from './spool-gaps.ts'

export type SalvageDeps = {
  /** The damaged file. */
  file: string
  sql: Statements
  insert: (batch: Batch, boot: string) => void
  transaction: (work: () => void) => void
}

/** Rows of one commit: a disk that fills up during the salvage keeps what was saved until then. */
const rowsAtOnce = 200

/** Renames a damaged file, with what belongs to it; returns its new name. */
export function setAside(file: string, now: number): string {
  const aside = `${file}.corrupt-${now}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
  }
  return aside
}

/** Returns how many batches were saved. Never throws: the rest stays in the file that was set aside. */
export function salvageInto({ file, sql, insert, transaction }: SalvageDeps): number {
  const counters = salvageCounters(file)
  let saved = 0
  let before: Salvaged | undefined
  let after: Salvaged | undefined
  const commit = (rows: Salvaged[]) => {
    transaction(() => {
      for (const { batch, boot } of rows) insert(batch, boot)
    })
    saved += rows.length
  }
  try {
    let rows: Salvaged[] = []
    for (const row of salvageBatches(file)) {
      if (row.way === 'forward') before = row
      else after = row
      rows.push(row)
      if (rows.length < rowsAtOnce) continue
      commit(rows)
      rows = []
    }
    commit(rows)
  } catch {
    // The disk is full; what could be written stands.
  }
  try {
    transaction(() => {
      sql.addMeta.run(counters.dropped, 'dropped')
      sql.addMeta.run(counters.refused, 'refused')
      if (after === undefined) return
      // How many of them had been stored before cannot be read any more: a gap without a count.
      const from = before ?? { seq: 0, time: after.time }
      recordGap(sql, {
        from_seq: from.seq + 1,
        to_seq: after.seq - 1,
        from: from.time,
        to: after.time,
        reason: 'the spool was damaged',
      })
    })
  } catch {
    // A gap without its record; the file that was set aside tells it.
  }
  return saved
}
