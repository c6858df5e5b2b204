/**
 * Which batch goes when. In flight are the newest and the oldest side by side, so that live data is never hours late
 * behind a backlog; what is not acknowledged is sent again with growing pauses.
 */
import { decodeBatch } from '../core/batch.ts'
import type { Log } from '../core/log.ts'
import type { Queued, Spool } from './spool.ts'

export type OutboxDeps = {
  spool: Spool
  /** The spool began a new stream: it was damaged, and what could be saved of it has new numbers. */
  onNewStream: () => void
  /** Hands a batch to the broker. Its fate is told by acknowledgements only. */
  send: (batch: Queued) => void
  /** Monotonic, ms. */
  monotonic: () => number
  log: Log
}

/** In flight at most: of what came since the start of the session, and of what waited before it. */
const liveWindow = 4
const backfillWindow = 12
/** Beside them, what a collector took over whose store takes its time to be durable: half a minute of a fast backfill. */
const acceptedWindow = 2_000
const firstResendMs = 60_000
const longestResendMs = 300_000
/** Unanswered this often, a batch is read back: one that the disk damaged would be resent for ever. */
const suspectAttempts = 3
/** A live window that does not move for this long has become a backlog itself. */
const liveStallMs = 60_000

type Flight = { live: boolean; attempts: number; dueAt: number; accepted: boolean }

export class Outbox {
  readonly #deps: OutboxDeps
  readonly #flights = new Map<number, Flight>()
  /** Sent up to here: `live` above `divide`, `backfill` below it. */
  #cursors = { live: 0, backfill: 0, divide: 0, liveMovedAt: 0 }
  #stream = ''
  #open = false
  #unanswered = false

  constructor(deps: OutboxDeps) {
    this.#deps = deps
  }

  get open(): boolean {
    return this.#open
  }

  /** A session begins, or the collector began anew: everything unacknowledged is sent again, oldest first. */
  restart(): void {
    this.#flights.clear()
    this.#stream = this.#deps.spool.stream
    const divide = this.#deps.spool.lastSeq()
    this.#cursors = { live: divide, backfill: 0, divide, liveMovedAt: this.#deps.monotonic() }
    this.#open = true
    this.pump()
  }

  /** The session is over: nothing is sent until `restart`. */
  close(): void {
    this.#open = false
  }

  /** Fills the windows. Called when there is something new, or room. */
  pump(): void {
    if (!this.#open || this.#beganAnew()) return
    const inFlight = { live: 0, backfill: 0, accepted: 0 }
    for (const { live, accepted } of this.#flights.values()) {
      inFlight[accepted ? 'accepted' : live ? 'live' : 'backfill']++
    }
    if (inFlight.accepted >= acceptedWindow) return
    const { spool, monotonic } = this.#deps
    for (const queued of spool.read(
      this.#cursors.live,
      Number.MAX_SAFE_INTEGER,
      Math.max(0, liveWindow - inFlight.live),
    )) {
      this.#cursors.live = queued.seq
      this.#cursors.liveMovedAt = monotonic()
      this.#launch(queued, { live: true, attempts: 0 })
    }
    const { backfill, divide } = this.#cursors
    for (const queued of spool.read(backfill, divide, Math.max(0, backfillWindow - inFlight.backfill))) {
      this.#cursors.backfill = queued.seq
      if (!this.#flights.has(queued.seq)) this.#launch(queued, { live: false, attempts: 0 })
    }
  }

  #beganAnew(): boolean {
    if (this.#deps.spool.stream === this.#stream) return false
    this.#deps.onNewStream()
    this.restart()
    return true
  }

  /** The collector has spoken of these. */
  answered(seqs: readonly number[]): void {
    for (const seq of seqs) this.#flights.delete(seq)
    if (this.#unanswered && seqs.length > 0) this.#deps.log.info('A collector acknowledges batches again.')
    if (seqs.length > 0) this.#unanswered = false
    this.pump()
  }

  /** The collector has these and cannot yet promise to keep them: they are sent again like all others if it never does. */
  accepted(seqs: readonly number[]): void {
    for (const seq of seqs) {
      const flight = this.#flights.get(seq)
      if (flight !== undefined) flight.accepted = true
    }
    this.pump()
  }

  /** Resends what is due, and turns a live queue that nobody takes into backlog. Called about once a second. */
  tick(): void {
    if (!this.#open || this.#beganAnew()) return
    const now = this.#deps.monotonic()
    for (const [seq, flight] of this.#flights) if (flight.dueAt <= now) this.#resend(seq, flight)
    const newest = this.#deps.spool.lastSeq()
    if (now - this.#cursors.liveMovedAt > liveStallMs && newest > this.#cursors.live) {
      this.#cursors = { ...this.#cursors, live: newest, divide: newest, liveMovedAt: now }
      // What is stuck gives its place to what comes next.
      for (const flight of this.#flights.values()) flight.live = false
    }
    this.pump()
  }

  #launch(queued: Queued, { live, attempts }: Pick<Flight, 'live' | 'attempts'>): void {
    const pause = Math.min(longestResendMs, firstResendMs * 2 ** attempts) * (0.9 + Math.random() * 0.2)
    const dueAt = this.#deps.monotonic() + pause
    this.#flights.set(queued.seq, { live, attempts: attempts + 1, dueAt, accepted: false })
    this.#deps.send(queued)
  }

  #resend(seq: number, flight: Flight): void {
    const { spool, log } = this.#deps
    if (!this.#unanswered)
      log.warn({ seq }, 'The broker takes batches, but no collector acknowledges them; they are kept and sent again.')
    this.#unanswered = true
    const [queued] = spool.read(seq - 1, seq, 1)
    if (queued === undefined) {
      this.#flights.delete(seq)
    } else if (flight.attempts >= suspectAttempts && !isReadable(queued)) {
      this.#flights.delete(seq)
      spool.settle([], [[seq, 'damaged on the disk of the agent']])
    } else {
      this.#launch(queued, flight)
    }
  }
}

function isReadable({ seq, payload }: Queued): boolean {
  try {
    return decodeBatch(payload).envelope.seq === seq
  } catch {
    return false
  }
}
