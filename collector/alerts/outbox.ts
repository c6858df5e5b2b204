/**
 * The queue of alert messages, in `state.sqlite`. A notice is on disk before `add` returns; what a channel was to be
 * told at one moment is frozen into a message, which stays the same until it is delivered, refused or given up. One
 * message of a channel at a time: they arrive in order.
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type AlertFile, openAlertFile } from './alert-file.ts'
import type { Message } from './letter.ts'
import { bounded, type Notice } from './notice.ts'

export type Queued = Message & { attempts: number; nextAt: number }

export type Outbox = {
  /**
   * Keeps what is new for its channels; durable when it returns. Throws `io` when the disk takes nothing. The answer
   * counts what had to go because a channel's queue was full: the oldest.
   */
  add: (notices: readonly Notice[], channelsOf: (notice: Notice) => readonly string[], at: number) => Added
  /** When a notice with this id came first. */
  firstSeen: (id: string) => number | undefined
  /** Notices that are in no message yet. */
  waiting: (channel: string) => { count: number; oldest: number }
  /** Those, and the ones of the message under way. */
  undelivered: (channel: string) => number
  /** The message under way, if any. */
  current: (channel: string) => Queued | undefined
  /** Makes a message of up to `maxNotices` that wait, the oldest first. */
  freeze: (channel: string, at: number) => Queued | undefined
  /** An attempt is counted before it is made: a kill within it is one as well. */
  attempt: (channel: string, at: number) => void
  attempts: (channel: string, after: number, until: number) => readonly number[]
  postpone: (channel: string, nextAt: number) => void
  /** Delivered, refused or given up: its notices are done with. */
  finish: (channel: string) => void
  /** Drops what waits for channels that are no more; how many notices. */
  keepOnly: (channels: readonly string[]) => number
  close: () => void
}

export type Added = { added: number; dropped: ReadonlyMap<string, number> }

/** Of one message: a robot shows ten of them, a webhook gets all. */
const maxNotices = 2_000
/** Of one channel, waiting. */
const maxWaiting = 5_000
/** So long an id is remembered after it was offered last. */
const rememberMs = 30 * 86_400_000
const keepAttemptsMs = 3_600_000

const tables = `create table if not exists alert_notice(seq integer primary key, id text not null unique, first_at integer not null,
    last_at integer not null, body text);
  create index if not exists alert_notice_last on alert_notice(last_at);
  create index if not exists alert_notice_body on alert_notice(seq) where body is not null;
  create table if not exists alert_queue(channel text not null, notice integer not null, frozen integer not null default 0,
    primary key(channel, notice)) without rowid;
  create index if not exists alert_queue_notice on alert_queue(notice);
  create table if not exists alert_message(channel text primary key, id text not null, at integer not null,
    attempts integer not null, next_at integer not null) without rowid;
  create table if not exists alert_attempt(channel text not null, at integer not null);
  create index if not exists alert_attempt_at on alert_attempt(channel, at)`

export function openOutbox(file: string, limits: { waiting?: number; message?: number } = {}): Outbox {
  return new FileOutbox(file, { waiting: maxWaiting, message: maxNotices, ...limits })
}

class FileOutbox implements Outbox {
  readonly #limits: { waiting: number; message: number }
  readonly #file: AlertFile
  readonly #sql: ReturnType<typeof prepare>

  constructor(file: string, limits: { waiting: number; message: number }) {
    this.#limits = limits
    this.#file = openAlertFile(file, tables)
    this.#sql = prepare(this.#file.db)
  }

  add(notices: readonly Notice[], channelsOf: (notice: Notice) => readonly string[], at: number): Added {
    return this.#file.write(() => {
      const touched = new Set<string>()
      let added = 0
      for (const notice of notices) {
        const channels = channelsOf(notice)
        if (!this.#enqueue(notice, channels, at)) continue
        added++
        for (const channel of channels) touched.add(channel)
      }
      const dropped = [...touched].map((channel): [string, number] => [channel, this.#dropOldest(channel)])
      this.#sql.tidy.run()
      this.#sql.forget.run(at - rememberMs)
      return { added, dropped: new Map(dropped.filter(([, count]) => count > 0)) }
    })
  }

  firstSeen(id: string): number | undefined {
    return this.#sql.seen.get(id)?.['first_at'] as number | undefined
  }

  waiting(channel: string): { count: number; oldest: number } {
    const row = this.#sql.waiting.get(channel) as { n: number; oldest: number | null }
    return { count: row.n, oldest: row.oldest ?? 0 }
  }

  undelivered(channel: string): number {
    return Number(this.#sql.count.get(channel)?.['n'])
  }

  current(channel: string): Queued | undefined {
    const row = this.#sql.message.get(channel) as Record<'at' | 'attempts' | 'next_at', number> | undefined
    if (row === undefined) return undefined
    const { id, at, attempts, next_at: nextAt } = row as typeof row & { id: string }
    const notices = this.#sql.frozen.all(channel).map(({ body }) => JSON.parse(String(body)) as Notice)
    return { id, at, attempts, nextAt, notices }
  }

  freeze(channel: string, at: number): Queued | undefined {
    return this.#file.write(() => {
      const { changes } = this.#sql.freeze.run(channel, channel, this.#limits.message)
      if (changes > 0) this.#sql.begin.run(channel, randomUUID(), at, at)
      return this.current(channel)
    })
  }

  attempt(channel: string, at: number): void {
    this.#file.write(() => {
      this.#sql.attempted.run(channel)
      this.#sql.attempt.run(channel, at)
      this.#sql.trim.run(at - keepAttemptsMs)
    })
  }

  attempts(channel: string, after: number, until: number): readonly number[] {
    return this.#sql.attempts.all(channel, after, until).map((row) => Number(row['at']))
  }

  postpone(channel: string, nextAt: number): void {
    this.#file.write(() => this.#sql.postpone.run(nextAt, channel))
  }

  finish(channel: string): void {
    this.#file.write(() => {
      this.#sql.unqueue.run(channel)
      this.#sql.end.run(channel)
      this.#sql.tidy.run()
    })
  }

  keepOnly(channels: readonly string[]): number {
    return this.#file.write(() => {
      const known = JSON.stringify(channels)
      const { changes } = this.#sql.abandon.run(known)
      this.#sql.abandonMessages.run(known)
      this.#sql.tidy.run()
      return Number(changes)
    })
  }

  close(): void {
    this.#file.db.close()
  }

  /** Whether it is new. */
  #enqueue(notice: Notice, channels: readonly string[], at: number): boolean {
    if (this.#sql.touch.run(at, notice.id).changes > 0) return false
    const body = channels.length === 0 ? null : JSON.stringify(bounded(notice))
    const seq = this.#sql.keep.run(notice.id, at, at, body).lastInsertRowid
    for (const channel of channels) this.#sql.queue.run(channel, seq)
    return true
  }

  #dropOldest(channel: string): number {
    const over = this.waiting(channel).count - this.#limits.waiting
    return over > 0 ? Number(this.#sql.drop.run(channel, channel, over).changes) : 0
  }
}

function prepare(db: DatabaseSync) {
  const others = 'where channel not in (select value from json_each(?))'
  const oldest = 'select notice from alert_queue where channel = ? and frozen = 0 order by notice limit ?'
  return {
    touch: db.prepare('update alert_notice set last_at = max(last_at, ?) where id = ?'),
    keep: db.prepare('insert into alert_notice(id, first_at, last_at, body) values (?, ?, ?, ?)'),
    queue: db.prepare('insert into alert_queue(channel, notice) values (?, ?)'),
    count: db.prepare('select count(*) as n from alert_queue where channel = ?'),
    waiting: db.prepare(`select count(*) as n, min(first_at) as oldest from alert_queue
      join alert_notice on seq = notice where channel = ? and frozen = 0`),
    drop: db.prepare(`delete from alert_queue where channel = ? and notice in (${oldest})`),
    // What nobody waits for any more is remembered by its id alone.
    tidy: db.prepare(`update alert_notice set body = null where body is not null
      and not exists (select 1 from alert_queue where notice = seq)`),
    forget: db.prepare('delete from alert_notice where last_at < ? and body is null'),
    seen: db.prepare('select first_at from alert_notice where id = ?'),
    message: db.prepare('select id, at, attempts, next_at from alert_message where channel = ?'),
    frozen: db.prepare(`select body from alert_queue join alert_notice on seq = notice
      where channel = ? and frozen = 1 order by notice`),
    freeze: db.prepare(`update alert_queue set frozen = 1 where channel = ? and notice in (${oldest})`),
    begin: db.prepare('insert into alert_message(channel, id, at, attempts, next_at) values (?, ?, ?, 0, ?)'),
    attempted: db.prepare('update alert_message set attempts = attempts + 1 where channel = ?'),
    attempt: db.prepare('insert into alert_attempt(channel, at) values (?, ?)'),
    trim: db.prepare('delete from alert_attempt where at < ?'),
    attempts: db.prepare('select at from alert_attempt where channel = ? and at > ? and at <= ? order by at'),
    postpone: db.prepare('update alert_message set next_at = ? where channel = ?'),
    unqueue: db.prepare('delete from alert_queue where channel = ? and frozen = 1'),
    end: db.prepare('delete from alert_message where channel = ?'),
    abandon: db.prepare(`delete from alert_queue ${others}`),
    abandonMessages: db.prepare(`delete from alert_message ${others}`),
  }
}
