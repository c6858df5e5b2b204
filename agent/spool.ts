/**
 * What was measured and is not yet stored at the centre, on disk: bounded, crash-safe, self-healing.
 * A batch is here from the commit of `append` until `settle` says that the collector has it.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Batch, decodeBatch, encodeBatch, splitBatch } from '../core/batch.ts'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { isDamage, isFull, openSpoolFile, prepareStatements, salvageBatches, type Statements } from './spool-file.ts'

export type SpoolOptions = {
  directory: string
  agent: string
  /** Bytes of payload kept; above it the oldest are dropped, counted, and the gap is recorded. */
  maxBytes: number
  /** Id of this process; batches are stamped with it, so that `restamp` knows whose clock they were measured by. */
  boot: string
  log: Log
  now: () => number
}

export type Queued = { seq: number; measurement: string; payload: Buffer }
/** Batches that were given up before the centre had them: dropped for want of space, or refused. */
export type Gap = { from_seq: number; to_seq: number; from: number; to: number; reason: string }
/** `oldest`: time of the first sample that waits, ms. */
export type SpoolStats = {
  batches: number
  bytes: number
  oldest: number | undefined
  dropped: number
  refused: number
}

export type Spool = {
  /** Born with the file: (agent, stream, seq) names a batch for ever. */
  readonly stream: string
  /** Commits batches durably. A full disk does not throw: room is made, or they are held in memory for a while. */
  append: (batches: readonly Batch[]) => void
  /** Up to `limit` batches with after < seq ≤ until, ascending. */
  read: (after: number, until: number, limit: number) => Queued[]
  lastSeq: () => number
  settle: (stored: readonly number[], refused: readonly (readonly [seq: number, reason: string])[]) => void
  /** Moves the times of this process's batches by `deltaMs`: its clock was found wrong before any of them was sent. */
  restamp: (deltaMs: number) => number
  stats: () => SpoolStats
  gaps: () => Gap[]
  close: () => void
}

/** Freed when the disk is full, so that deleting, which writes too, is still possible. */
const reserveBytes = 1024 * 1024
/** Batches held in memory while the disk takes none; some 4 MB. */
const overflowBatches = 2_000
/** Share of the spool that is dropped at once when room is needed: one by one would cost a commit each. */
const dropShare = 0.05

export function openSpool(options: SpoolOptions): Spool {
  const { directory, log, now } = options
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'spool.sqlite')
  const reserve = join(directory, 'spool.reserve')
  let db: DatabaseSync
  let sql: Statements
  let stream: string
  let totals = { batches: 0, bytes: 0 }
  let overflow: Batch[] = []
  let full = false

  try {
    use(openSpoolFile(file))
  } catch (error) {
    if (!isDamage(error))
      throw new AppError(
        'io',
        `Cannot open the spool ${file}: ${messageOf(error)}. Check the disk and its permissions.`,
        { cause: error },
      )
    replaceDamaged(error)
  }
  if (!existsSync(reserve)) makeReserve()

  function use(opened: DatabaseSync): void {
    db = opened
    sql = prepareStatements(db)
    sql.insertMeta.run('stream', randomUUID())
    stream = String(sql.meta.get('stream')?.['value'])
    recount()
  }

  function recount(): void {
    const row = sql.totals.get()
    totals = { batches: Number(row?.['batches']), bytes: Number(row?.['bytes']) }
  }

  /** A damaged file is kept for inspection; what can still be read of it is queued again, under a new stream. */
  function replaceDamaged(reason: unknown): void {
    const aside = `${file}.corrupt-${now()}`
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
    use(openSpoolFile(file))
    let saved = 0
    transaction(() => {
      for (const { boot, batch } of salvageBatches(aside)) {
        insert(batch, boot)
        saved++
      }
    })
    log.error(
      { file: aside, reason: messageOf(reason), saved },
      'The spool was damaged and set aside; what could be read of it is sent again.',
    )
  }

  /** Runs `work`; a damage met in it sets the file aside and runs it once more on the fresh one. */
  function healed<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!isDamage(error)) throw error
      db.close()
      replaceDamaged(error)
      return work()
    }
  }

  function transaction(work: () => void): void {
    db.exec('begin immediate')
    try {
      work()
      db.exec('commit')
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      if (!isDamage(error)) recount()
      throw error
    }
  }

  function insert(batch: Batch, boot: string): void {
    const seq = lastSeq() + 1
    let payload: Buffer
    try {
      payload = encodeBatch({ agent: options.agent, stream, seq }, batch)
    } catch (error) {
      if (!isAppError(error, 'batch_too_large') || batch.times.length < 2) throw error
      for (const half of splitBatch(batch)) insert(half, boot)
      return
    }
    sql.insert.run(seq, batch.times[0] ?? now(), payload.length, boot, batch.measurement, payload)
    totals.batches++
    totals.bytes += payload.length
  }

  function lastSeq(): number {
    return Number(sql.lastSeq.get()?.['seq'] ?? 0)
  }

  /** Deletes the oldest batches until `bytes` are free, and records the gap. Within a transaction. */
  function dropOldest(bytes: number, reason: string): void {
    const gap = { from_seq: 0, to_seq: 0, from: Number.POSITIVE_INFINITY, to: 0, reason }
    let freed = 0
    let batches = 0
    for (const row of sql.heads.iterate()) {
      const time = Number(row['time'])
      gap.to_seq = Number(row['seq'])
      gap.from_seq ||= gap.to_seq
      gap.from = Math.min(gap.from, time)
      gap.to = Math.max(gap.to, time)
      batches++
      freed += Number(row['bytes'])
      if (freed >= bytes) break
    }
    if (batches === 0) return
    sql.deleteUpTo.run(gap.to_seq)
    sql.addMeta.run(batches, 'dropped')
    recordGap(gap)
    totals = { batches: totals.batches - batches, bytes: totals.bytes - freed }
  }

  /** A gap that continues the last one widens it; the last 16 are kept. */
  function recordGap({ from_seq, to_seq, from, to, reason }: Gap): void {
    const last = sql.lastGap.get()
    if (last !== undefined && last['reason'] === reason && Number(last['to_seq']) + 1 === from_seq) {
      sql.widenGap.run(
        to_seq,
        Math.min(Number(last['from_time']), from),
        Math.max(Number(last['to_time']), to),
        Number(last['id']),
      )
    } else {
      sql.insertGap.run(from_seq, to_seq, from, to, reason)
      sql.trimGaps.run()
    }
  }

  function commit(batches: readonly Batch[]): void {
    transaction(() => {
      for (const batch of batches) insert(batch, options.boot)
    })
    const excess = totals.bytes - options.maxBytes
    if (excess <= 0) return
    transaction(() => dropOldest(excess + options.maxBytes * dropShare, 'spool full'))
    log.warn({ max_bytes: options.maxBytes }, 'The spool is full; its oldest measurements were dropped.')
  }

  /** The disk is full: give up the reserve, then the oldest batches. */
  function makeRoom(error: unknown): void {
    if (!full)
      log.error(
        { directory, reason: messageOf(error) },
        'The disk is full; new measurements replace the oldest waiting ones. Free some space.',
      )
    full = true
    rmSync(reserve, { force: true })
    try {
      transaction(() => dropOldest(Math.max(reserveBytes / 4, totals.bytes * dropShare), 'disk full'))
      db.exec('pragma wal_checkpoint(truncate); pragma incremental_vacuum')
    } catch (cause) {
      log.debug({ reason: messageOf(cause) }, 'No room could be made in the spool.')
    }
  }

  function makeReserve(): void {
    try {
      const { bavail, bsize } = statfsSync(directory)
      if (bavail * bsize > reserveBytes * 4) writeFileSync(reserve, Buffer.alloc(reserveBytes))
    } catch {
      // Without the reserve a full disk only costs more of the oldest batches.
    }
  }

  function append(batches: readonly Batch[]): void {
    const waiting = [...overflow, ...batches]
    try {
      try {
        healed(() => commit(waiting))
      } catch (error) {
        if (!isFull(error)) throw error
        makeRoom(error)
        commit(waiting)
      }
    } catch (error) {
      if (!isFull(error))
        throw new AppError('io', `Cannot write to the spool ${file}: ${messageOf(error)}.`, { cause: error })
      overflow = waiting.slice(-overflowBatches)
      const lost = waiting.length - overflow.length
      if (lost > 0) log.error({ lost }, 'Neither disk nor memory has room; measurements were lost.')
      return
    }
    overflow = []
    if (full) {
      full = false
      makeReserve()
      log.info({ directory }, 'The spool writes again.')
    }
  }

  function settle(stored: readonly number[], refused: readonly (readonly [number, string])[]): void {
    const remove = (seq: number) => {
      const row = sql.deleteOne.get(seq)
      if (row !== undefined) totals = { batches: totals.batches - 1, bytes: totals.bytes - Number(row['bytes']) }
      return row
    }
    transaction(() => {
      for (const seq of stored) remove(seq)
      for (const [seq, reason] of refused) {
        const time = Number(remove(seq)?.['time'] ?? Number.NaN)
        if (Number.isNaN(time)) continue
        sql.addMeta.run(1, 'refused')
        recordGap({ from_seq: seq, to_seq: seq, from: time, to: time, reason: `refused: ${reason}`.slice(0, 200) })
      }
    })
  }

  function restamp(deltaMs: number): number {
    const rows = sql.ofBoot.all(options.boot)
    transaction(() => {
      for (const row of rows) {
        const { envelope, batch } = decodeBatch(Buffer.from(row['payload'] as Uint8Array))
        const times = batch.times.map((time) => Math.max(0, time + deltaMs))
        const payload = encodeBatch(envelope, { ...batch, times })
        sql.rewrite.run(times[0] ?? 0, payload.length, payload, envelope.seq)
      }
    })
    recount()
    return rows.length
  }

  function stats(): SpoolStats {
    const oldest = sql.oldest.get()
    return {
      batches: totals.batches + overflow.length,
      bytes: totals.bytes,
      oldest: oldest === undefined ? undefined : Number(oldest['time']),
      dropped: Number(sql.meta.get('dropped')?.['value']),
      refused: Number(sql.meta.get('refused')?.['value']),
    }
  }

  function read(after: number, until: number, limit: number): Queued[] {
    return sql.read.all(after, until, limit).map((row) => ({
      seq: Number(row['seq']),
      measurement: String(row['measurement']),
      payload: Buffer.from(row['payload'] as Uint8Array),
    }))
  }

  return {
    get stream() {
      return stream
    },
    append,
    read: (after, until, limit) => healed(() => read(after, until, limit)),
    lastSeq: () => healed(lastSeq),
    settle: (stored, refused) => {
      try {
        healed(() => settle(stored, refused))
      } catch (error) {
        // The rows stay and are sent again: twice stored is once stored.
        if (!isFull(error)) throw error
        makeRoom(error)
      }
    },
    restamp: (deltaMs) => healed(() => restamp(deltaMs)),
    stats: () => healed(stats),
    gaps: () => healed(() => sql.gaps.all() as unknown as Gap[]),
    close: () => db.close(),
  }
}
