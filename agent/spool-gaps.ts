/** What a spool gave up before the centre had it, so that a hole in the data explains itself. */
import type { Statements } from './spool-file.ts'
import type { Lost } from './spool-overflow.ts'

/** Batches from `from_seq` to `to_seq`, whose samples begin between `from` and `to` (ms). */
export type Gap = { from_seq: number; to_seq: number; from: number; to: number; reason: string }

/** Deletes the oldest batches until `bytes` are free, and records the gap. To be called within a transaction. */
export function dropOldest(sql: Statements, bytes: number, reason: string): { batches: number; bytes: number } {
  const gap = { from_seq: 0, to_seq: 0, from: Number.POSITIVE_INFINITY, to: 0, reason }
  const dropped = { batches: 0, bytes: 0 }
  for (const row of sql.heads.iterate()) {
    const time = Number(row['time'])
    gap.to_seq = Number(row['seq'])
    gap.from_seq ||= gap.to_seq
    gap.from = Math.min(gap.from, time)
    gap.to = Math.max(gap.to, time)
    dropped.batches++
    dropped.bytes += Number(row['bytes'])
    if (dropped.bytes >= bytes) break
  }
  if (dropped.batches > 0) {
    sql.deleteUpTo.run(gap.to_seq)
    sql.addMeta.run(dropped.batches, 'dropped')
    recordGap(sql, gap)
  }
  return dropped
}

/** A gap that continues the last one widens it; the last 16 are kept. */
export function recordGap(sql: Statements, { from_seq, to_seq, from, to, reason }: Gap): void {
  const last = sql.lastGap.get()
  if (last !== undefined && last['reason'] === reason && Number(last['to_seq']) + 1 === from_seq) {
    const span = [Math.min(Number(last['from_time']), from), Math.max(Number(last['to_time']), to)] as const
    sql.widenGap.run(to_seq, ...span, Number(last['id']))
  } else {
    sql.insertGap.run(from_seq, to_seq, from, to, reason)
    sql.trimGaps.run()
  }
}

/** What was lost in memory has no numbers: it stands behind the last that has one. */
export function recordLost(sql: Statements, lost: Lost | undefined): void {
  if (lost === undefined) return
  const { batches, from, to } = lost
  const seq = Number(sql.lastSeq.get()?.['seq'] ?? 0)
  sql.addMeta.run(batches, 'dropped')
  recordGap(sql, { from_seq: seq, to_seq: seq, from, to, reason: 'neither disk nor memory had room' })
}
