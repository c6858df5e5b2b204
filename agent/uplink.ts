/**
 * Spool → broker → collector, and back: acknowledgements, configuration, time. A batch leaves the spool only when a
 * collector says that it is stored; a PUBACK of the broker says nothing (reference/mqtt.md §0.1).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeBatch } from '../core/batch.ts'
import {
  type Connection,
  type ConnectionConfig,
  createConnection,
  type Message,
  type Session,
} from '../core/connection.ts'
import { messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import {
  ackSchema,
  type AgentStatus,
  collectorStatusSchema,
  maxAckBytes,
  maxSliceBytes,
  maxStatusBytes,
  parseMessage,
} from '../core/status.ts'
import { filters, parseTopic, topics } from '../core/topics.ts'
import type { Clock } from './clock.ts'
import type { Queued, Spool } from './spool.ts'

export type UplinkOptions = {
  connection: ConnectionConfig
  district: string
  agent: string
  boot: string
  version: string
  spool: Spool
  clock: Clock
  log: Log
  /** The slice in use and the one refused, for the status. */
  plan: () => Pick<AgentStatus, 'revision' | 'refused'>
  /** A new slice from the centre, unparsed. */
  onSlice: (payload: Buffer) => void
}

export type Uplink = {
  start: () => void
  /** Says goodbye and closes. What is in the spool stays there. */
  stop: () => Promise<void>
  /** New batches were committed. */
  notify: () => void
  /** The plan changed: tell the centre. */
  announce: () => void
  stats: () => { connected: boolean; connects: number; sentBytes: number }
}

/** In flight: what is newer than the connection goes beside what waited before it, so that live data is never hours late. */
const liveWindow = 4
const backfillWindow = 12
const firstResendMs = 60_000
const longestResendMs = 300_000
/** Agents that all lost the same broker or collector must not all speak at once. */
const jitterMs = 5_000
/** A collector answers the status with its time; past this it is absent or of an older kind, and sending begins. */
const timeAnswerMs = 3_000
const tickMs = 1_000
/** Unanswered this often, a batch is read back: one that the disk damaged would be resent for ever. */
const suspectAttempts = 3
/** A live window that does not move for this long has become a backlog itself. */
const liveStallMs = 60_000
/** Keepalive under the NAT timeouts of school routers (60–120 s, reference/mqtt.md §6). */
const keepaliveSeconds = 25

type Flight = { live: boolean; attempts: number; sentAt: number; dueAt: number }

export function createUplink(options: UplinkOptions): Uplink {
  const { spool, clock, log, district, agent } = options
  const flights = new Map<number, Flight>()
  let session: Session | undefined
  /** Sending is allowed: time is known and the jitter has passed. */
  let open = false
  let cursors = { live: 0, backfill: 0, divide: 0, liveSince: 0 }
  let collector = ''
  let unanswered = false
  let sentBytes = 0
  let ticker: NodeJS.Timeout | undefined
  const stopping = new AbortController()

  const connection: Connection = createConnection({
    config: options.connection,
    clientId: agent,
    keepaliveSeconds,
    log,
    will: (number) => ({ topic: topics.status(district, agent), payload: JSON.stringify(status(false, number)) }),
    onMessage: receive,
    onSession: begin,
  })

  function status(on: boolean, conn: number): AgentStatus {
    const gaps = spool.gaps()
    const { boot, version, plan } = options
    return { v: 1, on, boot, conn, at: clock.local(), version, stream: spool.stream, ...plan(), gaps }
  }

  async function begin(current: Session): Promise<void> {
    open = false
    session = current
    current.signal.addEventListener('abort', () => {
      open = false
    })
    await current.subscribe({
      [topics.ack(district, agent)]: 0,
      [topics.config(district, agent)]: 1,
      [topics.cmd(district, agent)]: 1,
      [filters.collectorStatus(district)]: 1,
    })
    await sendStatus(current)
    log.info(
      { url: options.connection.url, protocol: current.protocol === 5 ? '5' : '3.1.1' },
      'Connected to the broker.',
    )
    // The jitter is for a fleet that comes back together; a first connection is alone.
    const wait = current.number > 1 ? Math.random() * jitterMs : timeAnswerMs
    await sleep(wait, undefined, { signal: current.signal }).catch(() => undefined)
    if (!open && !current.signal.aborted) restart()
  }

  async function sendStatus(current: Session): Promise<void> {
    await current.publish(topics.status(district, agent), JSON.stringify(status(true, current.number)), {
      qos: 1,
      retain: true,
    })
  }

  /** Everything unacknowledged is to be sent again: oldest first, what comes new beside it. */
  function restart(): void {
    flights.clear()
    const divide = spool.lastSeq()
    cursors = { live: divide, backfill: 0, divide, liveSince: performance.now() }
    open = true
    pump()
  }

  function pump(): void {
    if (!open || session === undefined || session.signal.aborted) return
    const inFlight = { live: 0, backfill: 0 }
    for (const flight of flights.values()) inFlight[flight.live ? 'live' : 'backfill']++
    for (const queued of spool.read(cursors.live, Number.MAX_SAFE_INTEGER, Math.max(0, liveWindow - inFlight.live))) {
      cursors.live = queued.seq
      cursors.liveSince = performance.now()
      send(queued, { live: true, attempts: 0, sentAt: 0, dueAt: 0 })
    }
    for (const queued of spool.read(
      cursors.backfill,
      cursors.divide,
      Math.max(0, backfillWindow - inFlight.backfill),
    )) {
      cursors.backfill = queued.seq
      if (flights.has(queued.seq)) continue
      send(queued, { live: false, attempts: 0, sentAt: 0, dueAt: 0 })
    }
  }

  function send({ seq, measurement, payload }: Queued, flight: Flight): void {
    const current = session as Session
    const now = performance.now()
    const delay = Math.min(longestResendMs, firstResendMs * 2 ** flight.attempts) * (0.9 + Math.random() * 0.2)
    flights.set(seq, { live: flight.live, attempts: flight.attempts + 1, sentAt: now, dueAt: now + delay })
    sentBytes += payload.length
    current.publish(topics.batch(district, agent, measurement), payload, { qos: 1 }).catch((error: unknown) => {
      if (!current.signal.aborted) log.debug({ seq, reason: messageOf(error) }, 'A batch was not taken by the broker.')
    })
  }

  /** Resends what is due, and turns a live queue that nobody takes into backlog. */
  function tick(): void {
    if (!open || session?.signal.aborted !== false) return
    const now = performance.now()
    for (const [seq, flight] of flights) if (flight.dueAt <= now) resend(seq, flight)
    const stalled = now - cursors.liveSince > liveStallMs && spool.lastSeq() > cursors.live
    if (stalled) {
      cursors.divide = spool.lastSeq()
      cursors.live = cursors.divide
      cursors.liveSince = now
    }
    pump()
  }

  function resend(seq: number, flight: Flight): void {
    if (!unanswered)
      log.warn({ seq }, 'The broker takes batches, but no collector acknowledges them; they are kept and sent again.')
    unanswered = true
    const [queued] = spool.read(seq - 1, seq, 1)
    if (queued === undefined) {
      flights.delete(seq)
    } else if (flight.attempts >= suspectAttempts && !readable(queued)) {
      flights.delete(seq)
      spool.settle([], [[seq, 'damaged on the disk of the agent']])
    } else {
      send(queued, flight)
    }
  }

  function readable({ seq, payload }: Queued): boolean {
    try {
      return decodeBatch(payload).envelope.seq === seq
    } catch {
      return false
    }
  }

  function receive({ topic, payload }: Message, from: Session): void {
    const parsed = parseTopic(topic)
    if (parsed?.kind === 'ack') return receiveAck(payload)
    if (parsed?.kind === 'config')
      return payload.length > 0 && payload.length <= maxSliceBytes ? options.onSlice(payload) : undefined
    if (parsed !== undefined) return
    const announced = parseMessage(payload, collectorStatusSchema, maxStatusBytes)
    if (announced === undefined || !announced.on) return
    const identity = `${topic} ${announced.boot} ${announced.conn}`
    const fresh = identity !== collector
    const first = collector === ''
    collector = identity
    if (!fresh || first) return
    // What the collector had not acknowledged before is gone with its session.
    setTimeout(() => {
      if (!from.signal.aborted && !stopping.signal.aborted) void sendStatus(from).then(restart, () => undefined)
    }, Math.random() * jitterMs).unref()
  }

  function receiveAck(payload: Buffer): void {
    const ack = parseMessage(payload, ackSchema, maxAckBytes)
    if (ack === undefined) return
    if (ack.re !== undefined) receiveTime(ack.now, ack.re)
    if (ack.stream !== spool.stream) return
    for (const seq of ack.stored) flights.delete(seq)
    for (const [seq] of ack.refused) flights.delete(seq)
    spool.settle(ack.stored, ack.refused)
    if (ack.refused.length > 0)
      log.error(
        { refused: ack.refused.slice(0, 5) },
        'The collector refuses batches for good; they are counted and given up.',
      )
    if (unanswered) log.info('A collector acknowledges batches again.')
    unanswered = false
    pump()
  }

  function receiveTime(collectorNow: number, sentAt: number): void {
    const change = clock.synchronise(collectorNow, sentAt)
    if (change !== 0 && sentBytes === 0) {
      const batches = spool.restamp(change)
      log.info({ batches, change_seconds: Math.round(change / 1000) }, 'Waiting batches were given their true time.')
    }
    if (!open && session?.number === 1 && !session.signal.aborted) restart()
  }

  return {
    start: () => {
      connection.start()
      ticker = setInterval(tick, tickMs)
    },
    stop: async () => {
      stopping.abort()
      clearInterval(ticker)
      open = false
      const current = session
      if (current !== undefined && !current.signal.aborted) {
        const goodbye = current.publish(topics.status(district, agent), JSON.stringify(status(false, current.number)), {
          qos: 1,
          retain: true,
        })
        await Promise.race([goodbye.catch(() => undefined), sleep(1_000, undefined, { ref: false })])
      }
      await connection.stop()
    },
    notify: pump,
    announce: () => {
      if (session !== undefined && !session.signal.aborted) sendStatus(session).catch(() => undefined)
    },
    stats: () => ({ connected: connection.connected(), connects: connection.connects(), sentBytes }),
  }
}
