/**
 * Batches that cannot be stored as they are: quarantined ones wait for their agent to be registered, dead letters were
 * refused for good. Both bounded, in `state.sqlite`, and shown on the board, so that nobody loses data without a word.
 */
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

export type Quarantined = { agent: string; batches: number; bytes: number; since: number }
export type DeadLetter = { id: number; at: number; agent: string; topic: string; reason: string; bytes: number }

export type Holding = {
  /** Keeps a payload durably. False when there is no room: the agent then keeps it, and sends it again. */
  quarantine: (agent: string, payload: Buffer, at: number) => boolean
  quarantined: () => Quarantined[]
  /** Up to `limit` payloads of an agent, oldest first. */
  release: (agent: string, limit: number) => { id: number; payload: Buffer }[]
  released: (ids: readonly number[]) => void
  bury: (letter: { agent: string; topic: string; reason: string; payload: Buffer }, at: number) => void
  deadLetters: (limit: number) => DeadLetter[]
  close: () => void
}

/** One agent may not fill the room of all. */
const agentShare = 0.25
const maxDeadLetters = 1_000
/** Of a refused payload, what helps to see why: a bomb of 256 KiB is kept in part. */
const maxDeadBytes = 16 * 1024

export function openHolding(file: string, maxQuarantineBytes: number): Holding {
  const db = new DatabaseSync(file)
  db.exec(`pragma journal_mode=wal; pragma synchronous=full; pragma busy_timeout=2000;
    create table if not exists quarantine(id integer primary key, agent text not null, at integer not null, payload blob not null,
      digest blob not null, unique(agent, digest));
    create index if not exists quarantine_agent on quarantine(agent, id);
    create table if not exists dead(id integer primary key, at integer not null, agent text not null, topic text not null,
      reason text not null, bytes integer not null, payload blob not null)`)
  const sql = {
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
  const usage = new Map<string, number>(list().map((row) => [row.agent, row.bytes]))

  function list(): Quarantined[] {
    return sql.list.all() as unknown as Quarantined[]
  }

  return {
    quarantine: (agent, payload, at) => {
      const used = usage.get(agent) ?? 0
      const total = [...usage.values()].reduce((sum, bytes) => sum + bytes, 0)
      if (used + payload.length > maxQuarantineBytes * agentShare || total + payload.length > maxQuarantineBytes)
        return false
      // A resent batch is the same bytes: kept once.
      const { changes } = sql.keep.run(agent, at, payload, digest(payload))
      if (changes > 0) usage.set(agent, used + payload.length)
      return true
    },
    quarantined: list,
    release: (agent, limit) =>
      sql.page
        .all(agent, limit)
        .map((row) => ({ id: Number(row['id']), payload: Buffer.from(row['payload'] as Uint8Array) })),
    released: (ids) => {
      db.exec('begin')
      for (const id of ids) sql.drop.run(id)
      db.exec('commit')
      usage.clear()
      for (const row of list()) usage.set(row.agent, row.bytes)
    },
    bury: ({ agent, topic, reason, payload }, at) => {
      sql.bury.run(at, agent, topic, reason, payload.length, payload.subarray(0, maxDeadBytes))
      sql.trim.run(maxDeadLetters)
    },
    deadLetters: (limit) => sql.dead.all(limit) as unknown as DeadLetter[],
    close: () => db.close(),
  }
}

function digest(payload: Buffer): Buffer {
  return createHash('sha256').update(payload).digest()
}
