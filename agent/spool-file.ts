/** The file beneath the spool: opening and checking it, its statements, its kinds of failure, and what a damaged one still gives. */
import { statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type Batch, decodeBatch } from '../core/batch.ts'

/** quick_check reads the whole file; above this size a damage is found when it is met (opening must take < 2 s). */
const checkBelowBytes = 64 * 1024 * 1024

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
    return db
  } catch (error) {
    db.close()
    throw error
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

// SQLite result codes: CORRUPT and NOTADB; FULL and IOERR (ENOSPC surfaces as either).
const damageCodes = [11, 26]
const fullCodes = [13, 10]

function primaryCode(error: unknown): number {
  return Number((error as { errcode?: number }).errcode ?? 0) & 0xff
}
export function isDamage(error: unknown): boolean {
  return damageCodes.includes(primaryCode(error))
}
export function isFull(error: unknown): boolean {
  return fullCodes.includes(primaryCode(error))
}

/** Batches that can still be read from a damaged file, in their order; ends quietly at the first damaged page. */
export function* salvageBatches(file: string): Generator<{ boot: string; batch: Batch }> {
  let damaged: DatabaseSync | undefined
  try {
    damaged = new DatabaseSync(file, { readOnly: true })
    for (const row of damaged.prepare('select boot, payload from q order by seq').iterate()) {
      yield { boot: String(row['boot']), batch: decodeBatch(Buffer.from(row['payload'] as Uint8Array)).batch }
    }
  } catch {
    // Whatever lies behind the damage is in the file that was set aside, and nowhere else.
  } finally {
    damaged?.close()
  }
}
