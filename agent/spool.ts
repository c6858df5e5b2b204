/**
 * What was measured and is not yet stored at the centre, on disk: bounded, crash-safe, self-healing.
 * A batch is here from the commit of `append` until `settle` says that the collector has it.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Batch, encodeBatch, splitBatch } from '../core/batch.ts'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { transaction } from '../core/transaction.ts'
import { dropOldest, type Gap, recordGap, recordLost } from './spool-gaps.ts'
import { Overflow } from './spool-overflow.ts'
import { Reserve } from './spool-reserve.ts'
import { salvageInto, setAside } from './spool-salvage.ts'
import {
  freeze,
  isDamage,
  isFull,
  openSpoolFile,
  prepareStatements,
  shifted,
  type Statements,
  thaw,
} from './spool-file.ts'

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
  /** False when the disk did not let it: they stay, and are sent again. */
  settle: (stored: readonly number[], refused: readonly (readonly [seq: number, reason: string])[]) => boolean
  /** Moves the times of this process's batches by `deltaMs`: its clock was found wrong before any of them was sent. */
  restamp: (deltaMs: number) => number
  stats: () => SpoolStats
  gaps: () => Gap[]
  close: () => void
}

/** Of one commit: a full disk has room for a small one only. */
const batchesAtOnce = 100
/** Dropped at a time on a full disk: the newest measurements of some 20 minutes take its place. */
const dropBytes = 256 * 1024
/** Batches held in memory while the disk takes none; some 4 MB. */
const overflowBatches = 2_000
/** Share of the spool that is dropped at once when room is needed: one by one would cost a commit each. */
const dropShare = 0.05

export function openSpool(options: SpoolOptions): Spool {
  return new DiskSpool(options)
}

class DiskSpool implements Spool {
  readonly #options: SpoolOptions
  readonly #file: string
  readonly #reserve: Reserve
  #db!: DatabaseSync
  #sql!: Statements
  #stream = ''
  #totals = { batches: 0, bytes: 0 }
  readonly #overflow = new Overflow(overflowBatches)
  #full = false

  constructor(options: SpoolOptions) {
    this.#options = options
    this.#file = join(options.directory, 'spool.sqlite')
    this.#reserve = new Reserve(options.directory)
    mkdirSync(options.directory, { recursive: true })
    try {
      this.#open()
    } catch (cause) {
      const reason = messageOf(cause)
      throw new AppError('io', `Cannot open the spool ${this.#file}: ${reason}. Check the disk and its permissions.`, {
        cause,
      })
    }
    if (!this.#full) this.#reserve.make()
  }

  get stream(): string {
    return this.#stream
  }

  append(batches: readonly Batch[]): void {
    const { log, directory } = this.#options
    const waiting = [...this.#overflow.batches, ...batches]
    try {
      while (waiting.length > 0) {
        this.#commitMakingRoom(waiting.slice(0, batchesAtOnce))
        waiting.splice(0, batchesAtOnce)
      }
    } catch (error) {
      const facts = { directory, reason: messageOf(error) }
      if (!this.#full) log.error(facts, 'The spool cannot be written; measurements are held in memory.')
      if (this.#overflow.hold(waiting)) log.error(facts, 'Memory is full as well; the oldest measurements are lost.')
      this.#full = true
      return
    }
    if (!this.#full || !this.#reserve.make()) return
    this.#full = false
    thaw(this.#db)
    log.info({ directory }, 'The spool writes as before.')
  }

  read(after: number, until: number, limit: number): Queued[] {
    // Numbers of a damaged file mean nothing in the one that follows it.
    const rows = this.#healed(
      () => this.#sql.read.all(after, until, limit),
      () => [],
    )
    return rows.map((row) => ({
      seq: Number(row['seq']),
      measurement: String(row['measurement']),
      payload: Buffer.from(row['payload'] as Uint8Array),
    }))
  }

  lastSeq(): number {
    return this.#healed(() => Number(this.#sql.lastSeq.get()?.['seq'] ?? 0))
  }

  settle(stored: readonly number[], refused: readonly (readonly [number, string])[]): boolean {
    const work = () => this.#transaction(() => this.#remove(stored, refused))
    const nothing = () => undefined
    try {
      this.#healed(work, nothing)
      return true
    } catch (error) {
      // Deleting writes, too: the reserve is what a full disk has left for it.
      if (!isFull(error, this.#options.directory) || !this.#reserve.exists()) return false
      this.#giveUpReserve(error)
    }
    try {
      this.#healed(work, nothing)
      return true
    } catch {
      return false
    }
  }

  restamp(deltaMs: number): number {
    return this.#healed(() => {
      const payloads = this.#sql.ofBoot.all(this.#options.boot).map((row) => Buffer.from(row['payload'] as Uint8Array))
      const moved = payloads.flatMap((payload) => shifted(payload, deltaMs) ?? [])
      this.#transaction(() => {
        for (const { time, payload, seq } of moved) this.#sql.rewrite.run(time, payload.length, payload, seq)
      })
      this.#recount()
      return moved.length
    })
  }

  stats(): SpoolStats {
    return this.#healed(() => {
      const oldest = this.#sql.oldest.get()
      return {
        batches: this.#totals.batches + this.#overflow.batches.length,
        bytes: this.#totals.bytes,
        oldest: oldest === undefined ? undefined : Number(oldest['time']),
        dropped: Number(this.#sql.meta.get('dropped')?.['value']) + (this.#overflow.lost?.batches ?? 0),
        refused: Number(this.#sql.meta.get('refused')?.['value']),
      }
    })
  }

  gaps(): Gap[] {
    return this.#healed(() => this.#sql.gaps.all() as unknown as Gap[])
  }

  close(): void {
    this.#db.close()
  }

  #open(): void {
    try {
      this.#use(openSpoolFile(this.#file))
    } catch (error) {
      if (isDamage(error)) return this.#replaceDamaged(error)
      if (!isFull(error, this.#options.directory) || !this.#reserve.exists()) throw error
      this.#reserve.release()
      this.#use(openSpoolFile(this.#file))
      this.#giveUpReserve(error)
    }
  }

  #use(db: DatabaseSync): void {
    this.#db = db
    this.#sql = prepareStatements(db)
    this.#sql.insertMeta.run('stream', randomUUID())
    this.#stream = String(this.#sql.meta.get('stream')?.['value'])
    this.#recount()
  }

  #recount(): void {
    const row = this.#sql.totals.get()
    this.#totals = { batches: Number(row?.['batches']), bytes: Number(row?.['bytes']) }
  }

  /** A damaged file is kept for inspection; what can still be read of it is queued again, under a new stream. */
  #replaceDamaged(reason: unknown): void {
    const aside = setAside(this.#file, this.#options.now())
    this.#use(openSpoolFile(this.#file))
    const insert = (batch: Batch, boot: string) => this.#insert(batch, boot)
    const saved = salvageInto({ file: aside, sql: this.#sql, insert, transaction: (work) => this.#transaction(work) })
    this.#options.log.error(
      { file: aside, reason: messageOf(reason), saved },
      'The spool was damaged and set aside; what could be read of it is sent again.',
    )
  }

  /** Runs `work`; a damage met in it sets the file aside, and `again` runs on the fresh one. */
  #healed<T>(work: () => T, again: () => T = work): T {
    try {
      return work()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#db.close()
      this.#replaceDamaged(error)
      return again()
    }
  }

  #transaction(work: () => void): void {
    try {
      transaction(this.#db, work)
    } catch (error) {
      if (!isDamage(error)) this.#recount()
      throw error
    }
  }

  /** On a full disk the reserve is given up, then the oldest batches. */
  #commitMakingRoom(batches: readonly Batch[]): void {
    for (const makeRoom of [(error: unknown) => this.#giveUpReserve(error), () => this.#dropForRoom()]) {
      try {
        return this.#healed(() => this.#commit(batches))
      } catch (error) {
        if (!isFull(error, this.#options.directory)) throw error
        makeRoom(error)
      }
    }
    this.#commit(batches)
  }

  #commit(batches: readonly Batch[]): void {
    const { boot, maxBytes, log } = this.#options
    this.#transaction(() => {
      for (const batch of batches) this.#insert(batch, boot)
      recordLost(this.#sql, this.#overflow.lost)
    })
    this.#overflow.clear()
    const excess = this.#totals.bytes - maxBytes
    if (excess <= 0) return
    this.#transaction(() => this.#dropOldest(excess + maxBytes * dropShare, 'spool full'))
    log.warn({ max_bytes: maxBytes }, 'The spool is full; its oldest measurements were dropped.')
  }

  #insert(batch: Batch, boot: string): void {
    const seq = Number(this.#sql.lastSeq.get()?.['seq'] ?? 0) + 1
    let payload: Buffer
    try {
      payload = encodeBatch({ agent: this.#options.agent, stream: this.#stream, seq }, batch)
    } catch (error) {
      if (!isAppError(error, 'batch_too_large') || batch.times.length < 2) throw error
      for (const half of splitBatch(batch)) this.#insert(half, boot)
      return
    }
    this.#sql.insert.run(seq, batch.times[0] ?? this.#options.now(), payload.length, boot, batch.measurement, payload)
    this.#totals = { batches: this.#totals.batches + 1, bytes: this.#totals.bytes + payload.length }
  }

  #remove(stored: readonly number[], refused: readonly (readonly [number, string])[]): void {
    for (const seq of stored) this.#delete(seq)
    for (const [seq, reason] of refused) {
      const time = this.#delete(seq)
      if (time === undefined) continue
      this.#sql.addMeta.run(1, 'refused')
      recordGap(this.#sql, {
        from_seq: seq,
        to_seq: seq,
        from: time,
        to: time,
        reason: `refused: ${reason}`.slice(0, 200),
      })
    }
  }

  /** The time of the batch that was deleted; undefined when it was gone before. */
  #delete(seq: number): number | undefined {
    const row = this.#sql.deleteOne.get(seq)
    if (row === undefined) return undefined
    this.#totals = { batches: this.#totals.batches - 1, bytes: this.#totals.bytes - Number(row['bytes']) }
    return Number(row['time'])
  }

  /** Within a transaction. */
  #dropOldest(bytes: number, reason: string): void {
    const dropped = dropOldest(this.#sql, bytes, reason)
    this.#totals = { batches: this.#totals.batches - dropped.batches, bytes: this.#totals.bytes - dropped.bytes }
  }

  #giveUpReserve(error: unknown): void {
    const { log, directory } = this.#options
    if (!this.#full) {
      log.error(
        { directory, reason: messageOf(error) },
        'The disk is full; new measurements replace the oldest waiting ones. Free some space.',
      )
    }
    this.#full = true
    this.#reserve.release()
    freeze(this.#db)
  }

  #dropForRoom(): void {
    try {
      this.#transaction(() => this.#dropOldest(dropBytes, 'disk full'))
    } catch (cause) {
      this.#options.log.debug({ reason: messageOf(cause) }, 'No room could be made in the spool.')
    }
  }
}
