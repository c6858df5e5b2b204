/**
 * Batches that cannot be stored as they are: quarantined ones wait for their agent to be registered, dead letters were
 * refused for good. Both bounded, in `state.sqlite`, and shown on the board, so that nobody loses data without a word.
 */
import { createHash } from 'node:crypto'
import { existsSync, renameSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { transaction } from '../core/transaction.ts'
import { isCorrupt } from '../store/sqlite/faults.ts'
import type { Health } from '../store/store.ts'

export type Quarantined = { agent: string; batches: number; bytes: number; since: number }
export type DeadLetter = { id: number; at: number; agent: string; topic: string; reason: string; bytes: number }

export type Holding = {
  /** Keeps a payload durably. False when there is no room, or the disk takes nothing: the agent then keeps it, and sends it again. */
  quarantine: (agent: string, payload: Buffer, at: number) => boolean
  quarantined: () => Quarantined[]
  /** Up to `limit` payloads of an agent, oldest first. */
  release: (agent: string, limit: number) => { id: number; payload: Buffer }[]
  /** Throws `io` when they could not be taken off; they are then still there. */
  released: (ids: readonly number[]) => void
  /** Never throws: what cannot be kept is counted. */
  bury: (letter: { agent: string; topic: string; reason: string; payload: Buffer }, at: number) => void
  deadLetters: (limit: number) => DeadLetter[]
  health: () => Health
  close: () => void
}

/** One agent may not fill the room of all. */
const agentShare = 0.25
const maxDeadLetters = 1_000
/** Of a refused payload, what helps to see why: a bomb of 256 KiB is kept in part. */
const maxDeadBytes = 16 * 1024

/** Each is a commit to disk: a flood of nonsense must not stop everything else. The others are only counted. */
const maxBurialsPerSecond = 50

const schema = `pragma journal_mode=wal; pragma synchronous=full; pragma busy_timeout=500;
  create table if not exists quarantine(id integer primary key, agent text not null, at integer not null, payload blob not null,
    digest blob not null, unique(agent, digest));
  create index if not exists quarantine_agent on quarantine(agent, id);
  create table if not exists dead(id integer primary key, at integer not null, agent text not null, topic text not null,
    reason text not null, bytes integer not null, payload blob not null)`

/** A damaged file is set aside, loudly, and a fresh one begun: agents that wait are worth more than what it held. */
export function openHolding(file: string, maxQuarantineBytes: number, log: Log): Holding {
  const db = openState(file, log)
  const sql = prepare(db)
  const list = () => sql.list.all() as unknown as Quarantined[]
  const usage = new Map<string, number>(list().map((row) => [row.agent, row.bytes]))
  const fault = createFault(file, log)
  const mayBury = perSecond(maxBurialsPerSecond)
  let unkept = 0

  const keep = (agent: string, payload: Buffer, at: number): boolean => {
    const used = usage.get(agent) ?? 0
    const total = [...usage.values()].reduce((sum, bytes) => sum + bytes, 0)
    if (used + payload.length > maxQuarantineBytes * agentShare || total + payload.length > maxQuarantineBytes)
      return false
    return fault.watch(() => {
      // A resent batch is the same bytes: kept once.
      const { changes } = sql.keep.run(agent, at, payload, digest(payload))
      if (changes > 0) usage.set(agent, used + payload.length)
    })
  }

  const drop = (ids: readonly number[]) => {
    transaction(db, () => {
      for (const id of ids) sql.drop.run(id)
    })
  }

  return {
    quarantine: keep,
    quarantined: list,
    release: (agent, limit) =>
      sql.page
        .all(agent, limit)
        .map((row) => ({ id: Number(row['id']), payload: Buffer.from(row['payload'] as Uint8Array) })),
    released: (ids) => {
      if (!fault.watch(() => drop(ids))) throw new AppError('io', `${file} cannot be written: ${fault.reason()}`)
      usage.clear()
      for (const row of list()) usage.set(row.agent, row.bytes)
    },
    bury: ({ agent, topic, reason, payload }, at) => {
      const buried =
        mayBury(at) &&
        fault.watch(() => {
          sql.bury.run(at, agent, topic, reason, payload.length, payload.subarray(0, maxDeadBytes))
          sql.trim.run(maxDeadLetters)
        })
      if (!buried) unkept++
    },
    deadLetters: (limit) => sql.dead.all(limit) as unknown as DeadLetter[],
    health: () => ({
      ok: fault.reason() === undefined,
      problems: fault.reason() === undefined ? [] : [fault.sentence()],
      facts: { dead_letters_not_kept: unkept },
    }),
    close: () => db.close(),
  }
}

function prepare(db: DatabaseSync) {
  return {
    keep: db.prepare('insert or ignore into quarantine(agent, at, payload, digest) values (?, ?, ?, ?)'),
    list: db.prepare(
      'select agent, count(*) as batches, sum(length(payload)) as bytes, min(at) as since from quarantine group by agent',
    ),
    page: db.prepare('select id, payload from quarantine where agent = ? order by id limit ?'),
    drop: db.prepare('delete from quarantine where id = ?'),
    bury: db.prepare('insert into dead(at, agent, topic, reason, bytes, payload) values (?, ?, ?, ?, ?, ?)'),
    trim: db.prepare('delete from dead where id <= (select max(id) from dead) - ?'),
    dead: db.prepare('select id, at, agent, topic, reason, bytes from dead order by id desc limit ?'),
  }
}

function openState(file: string, log: Log): DatabaseSync {
  try {
    return openSound(file)
  } catch (error) {
    if (!isCorrupt(error) && !(error instanceof Damage)) throw openError(file, error)
    const aside = `${file}.corrupt-${Date.now()}`
    for (const suffix of ['', '-wal', '-shm'])
      if (existsSync(file + suffix)) renameSync(file + suffix, `${aside}${suffix}`)
    log.error(
      { file: aside, reason: messageOf(error) },
      `${file} was damaged: it is set aside as ${aside}, with the quarantine and the dead letters in it, and a fresh one begun. Look for a failing disk.`,
    )
    try {
      return openSound(file)
    } catch (again) {
      throw openError(file, again)
    }
  }
}

class Damage extends Error {}

function openSound(file: string): DatabaseSync {
  const db = new DatabaseSync(file)
  try {
    db.exec(schema)
    const said = db.prepare('pragma quick_check(1)').get()?.['quick_check']
    if (said !== 'ok') throw new Damage(String(said))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function openError(file: string, cause: unknown): AppError {
  return new AppError(
    'io',
    `${file} cannot be opened: ${messageOf(cause)}. It must be a file that this user may write, on a disk with room.`,
    { cause, file },
  )
}

/** Whether the file takes what is written; said when that changes, not each time. */
function createFault(file: string, log: Log) {
  let reason: string | undefined
  const sentence = () =>
    `${file} cannot be written: ${String(reason)}. Batches of unregistered agents wait there; free space on its disk.`
  return {
    reason: () => reason,
    sentence,
    /** Runs `work`; whether it went well. */
    watch: (work: () => void): boolean => {
      try {
        work()
        if (reason !== undefined) log.info({ file }, `${file} can be written again.`)
        reason = undefined
        return true
      } catch (error) {
        const known = reason !== undefined
        reason = messageOf(error)
        if (!known) log.error({ file, reason }, sentence())
        return false
      }
    },
  }
}

/** Whether one more may be done in the second of `at`. */
function perSecond(max: number): (at: number) => boolean {
  let second = 0
  let count = 0
  return (at) => {
    const now = Math.floor(at / 1_000)
    if (now !== second) count = 0
    second = now
    return ++count <= max
  }
}

function digest(payload: Buffer): Buffer {
  return createHash('sha256').update(payload).digest()
}
