/** The file beneath the spool: opening and checking it, its statements, its kinds of failure, and what a damaged one still gives. */
import { statfsSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type Batch, decodeBatch, encodeBatch } from '../core/batch.ts'

/** quick_check reads the whole file; above this size a damage is found when it is met (opening must take < 2 s). */
const checkBelowBytes = 64 * 1024 * 1024

const leastFileBytes = 4 * 1024 * 1024

const schema = `
  create table if not exists q(seq integer primary key autoincrement, time integer not null, bytes integer not null,
    boot text not null, measurement text not null, payload blob not null);
  create table if not exists gap(id integer primary key, from_seq integer, to_seq integer, from_time integer, to_time integer, reason text);
  create table if not exists meta(key text primary key, value) without rowid;
  insert or ignore into meta values ('dropped', 0), ('refused', 0);`

/** Opens or creates a spool file. Throws SQLite's error; `isDamage` tells a damaged file. */
export function openSpoolFile(file: string): DatabaseSync {
  const db = new DatabaseSync(file)
  try {
    db.exec(`pragma auto_vacuum=incremental; pragma journal_mode=wal; pragma synchronous=full; pragma journal_size_limit=4194304;
      pragma cache_size=-512; pragma busy_timeout=2000`)
    if (statSync(file).size < checkBelowBytes) {
      const [row] = db.prepare('pragma quick_check(1)').all()
      if (row?.['quick_check'] !== 'ok')
        throw Object.assign(new Error(String(row?.['quick_check'])), { errcode: damageCodes[0] })
    }
    db.exec(schema)
    claimRoom(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** The file has its least size from the beginning, so that it still holds some hours when the disk is full. */
function claimRoom(db: DatabaseSync): void {
  const { page_count: pages, page_size: size } =
    db.prepare('select * from pragma_page_count, pragma_page_size').get() ?? {}
  if (Number(pages) * Number(size) >= leastFileBytes) return
  try {
    db.exec(`create table claim(room); insert into claim values (zeroblob(${leastFileBytes}));
      pragma wal_checkpoint(truncate); drop table claim`)
  } catch (error) {
    if (primaryCode(error) !== sqliteFull) throw error
    db.exec('drop table if exists claim')
  }
}

export type Statements = ReturnType<typeof prepareStatements>
export function prepareStatements(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text)
  return {
    insert: sql('insert into q(seq, time, bytes, boot, measurement, payload) values (?, ?, ?, ?, ?, ?)'),
    // sqlite_sequence keeps the highest seq ever, also of deleted rows: none is used twice.
    lastSeq: sql("select seq from sqlite_sequence where name = 'q'"),
    read: sql('select seq, measurement, payload from q where seq > ? and seq <= ? order by seq limit ?'),
    heads: sql('select seq, time, bytes from q order by seq'),
    oldest: sql('select time from q order by seq limit 1'),
    ofBoot: sql('select payload from q where boot = ?'),
    rewrite: sql('update q set time = ?, bytes = ?, payload = ? where seq = ?'),
    deleteOne: sql('delete from q where seq = ? returning time, bytes'),
    deleteUpTo: sql('delete from q where seq <= ?'),
    meta: sql('select value from meta where key = ?'),
    insertMeta: sql('insert or ignore into meta values (?, ?)'),
    addMeta: sql('update meta set value = value + ? where key = ?'),
    totals: sql('select count(*) as batches, coalesce(sum(bytes), 0) as bytes from q'),
    gaps: sql('select from_seq, to_seq, from_time as "from", to_time as "to", reason from gap order by id'),
    lastGap: sql('select id, to_seq, from_time, to_time, reason from gap order by id desc limit 1'),
    insertGap: sql('insert into gap(from_seq, to_seq, from_time, to_time, reason) values (?, ?, ?, ?, ?)'),
    widenGap: sql('update gap set to_seq = ?, from_time = ?, to_time = ? where id = ?'),
    trimGaps: sql('delete from gap where id <= (select max(id) from gap) - 16'),
  }
}

// SQLite result codes. A full disk surfaces as FULL, or as IOERR where a file could not grow.
const damageCodes = [11, 26]
const sqliteFull = 13
const sqliteIoError = 10
const leastFreeBytes = 1024 * 1024
/** SQLite's own limit (https://sqlite.org/limits.html). */
const maxPages = 4_294_967_294

function primaryCode(error: unknown): number {
  return Number((error as { errcode?: number }).errcode ?? 0) & 0xff
}
export function isDamage(error: unknown): boolean {
  return damageCodes.includes(primaryCode(error))
}
/** Whether the disk is full. A read error of a bad sector is not: dropping measurements would not mend it. */
export function isFull(error: unknown, directory: string): boolean {
  const code = primaryCode(error)
  if (code === sqliteFull) return true
  if (code !== sqliteIoError) return false
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize < leastFreeBytes
}

/**
 * For a full disk: the file shall not grow any more, so that SQLite says so before it writes. A page that only the
 * write-ahead log has room for could never be folded into the file, and nothing could be deleted from then on.
 */
export function freeze(db: DatabaseSync): void {
  try {
    db.exec('pragma wal_checkpoint(restart)')
  } catch {
    // Not even that has room; what follows says so.
  }
  db.exec(`pragma max_page_count=${Number(db.prepare('pragma page_count').get()?.['page_count'])}`)
}

export function thaw(db: DatabaseSync): void {
  db.exec(`pragma max_page_count=${maxPages}`)
}

/**
 * A payload whose samples are moved by `deltaMs`. Undefined for one that the disk has changed: that is found out when it
 * is sent (agent/outbox.ts).
 */
export function shifted(old: Buffer, deltaMs: number): { time: number; payload: Buffer; seq: number } | undefined {
  try {
    const { envelope, batch } = decodeBatch(old)
    const times = batch.times.map((time) => Math.max(0, time + deltaMs))
    return { time: times[0] ?? 0, payload: encodeBatch(envelope, { ...batch, times }), seq: envelope.seq }
  } catch {
    return undefined
  }
}

export type Salvaged = { way: 'forward' | 'backward'; seq: number; time: number; boot: string; batch: Batch }

/**
 * Batches that can still be read from a damaged file: forward to the first damaged page, then backward to it from the
 * end. `dropped` and `refused` are its counters as far as they can be read.
 */
export function* salvageBatches(file: string): Generator<Salvaged> {
  let last = 0
  for (const batch of readUntilDamage(file, 'forward', 0)) {
    last = batch.seq
    yield batch
  }
  yield* readUntilDamage(file, 'backward', last)
}

/** Rows above `after`, upward or downward; ends quietly at the first that cannot be read. */
function* readUntilDamage(file: string, way: Salvaged['way'], after: number): Generator<Salvaged> {
  let damaged: DatabaseSync | undefined
  try {
    const order = way === 'forward' ? 'asc' : 'desc'
    damaged = new DatabaseSync(file, { readOnly: true })
    // Without it SQLite reads nothing of a file that is shorter than its header says.
    damaged.enableDefensive(false)
    damaged.exec('pragma writable_schema = on')
    const rows = damaged.prepare(`select seq, time, boot, payload from q where seq > ? order by seq ${order}`)
    for (const row of rows.iterate(after)) {
      const batch = readable(Buffer.from(row['payload'] as Uint8Array))
      if (batch !== undefined)
        yield { way, seq: Number(row['seq']), time: Number(row['time']), boot: String(row['boot']), batch }
    }
  } catch {
    // Whatever lies behind the damage is in the file that was set aside, and nowhere else.
  } finally {
    damaged?.close()
  }
}

function readable(payload: Buffer): Batch | undefined {
  try {
    return decodeBatch(payload).batch
  } catch {
    return undefined
  }
}

/** The counters of a damaged file, 0 where they cannot be read. */
export function salvageCounters(file: string): { dropped: number; refused: number } {
  let damaged: DatabaseSync | undefined
  try {
    damaged = new DatabaseSync(file, { readOnly: true })
    const meta = damaged.prepare('select value from meta where key = ?')
    return {
      dropped: Number(meta.get('dropped')?.['value'] ?? 0),
      refused: Number(meta.get('refused')?.['value'] ?? 0),
    }
  } catch {
    return { dropped: 0, refused: 0 }
  } finally {
    damaged?.close()
  }
}
