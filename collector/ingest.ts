/**
 * Broker → check → registry → store → acknowledgement. Decoding and checking happen as a message arrives; what passed
 * is written in groups, and only what the store calls durable is acknowledged to the agent.
 */
import { type Batch, decodeBatch, type Envelope, filterBatch, peekEnvelope } from '../core/batch.ts'
import type { Message } from '../core/connection.ts'
import { messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Ack } from '../core/status.ts'
import { parseTopic } from '../core/topics.ts'
import type { Store } from '../store/store.ts'
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
/** A sample from further ahead is an agent's clock, not a measurement; the agent corrects itself by our time (agent/clock.ts). */
const maxAheadMs = 10 * 60_000

/** Payloads of the quarantine that are under way at once. */
const releasePage = 100

type Pending = {
  envelope: Envelope
  parts: Batch[]
  message: Message | undefined
  onSettled?: (stored: boolean) => void
}

export function createIngest(options: IngestOptions): Ingest {
  const { store, registry, fleet, holding, live, metrics, log, now } = options
  let pending: Pending[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let stalled = false
  let stopped = false

  function accept(message: Message): void {
    const topic = parseTopic(message.topic)
    if (topic === undefined || topic.kind !== 'batch' || stopped) return message.acknowledge()
    metrics.received(message.payload.length)
    fleet.heard(topic.agent, now())
    if (pending.length >= maxPending) return metrics.dropped()
    let envelope: Envelope | undefined
    try {
      const decoded = decodeBatch(message.payload)
      envelope = decoded.envelope
      if (envelope.agent !== topic.agent) throw new Error(`the payload claims to be of agent ${envelope.agent}`)
      if (decoded.badValues > 0 || decoded.ignored.length > 0)
        metrics.cleaned(decoded.badValues, decoded.ignored.length)
      const parts = enrich(decoded.batch, topic.agent)
      if (parts === undefined) return quarantine(envelope, message)
      if (parts.length === 0)
        throw new Error(`its time is more than ${maxAheadMs / 60_000} minutes ahead; check the clock of the agent`)
      enqueue({ envelope, parts, message })
    } catch (error) {
      refuse(topic.agent, envelope ?? peekEnvelope(message.payload), message, messageOf(error))
    }
  }

  /** The batch with its place, cut where the registry changes; undefined for an agent that is not registered. */
  function enrich(batch: Batch, agent: string): Batch[] | undefined {
    const current = registry()
    const latest = now() + maxAheadMs
    const inTime = batch.times.every((time) => time <= latest)
      ? batch
      : filterBatch(batch, (row) => (batch.times[row] as number) <= latest)
    const first = inTime.times[0]
    if (first === undefined) return current.placeOf(agent, now()) === undefined ? undefined : []
    const changes = current.changesOf(agent)
    if (changes.length === 0) return placed(inTime, agent, first)
    const epoch = (time: number) => changes.findLastIndex((change) => change <= time)
    const epochs = [...new Set(inTime.times.map(epoch))]
    const parts = epochs.map((e) => {
      const part = epochs.length === 1 ? inTime : filterBatch(inTime, (row) => epoch(inTime.times[row] as number) === e)
      return placed(part, agent, part.times[0] as number)
    })
    return parts.every((part) => part === undefined) ? undefined : parts.flatMap((part) => part ?? [])
  }

  function placed(batch: Batch, agent: string, time: number): Batch[] | undefined {
    const place = registry().placeOf(agent, time)
    return place && [{ ...batch, tags: { ...place, agent, ...batch.tags } }]
  }

  function quarantine(envelope: Envelope, message: Message): void {
    const kept = holding.quarantine(envelope.agent, message.payload, now())
    metrics.quarantined(kept)
    message.acknowledge()
    if (kept)
      options.acknowledge(envelope.agent, {
        v: 1,
        stream: envelope.stream,
        stored: [envelope.seq],
        refused: [],
        now: now(),
      })
  }

  function refuse(
    agent: string,
    envelope: Pick<Envelope, 'stream' | 'seq'> | undefined,
    message: Message,
    reason: string,
  ): void {
    metrics.refused()
    log.debug({ agent, reason }, 'A batch was refused.')
    holding.bury({ agent, topic: message.topic, reason, payload: message.payload }, now())
    message.acknowledge()
    if (envelope === undefined) return
    options.acknowledge(agent, {
      v: 1,
      stream: envelope.stream,
      stored: [],
      refused: [[envelope.seq, reason.slice(0, 300)]],
      now: now(),
    })
  }

  function enqueue(entry: Pending): void {
    pending.push(entry)
    if (pending.length >= flushBatches) flush()
    else timer ??= setTimeout(flush, flushAfterMs)
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (writing !== undefined || pending.length === 0) return
    const work = pending.slice(0, flushBatches)
    writing = write(work).then((pauseMs) => {
      writing = undefined
      if (pending.length > 0 && !stopped) timer ??= setTimeout(flush, pauseMs)
    })
  }

  /** Writes and settles; what must be retried stays at the head of the queue. Resolves to the pause before the next write. */
  async function write(work: Pending[]): Promise<number> {
    const flat = work.flatMap((entry) => entry.parts.map((batch) => ({ entry, batch })))
    try {
      const result = await store.write(flat.map(({ batch }) => batch))
      const retry = new Set(result.retry.map((index) => flat[index]?.entry))
      const rejected = new Map([...result.rejected].map(([index, reason]) => [flat[index]?.entry, reason]))
      const accepted = work.filter((entry) => !retry.has(entry))
      pending = [...work.filter((entry) => retry.has(entry)), ...pending.slice(work.length)]
      for (const { message } of accepted) message?.acknowledge()
      result.durable.then(
        () => settle(accepted, rejected, flat),
        (error: unknown) => {
          // Not acknowledged: the agents send them again, the quarantine keeps its own.
          for (const entry of accepted) entry.onSettled?.(false)
          log.warn(
            { batches: accepted.length, reason: messageOf(error) },
            'The store may have lost batches; their agents send them again.',
          )
        },
      )
      sayStalled(retry.size > 0 ? 'the store asks to retry' : undefined)
      return retry.size > 0 ? retryAfterMs : 0
    } catch (error) {
      sayStalled(messageOf(error))
      return retryAfterMs
    }
  }

  function sayStalled(reason: string | undefined): void {
    const is = reason !== undefined
    if (is !== stalled) {
      if (is) log.error({ reason }, 'The store takes nothing; batches wait at the agents.')
      else log.info('The store takes batches again.')
    }
    stalled = is
    metrics.stalled(is)
  }

  function settle(
    accepted: Pending[],
    rejected: Map<Pending | undefined, string>,
    flat: { entry: Pending; batch: Batch }[],
  ): void {
    const acks = new Map<string, { agent: string; ack: Required<Omit<Ack, 're'>> }>()
    for (const entry of accepted) {
      const { agent, stream, seq } = entry.envelope
      const key = `${agent} ${stream}`
      const ack: Required<Omit<Ack, 're'>> = acks.get(key)?.ack ?? { v: 1, stream, stored: [], refused: [], now: now() }
      acks.set(key, { agent, ack })
      const reason = rejected.get(entry)
      if (reason === undefined) {
        ack.stored.push(seq)
      } else {
        ack.refused.push([seq, reason.slice(0, 300)])
        const { topic = 'quarantine', payload = Buffer.alloc(0) } = entry.message ?? {}
        holding.bury({ agent, topic, reason, payload }, now())
        metrics.refused()
      }
      entry.onSettled?.(true)
    }
    for (const { agent, ack } of acks.values()) options.acknowledge(agent, ack)
    const done = new Set(accepted.filter((entry) => !rejected.has(entry)))
    for (const { entry, batch } of flat) {
      if (!done.has(entry)) continue
      metrics.stored(batch.times.length)
      live.publish({ type: 'stored', batch })
    }
  }

  async function releaseQuarantine(): Promise<void> {
    for (const { agent } of holding.quarantined()) {
      if (registry().placeOf(agent, now()) === undefined) continue
      for (;;) {
        const page = holding.release(agent, releasePage)
        const settled = await Promise.all(page.map(({ payload }) => storeReleased(agent, payload)))
        holding.released(page.flatMap(({ id }, index) => (settled[index] ? id : [])))
        if (stopped || !settled.some(Boolean)) break
      }
    }
  }

  /** Resolves to whether the payload may leave the quarantine: stored, or refused for good and buried. */
  function storeReleased(agent: string, payload: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        const { envelope, batch } = decodeBatch(payload)
        enqueue({ envelope, parts: enrich(batch, agent) ?? [], message: undefined, onSettled: resolve })
      } catch (error) {
        holding.bury({ agent, topic: 'quarantine', reason: messageOf(error), payload }, now())
        resolve(true)
      }
    })
  }

  return {
    accept,
    releaseQuarantine,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await writing
      if (pending.length > 0 && !stalled) await write(pending)
      for (const entry of pending) entry.onSettled?.(false)
    },
  }
}
