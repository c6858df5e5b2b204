/**
 * What must outlive a restart, in `state.sqlite`: states, notices on their way to the queue, history, maintenance. States and
 * the notices that follow from them are one transaction: a kill between two looks neither loses one nor says it twice.
 */
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../../../core/errors.ts'
import { openAlertFile } from '../alert-file.ts'
import type { Notice } from '../notice.ts'
import type { AlertState, Evaluation, States } from './evaluate.ts'
import type { Maintenance } from './hiding.ts'

export type Book = {
  states: () => Map<string, AlertState>
  /** Durable when it returns. Throws `io` when the disk takes nothing. */
  save: (before: States, evaluation: Evaluation) => void
  /** Notices that the queue has not confirmed. */
  unsent: () => Notice[]
  sent: (notices: readonly Notice[]) => void
  /** Alerts that rang, ended ones too, the newest first. */
  history: (limit: number) => AlertState[]
  maintenance: () => Maintenance[]
  maintain: (window: Omit<Maintenance, 'id'>, time: number) => Maintenance
  /** Whether there was such a window. */
  endMaintenance: (id: string) => boolean
  close: () => void
}

const tables = `create table if not exists alert_state(key text primary key, body text not null) without rowid;
  create table if not exists alert_unsent(seq integer primary key, id text not null unique, body text not null);
  create table if not exists alert_history(id text primary key, starts_at integer not null, body text not null) without rowid;
  create index if not exists alert_history_start on alert_history(starts_at);
  create table if not exists alert_maintenance(id text primary key, ends_at integer not null, body text not null) without rowid`

/** As long as verdicts are kept. */
const keepHistoryMs = 3 * 365 * 86_400_000
const keepMaintenanceMs = 30 * 86_400_000

export function openBook(file: string): Book {
  const { db, write } = openAlertFile(file, tables)
  const sql = {
    states: db.prepare('select key, body from alert_state'),
    put: db.prepare('insert or replace into alert_state(key, body) values (?, ?)'),
    drop: db.prepare('delete from alert_state where key = ?'),
    unsent: db.prepare('select body from alert_unsent order by seq'),
    queue: db.prepare('insert or ignore into alert_unsent(id, body) values (?, ?)'),
    sent: db.prepare('delete from alert_unsent where id = ?'),
    note: db.prepare('insert or replace into alert_history(id, starts_at, body) values (?, ?, ?)'),
    history: db.prepare('select body from alert_history order by starts_at desc limit ?'),
    forget: db.prepare('delete from alert_history where starts_at < ?'),
    windows: db.prepare('select body from alert_maintenance order by ends_at'),
    maintain: db.prepare('insert into alert_maintenance(id, ends_at, body) values (?, ?, ?)'),
    over: db.prepare('delete from alert_maintenance where ends_at < ?'),
    end: db.prepare('delete from alert_maintenance where id = ?'),
  }
  const bodies = <T>(rows: Record<string, unknown>[]) => rows.map(({ body }) => JSON.parse(String(body)) as T)

  return {
    states: () => new Map(bodies<AlertState>(sql.states.all()).map((state) => [state.key, state])),
    save: (before, { states, notices, changed }) =>
      write(() => {
        for (const [key, state] of states) if (before.get(key) !== state) sql.put.run(key, JSON.stringify(state))
        for (const key of before.keys()) if (!states.has(key)) sql.drop.run(key)
        for (const notice of notices) sql.queue.run(notice.id, JSON.stringify(notice))
        for (const state of changed) sql.note.run(state.id, state.startsAt, JSON.stringify(state))
        const newest = changed.at(-1)?.at
        if (newest !== undefined) sql.forget.run(newest - keepHistoryMs)
      }),
    unsent: () => bodies(sql.unsent.all()),
    sent: (notices) =>
      write(() => {
        for (const { id } of notices) sql.sent.run(id)
      }),
    history: (limit) => bodies(sql.history.all(limit)),
    maintenance: () => bodies(sql.windows.all()),
    maintain: (window, time) =>
      write(() => {
        const made = { id: randomUUID(), ...window }
        sql.over.run(time - keepMaintenanceMs)
        sql.maintain.run(made.id, made.to, JSON.stringify(made))
        return made
      }),
    endMaintenance: (id) => write(() => sql.end.run(id).changes > 0),
    close: () => db.close(),
  }
}

/** SQLITE_BUSY: another connection holds the file. */
const busyCode = 5

/** One judge of a district on this machine: an exclusive transaction, which ends with its process however that dies. */
export function takeJudgeLock(file: string, district: string): { release: () => void } {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    db.exec('begin exclusive')
    const held = db
    return { release: () => held.close() }
  } catch (cause) {
    db?.close()
    if ((cause as { errcode?: number }).errcode !== busyCode) {
      const broken = `${file} cannot be locked for the judge: ${messageOf(cause)}; `
      const cure =
        'see that its folder is there and can be written, or, if the file is damaged, delete it: it holds nothing'
      throw new AppError('io', broken + cure, { cause, file, district })
    }
    const message =
      `District ${district} has a judge already: another collector holds ${file}. ` +
      'Set judge.enabled: false for this one, or stop the other.'
    throw new AppError('config_invalid', message, { cause, file, district })
  }
}
