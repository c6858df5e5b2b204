/**
 * Broker → check → registry → store → acknowledgement. Decoding and checking happen as a message arrives; what passed
 * is written in groups, and only what the store calls durable is acknowledged to the agent.
 */
import { type Batch, decodeBatch, type Envelope, peekEnvelope } from '../core/batch.ts'
import type { Message } from '../core/connection.ts'
import { AppError, type ErrorCode, isAppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Ack } from '../core/status.ts'
import { parseTopic } from '../core/topics.ts'
import type { Store, WriteResult } from '../store/store.ts'
import { placeBatch } from './enrich.ts'
import type { Fleet } from './fleet.ts'
import type { Holding } from './holding.ts'
import type { Live } from './live.ts'
import type { IngestMetrics } from './metrics.ts'
import type { Registry } from './registry.ts'

export type IngestOptions = {
  store: Store
  registry: () => Registry
  fleet: Fleet
  holding: Holding
  live: Live
  metrics: IngestMetrics
  log: Log
  now: () => number
  /** Sends an acknowledgement to an agent; a lost one costs a resend. */
  acknowledge: (agent: string, ack: Ack) => void
}

export type Ingest = {
  /** Takes a message of a batch topic. Never throws. */
  accept: (message: Message) => void
  /** Stores what the quarantine holds of agents that are registered by now. */
  releaseQuarantine: () => Promise<void>
  /** Writes what is pending and stops. */
  stop: () => Promise<void>
}

/** One commit for all that arrives within it: 15 ms keeps a live page live, and 200 batches a window 13,000 a second. */
const flushAfterMs = 15
/** Batches of one write. */
const flushBatches = 500
/** Held in memory while the store stalls; past it a message is dropped unacknowledged, and its agent sends it again. */
const maxPending = 4_000
/** Between two tries at a store that takes nothing. */
const retryAfterMs = 1_000

/** A store that takes longer to be durable settles for some time: then agents hear that they may send more. */
const tellAcceptedAfterMs = 500

/** What no time can cure: the agent is told to give it up. */
const refusals: ReadonlySet<ErrorCode> = new Set(['batch_invalid', 'batch_too_large', 'identity_mismatch'])
/** Payloads of the quarantine that are under way at once. */
const releasePage = 100

type Pending = {
  envelope: Envelope
  /** The batch with its place, cut where the registry changes. */
  parts: Batch[]
  topic: string
  payload: Buffer
  /** Undefined for what comes from the quarantine. */
  message: Message | undefined
  onSettled?: (done: boolean) => void
}
type Part = { entry: Pending; batch: Batch }
type FullAck = Required<Omit<Ack, 're' | 'accepted'>>

export function createIngest(options: IngestOptions): Ingest {
  return new StoreIngest(options)
}

class StoreIngest implements Ingest {
  readonly #options: IngestOptions
  #pending: Pending[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #releasing: Promise<void> | undefined
  #stalled = false
  /** Why the last batch was put off; a repeated reason is not logged again. */
  #postponed = ''
  /** Whether the store lost batches last; said once. */
  #losing = false
  #stopped = false

  constructor(options: IngestOptions) {
    this.#options = options
  }

  accept(message: Message): void {
    const topic = parseTopic(message.topic)
    if (topic?.kind !== 'batch' || this.#stopped) return message.acknowledge()
    const { metrics, fleet, registry, now } = this.#options
    metrics.received(message.payload.length)
    fleet.heard(topic.agent, now())
    if (this.#pending.length >= maxPending) {
      metrics.dropped()
      // Its agent has it and sends it again; unacknowledged it would hold a place in the broker's window for ever.
      return message.acknowledge()
    }
    let envelope: Pick<Envelope, 'stream' | 'seq'> | undefined
    try {
      const decoded = decodeBatch(message.payload)
      envelope = decoded.envelope
      const claimed = decoded.envelope.agent
      if (claimed !== topic.agent)
        throw new AppError('identity_mismatch', `the payload claims to be of agent ${claimed}`)
      if (decoded.badValues > 0 || decoded.ignored.length > 0)
        metrics.cleaned(decoded.badValues, decoded.ignored.length)
      const parts = placeBatch(registry(), topic.agent, decoded.batch, now())
      if (parts === undefined) this.#quarantine(decoded.envelope, message)
      else this.#enqueue({ envelope: decoded.envelope, parts, topic: message.topic, payload: message.payload, message })
    } catch (error) {
      if (isAppError(error) && refusals.has(error.code)) {
        this.#refuse(topic.agent, envelope ?? peekEnvelope(message.payload), message, messageOf(error))
      } else {
        this.#postpone(topic.agent, message, error)
      }
    }
  }

  releaseQuarantine(): Promise<void> {
    // One at a time: two would store the same page twice for nothing.
    this.#releasing ??= this.#releaseAll()
      .catch((error: unknown) =>
        this.#options.log.error({ reason: messageOf(error) }, 'Not all of the quarantine could be released.'),
      )
      .finally(() => {
        this.#releasing = undefined
      })
    return this.#releasing
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#writing
    if (this.#pending.length > 0 && !this.#stalled) await this.#write(this.#pending)
    for (const entry of this.#pending) entry.onSettled?.(false)
    await this.#releasing
  }

  #quarantine({ agent, stream, seq }: Envelope, message: Message): void {
    const { holding, metrics, acknowledge, now } = this.#options
    const kept = holding.quarantine(agent, message.payload, now())
    metrics.quarantined(kept)
    message.acknowledge()
    if (kept) acknowledge(agent, { v: 1, stream, stored: [seq], refused: [], now: now() })
  }

  #refuse(agent: string, name: Pick<Envelope, 'stream' | 'seq'> | undefined, message: Message, reason: string): void {
    const { holding, metrics, acknowledge, log, now } = this.#options
    metrics.refused()
    log.debug({ agent, reason }, 'A batch was refused.')
    holding.bury({ agent, topic: message.topic, reason, payload: message.payload }, now())
    message.acknowledge()
    if (name === undefined) return
    acknowledge(agent, {
      v: 1,
      stream: name.stream,
      stored: [],
      refused: [[name.seq, reason.slice(0, 300)]],
      now: now(),
    })
  }

  /** Neither stored nor refused: what time or a person can cure is sent again by its agent, which also hears our time. */
  #postpone(agent: string, message: Message, error: unknown): void {
    const { metrics, acknowledge, log, now } = this.#options
    metrics.dropped()
    message.acknowledge()
    acknowledge(agent, { v: 1, stored: [], refused: [], now: now() })
    const reason = messageOf(error)
    if (reason !== this.#postponed)
      log.warn({ agent, reason }, 'A batch cannot be taken now; its agent sends it again.')
    this.#postponed = reason
  }

  #enqueue(entry: Pending): void {
    this.#pending.push(entry)
    if (this.#pending.length >= flushBatches) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), flushAfterMs)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing !== undefined || this.#pending.length === 0) return
    this.#writing = this.#write(this.#pending.slice(0, flushBatches)).then((pauseMs) => {
      this.#writing = undefined
      if (this.#pending.length > 0 && !this.#stopped) this.#timer ??= setTimeout(() => this.#flush(), pauseMs)
    })
  }

  /** Writes and settles; what must be retried stays at the head of the queue. Resolves to the pause before the next write. */
  async #write(work: Pending[]): Promise<number> {
    const parts = work.flatMap((entry) => entry.parts.map((batch) => ({ entry, batch })))
    try {
      const result = await this.#options.store.write(parts.map(({ batch }) => batch))
      const retry = new Set(result.retry.map((index) => parts[index]?.entry))
      this.#pending = [...work.filter((entry) => retry.has(entry)), ...this.#pending.slice(work.length)]
      this.#accepted(
        work.filter((entry) => !retry.has(entry)),
        parts,
        result,
      )
      this.#sayStalled(retry.size > 0 ? 'it asks to be tried again' : undefined)
      return retry.size > 0 ? retryAfterMs : 0
    } catch (error) {
      this.#sayStalled(messageOf(error))
      return retryAfterMs
    }
  }

  /** Accepted frees the broker's window at once; the agents are told when it is durable. */
  #accepted(entries: Pending[], parts: Part[], { rejected, durable }: WriteResult): void {
    for (const { message } of entries) message?.acknowledge()
    const reasons = new Map([...rejected].map(([index, reason]) => [parts[index]?.entry, reason]))
    const slow = setTimeout(() => this.#tellAccepted(entries), tellAcceptedAfterMs).unref()
    durable.then(
      () => {
        clearTimeout(slow)
        this.#losing = false
        this.#settle(entries, parts, reasons)
      },
      (error: unknown) => {
        clearTimeout(slow)
        this.#lost(entries, messageOf(error))
      },
    )
  }

  #tellAccepted(entries: readonly Pending[]): void {
    if (this.#stopped) return
    const { acknowledge, now } = this.#options
    const sent = entries.filter(({ onSettled }) => onSettled === undefined).map(({ envelope }) => envelope)
    for (const own of Map.groupBy(sent, ({ agent, stream }) => `${agent} ${stream}`).values()) {
      const { agent, stream } = own[0] as Envelope
      acknowledge(agent, { v: 1, stream, stored: [], refused: [], accepted: own.map(({ seq }) => seq), now: now() })
    }
  }

  /**
   * Not acknowledged, so nothing is lost: the quarantine keeps its own, and agents would send theirs again in a minute.
   * What is still in memory is written again at once.
   */
  #lost(entries: readonly Pending[], reason: string): void {
    const { log, metrics } = this.#options
    if (!this.#losing)
      log.warn({ batches: entries.length, reason }, 'The store may have lost batches; they come again.')
    this.#losing = true
    const own = entries.filter(({ onSettled }) => onSettled === undefined)
    for (const { onSettled } of entries) onSettled?.(false)
    const room = this.#stopped ? 0 : Math.max(0, maxPending - this.#pending.length)
    own.slice(room).forEach(() => metrics.dropped())
    this.#pending.push(...own.slice(0, room).map((entry) => ({ ...entry, message: undefined })))
    if (room > 0 && own.length > 0) this.#timer ??= setTimeout(() => this.#flush(), retryAfterMs)
  }

  #settle(entries: Pending[], parts: Part[], reasons: ReadonlyMap<Pending | undefined, string>): void {
    const { metrics, live, acknowledge } = this.#options
    const acks = new Map<string, { agent: string; ack: FullAck }>()
    for (const entry of entries) {
      const { agent, stream, seq } = entry.envelope
      const ack = acks.get(`${agent} ${stream}`)?.ack ?? {
        v: 1,
        stream,
        stored: [],
        refused: [],
        now: this.#options.now(),
      }
      acks.set(`${agent} ${stream}`, { agent, ack })
      const reason = reasons.get(entry)
      if (reason === undefined) ack.stored.push(seq)
      else this.#rejected(entry, reason, ack)
      entry.onSettled?.(true)
    }
    for (const { agent, ack } of acks.values()) acknowledge(agent, ack)
    const stored = new Set(entries.filter((entry) => !reasons.has(entry)))
    for (const { entry, batch } of parts) {
      if (!stored.has(entry)) continue
      metrics.stored(batch.times.length)
      live.publish({ type: 'stored', batch })
    }
  }

  #rejected({ envelope, topic, payload }: Pending, reason: string, ack: FullAck): void {
    const { holding, metrics, now } = this.#options
    ack.refused.push([envelope.seq, reason.slice(0, 300)])
    metrics.refused()
    holding.bury({ agent: envelope.agent, topic, reason, payload }, now())
  }

  #sayStalled(reason: string | undefined): void {
    const { log, metrics } = this.#options
    const is = reason !== undefined
    if (is && !this.#stalled) log.error({ reason }, 'The store takes nothing; batches wait at the agents.')
    if (!is && this.#stalled) log.info('The store takes batches again.')
    this.#stalled = is
    metrics.stalled(is)
  }

  async #releaseAll(): Promise<void> {
    const { holding, registry, now } = this.#options
    for (const { agent } of holding.quarantined()) {
      while (!this.#stopped && registry().placeOf(agent, now()) !== undefined) {
        const page = holding.release(agent, releasePage)
        const done = await Promise.all(page.map(({ payload }) => this.#storeReleased(agent, payload)))
        holding.released(page.flatMap(({ id }, index) => (done[index] ? id : [])))
        if (!done.some(Boolean)) break
      }
    }
  }

  /** Resolves to whether the payload may leave the quarantine: stored, or refused for good and buried. */
  #storeReleased(agent: string, payload: Buffer): Promise<boolean> {
    const { holding, registry, now } = this.#options
    return new Promise((resolve) => {
      try {
        const { envelope, batch } = decodeBatch(payload)
        const parts = placeBatch(registry(), agent, batch, now())
        if (parts === undefined) throw new AppError('batch_invalid', 'the agent stood nowhere at that time')
        this.#enqueue({ envelope, parts, topic: 'quarantine', payload, message: undefined, onSettled: resolve })
      } catch (error) {
        // What is only too early stays, for the next release.
        const refused = isAppError(error) && refusals.has(error.code)
        if (refused) holding.bury({ agent, topic: 'quarantine', reason: messageOf(error), payload }, now())
        resolve(refused)
      }
    })
  }
}
