/**
 * Batches on their way to a server: what comes while requests run shares the next one. A batch that is refused is found
 * by halves, so that all others of its request are stored. While the server is down nothing waits here: callers get
 * `retry` at once, and one request after another tries whether it is back.
 */
import { setImmediate } from 'node:timers/promises'
import type { Batch } from '../../core/batch.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { WriteResult } from '../store.ts'
import type { Lines } from './lines.ts'
import { type Answer, maxRequests } from './sender.ts'

/** Lines of one request (reference/store.md §3). */
const linesPerRequest = 5000
/** Rows that wait here and not at their callers: some seconds of a busy server. */
const maxQueuedRows = 200_000
const firstPauseMs = 500
const longestPauseMs = 30_000

export type WriteQueueDeps = {
  /** As people call it: `InfluxDB at http://…`. */
  server: string
  check: (batch: Batch, now: number) => Lines
  linesOf: (batch: Batch) => string
  send: (lines: string) => Promise<Answer>
  /** Called before the first request, and again after each fault: why nothing can be written yet, or undefined. */
  prepare: () => Promise<string | undefined>
  /** When what a request stored from now on is safe. Undefined: nothing more can be taken before some of it is. */
  beginSettling: () => ((rows: number) => Promise<void>) | undefined
  log: Log
  now: () => number
}

export type WriteQueue = {
  write: (batches: readonly Batch[]) => Promise<WriteResult>
  drained: () => Promise<unknown>
  fault: () => string | undefined
  facts: () => { left_out_rows: number; refused_batches: number; queued_rows: number }
}

type Outcome = { rejected: string } | { retry: true } | { durable: Promise<void> }
type Waiting = { batch: Batch; rows: number; resolve: (outcome: Outcome) => void }

export function createWriteQueue(deps: WriteQueueDeps): WriteQueue {
  return new Queue(deps)
}

class Queue implements WriteQueue {
  readonly #deps: WriteQueueDeps
  readonly #waiting: Waiting[] = []
  readonly #begun = new Set<Promise<unknown>>()
  #queuedRows = 0
  #requests = 0
  #prepared = false
  #fault: string | undefined
  #failures = 0
  #openAt = 0
  #leftOutRows = 0
  #refusedBatches = 0

  constructor(deps: WriteQueueDeps) {
    this.#deps = deps
  }

  async write(batches: readonly Batch[]): Promise<WriteResult> {
    const time = this.#deps.now()
    const work = Promise.all(batches.map((batch) => this.#enqueue(batch, time)))
    this.#begun.add(work)
    this.#flush()
    const rejected = new Map<number, string>()
    const retry: number[] = []
    const durable = new Set<Promise<void>>()
    for (const [index, outcome] of (await work).entries()) {
      if ('rejected' in outcome) rejected.set(index, outcome.rejected)
      else if ('retry' in outcome) retry.push(index)
      else durable.add(outcome.durable)
    }
    this.#begun.delete(work)
    const all = Promise.all(durable).then(() => undefined)
    // Whether a caller looks at it is its own affair.
    all.catch(() => undefined)
    return { rejected, retry, durable: all }
  }

  drained(): Promise<unknown> {
    return Promise.all(this.#begun)
  }

  fault(): string | undefined {
    return this.#fault
  }

  facts() {
    return {
      left_out_rows: this.#leftOutRows,
      refused_batches: this.#refusedBatches,
      queued_rows: this.#queuedRows,
    }
  }

  #enqueue(batch: Batch, time: number): Promise<Outcome> {
    const checked = this.#deps.check(batch, time)
    if ('reason' in checked) return Promise.resolve({ rejected: checked.reason })
    if (this.#isPausing() || this.#queuedRows > maxQueuedRows) return Promise.resolve({ retry: true })
    this.#leftOutRows += checked.leftOut
    this.#queuedRows += checked.rows
    return new Promise((resolve) => {
      this.#waiting.push({ batch: checked.batch, rows: checked.rows, resolve })
    })
  }

  #isPausing(): boolean {
    return performance.now() < this.#openAt
  }

  #flush(): void {
    // After a fault one request tries, and the others follow when it was answered.
    const most = this.#prepared ? maxRequests : 1
    while (this.#requests < most && this.#waiting.length > 0) {
      this.#requests++
      const taken = this.#take()
      void this.#work(taken)
        .catch((error: unknown) => this.#postpone(taken, messageOf(error)))
        .finally(() => {
          this.#requests--
          this.#flush()
        })
    }
  }

  #take(): Waiting[] {
    let count = 0
    let rows = 0
    while (count < this.#waiting.length && (count === 0 || rows < linesPerRequest)) {
      rows += (this.#waiting[count++] as Waiting).rows
    }
    this.#queuedRows -= rows
    return this.#waiting.splice(0, count)
  }

  async #work(taken: readonly Waiting[]): Promise<void> {
    if (!this.#prepared) {
      const reason = await this.#deps.prepare()
      if (reason !== undefined) return this.#postpone(taken, reason)
    }
    await this.#send(taken)
  }

  async #send(taken: readonly Waiting[]): Promise<void> {
    const settle = this.#deps.beginSettling()
    if (settle === undefined) return retryAll(taken)
    const answer = await this.#deps.send(await this.#textOf(taken))
    switch (answer.kind) {
      case 'later':
        return this.#postpone(taken, answer.reason, answer.afterMs)
      case 'stored': {
        this.#recover()
        const durable = settle(taken.reduce((rows, one) => rows + one.rows, 0))
        durable.catch(() => undefined)
        for (const { resolve } of taken) resolve({ durable })
        return
      }
      case 'refused':
      case 'too_large': {
        this.#recover()
        const [first] = taken
        if (first !== undefined && taken.length === 1) return this.#reject(first, answer)
        const middle = taken.length >> 1
        await this.#send(taken.slice(0, middle))
        await this.#send(taken.slice(middle))
      }
    }
  }

  async #textOf(taken: readonly Waiting[]): Promise<string> {
    let text = ''
    let rows = 0
    for (const { batch } of taken) {
      text += this.#deps.linesOf(batch)
      rows += batch.times.length
      // The event loop gets a turn: a request takes some ten milliseconds to write out.
      if (rows > 1000) {
        await setImmediate()
        rows = 0
      }
    }
    return text
  }

  #reject({ rows, resolve }: Waiting, { kind, reason }: Exclude<Answer, { kind: 'stored' | 'later' }>): void {
    this.#refusedBatches++
    const [, dropped] = /dropped=(\d+)/.exec(reason) ?? []
    const part = kind === 'too_large' ? 'the batch' : `${dropped ?? 'some'} of ${rows} samples, the others are stored`
    resolve({ rejected: `the server refuses ${part}: ${reason}` })
  }

  #postpone(taken: readonly Waiting[], reason: string, afterMs?: number): void {
    const { log, server } = this.#deps
    if (this.#fault === undefined)
      log.error({ reason }, `${server} takes nothing; nothing is acknowledged until it does.`)
    else if (this.#fault !== reason) log.warn({ reason }, `${server} still takes nothing.`)
    this.#fault = reason
    this.#prepared = false
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++) * (0.75 + Math.random() / 2)
    this.#openAt = performance.now() + Math.max(pause, Math.min(afterMs ?? 0, longestPauseMs))
    retryAll([...taken, ...this.#waiting.splice(0)])
    this.#queuedRows = 0
  }

  #recover(): void {
    if (this.#fault !== undefined) this.#deps.log.info(`${this.#deps.server} takes batches again.`)
    this.#fault = undefined
    this.#failures = 0
    this.#prepared = true
  }
}

function retryAll(taken: readonly Waiting[]): void {
  for (const { resolve } of taken) resolve({ retry: true })
}
