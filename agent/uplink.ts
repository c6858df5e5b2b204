/**
 * Spool → broker → collector, and back: acknowledgements, configuration, time. A batch leaves the spool only when a
 * collector says that it is stored; a PUBACK of the broker says nothing (reference/mqtt.md §0.1).
 */
import { setTimeout as sleep } from 'node:timers/promises'
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
import { Outbox } from './outbox.ts'
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
  /** A new slice from the centre, unparsed; empty when it takes the last away. */
  onSlice: (payload: Buffer) => void
  /** Somebody wants something done now, unparsed. */
  onCommand?: (payload: Buffer) => void
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

/** Agents that all lost the same broker or collector must not all speak at once. */
const jitterMs = 5_000
const tickMs = 1_000
const goodbyeMs = 1_000
/** Acknowledgements wait for commits and settle times; what differs by more than that is a clock. */
const suspectTimeMs = 60_000
/** The answer is QoS 0 and may be lost. */
const askTimeEveryMs = 10_000
/** Of a district; their ids come from the network. */
const maxCollectors = 64
/**
 * Under the NAT timeouts of school routers (60–120 s, reference/mqtt.md §6), and so short that a school whose line is half
 * open rings within a minute: 23 s until the broker notices, 10 s of the will, two looks at the rules, 10 s of the channel.
 */
const keepaliveSeconds = 15

export function createUplink(options: UplinkOptions): Uplink {
  return new MqttUplink(options)
}

class MqttUplink implements Uplink {
  readonly #options: UplinkOptions
  readonly #connection: Connection
  readonly #outbox: Outbox
  #session: Session | undefined
  /** Boot and connection of each collector, by its topic. */
  readonly #collectors = new Map<string, string>()
  /** The jitter of this session is over. */
  #ready = false
  #refusalSaid = false
  #askedTimeAt = Number.NEGATIVE_INFINITY
  #sentBytes = 0
  #ticker: NodeJS.Timeout | undefined

  constructor(options: UplinkOptions) {
    this.#options = options
    const { spool, log, district, agent } = options
    this.#outbox = new Outbox({
      spool,
      log,
      monotonic: () => performance.now(),
      send: (queued) => this.#send(queued),
      onNewStream: () => this.announce(),
    })
    this.#connection = createConnection({
      config: options.connection,
      clientId: agent,
      keepaliveSeconds,
      log,
      will: (number, heldSeconds) => ({
        topic: topics.status(district, agent),
        payload: this.#status(false, number, heldSeconds),
      }),
      onMessage: (message, session) => this.#receive(message, session),
      onSession: (session) => this.#begin(session),
    })
  }

  start(): void {
    this.#connection.start()
    this.#ticker = setInterval(() => this.#tick(), tickMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    this.#outbox.close()
    const session = this.#session
    if (session !== undefined && !session.signal.aborted) {
      await Promise.race([this.#sendStatus(session, false), sleep(goodbyeMs, undefined, { ref: false })])
    }
    await this.#connection.stop()
  }

  notify(): void {
    this.#outbox.pump()
  }

  announce(): void {
    const session = this.#session
    if (session !== undefined && !session.signal.aborted) void this.#sendStatus(session, true)
  }

  stats() {
    return {
      connected: this.#connection.connected(),
      connects: this.#connection.connects(),
      sentBytes: this.#sentBytes,
    }
  }

  async #begin(session: Session): Promise<void> {
    const { district, agent, connection, log } = this.#options
    this.#outbox.close()
    this.#session = session
    this.#ready = false
    this.#refusalSaid = false
    session.signal.addEventListener('abort', () => {
      this.#ready = false
      this.#outbox.close()
    })
    await session.subscribe({
      [topics.ack(district, agent)]: 0,
      [topics.config(district, agent)]: 1,
      [topics.cmd(district, agent)]: 1,
      [filters.collectorStatus(district)]: 1,
    })
    await this.#sendStatus(session, true)
    log.info({ url: connection.url, protocol: session.protocol === 5 ? '5' : '3.1.1' }, 'Connected to the broker.')
    // The jitter is for a fleet that comes back together; a first connection is alone.
    if (session.number > 1)
      await sleep(Math.random() * jitterMs, undefined, { signal: session.signal }).catch(() => undefined)
    this.#ready = true
    this.#open()
  }

  /** Sending begins when the jitter is over and a collector has told the time: without one nothing can be stored anyway. */
  #open(): void {
    const session = this.#session
    if (!this.#ready || this.#outbox.open || session === undefined || session.signal.aborted) return
    if (this.#options.clock.offsetSeconds() !== undefined) this.#outbox.restart()
  }

  #tick(): void {
    const now = performance.now()
    if (this.#ready && !this.#outbox.open && now - this.#askedTimeAt > askTimeEveryMs) {
      this.#askedTimeAt = now
      this.announce()
    }
    this.#outbox.tick()
  }

  #status(on: boolean, conn: number, heldSeconds = 0): string {
    const { boot, version, plan, spool, clock } = this.#options
    const status: AgentStatus = {
      v: 1,
      on,
      boot,
      conn,
      at: clock.local(),
      version,
      stream: spool.stream,
      ...plan(),
      gaps: spool.gaps(),
      ...(heldSeconds > 0 && { held_seconds: heldSeconds }),
    }
    return fitStatus(status)
  }

  /** Never rejects: a status that did not get through is told by the next connection. */
  async #sendStatus(session: Session, on: boolean): Promise<void> {
    const { district, agent } = this.#options
    try {
      await session.publish(topics.status(district, agent), this.#status(on, session.number), { qos: 1, retain: true })
    } catch (error) {
      this.#sayRefused(session, error)
    }
  }

  #send({ measurement, payload }: Queued): void {
    const session = this.#session
    if (session === undefined || session.signal.aborted) return
    const { district, agent } = this.#options
    this.#sentBytes += payload.length
    session
      .publish(topics.batch(district, agent, measurement), payload, { qos: 1 })
      .catch((error: unknown) => this.#sayRefused(session, error))
  }

  /** Once in a session: what is refused is sent again and again. */
  #sayRefused(session: Session, error: unknown): void {
    if (session.signal.aborted || this.#refusalSaid) return
    this.#refusalSaid = true
    this.#options.log.error(
      { reason: messageOf(error) },
      'The broker refuses what this agent sends; check its rights and the district in its configuration.',
    )
  }

  #receive(message: Message, session: Session): void {
    const { topic, payload, retain } = message
    const parsed = parseTopic(topic)
    if (parsed?.kind === 'ack') this.#receiveAck(payload)
    else if (parsed?.kind === 'config' && payload.length <= maxSliceBytes) this.#options.onSlice(payload)
    else if (parsed?.kind === 'cmd' && !retain) this.#options.onCommand?.(payload)
    else if (parsed === undefined) this.#receiveCollector(message, session)
  }

  /** What a collector had not acknowledged before is gone with its session. */
  #receiveCollector({ topic, payload, retain }: Message, session: Session): void {
    const status = parseMessage(payload, collectorStatusSchema, maxStatusBytes)
    if (status?.on !== true) return
    const before = this.#collectors.get(topic)
    const identity = `${status.boot} ${status.conn}`
    if (before === undefined && this.#collectors.size >= maxCollectors) return
    this.#collectors.set(topic, identity)
    // A retained status was there before us: what we send now is the first it can have lost.
    if (before === identity || (before === undefined && retain)) return
    void sleep(Math.random() * jitterMs, undefined, { signal: session.signal, ref: false }).then(
      () => {
        void this.#sendStatus(session, true)
        if (this.#outbox.open) this.#outbox.restart()
      },
      () => undefined,
    )
  }

  #receiveAck(payload: Buffer): void {
    const ack = parseMessage(payload, ackSchema, maxAckBytes)
    if (ack === undefined) return
    const { spool, log } = this.#options
    if (ack.re !== undefined) this.#receiveTime(ack.now, ack.re)
    else this.#checkTime(ack.now)
    if (ack.stream !== spool.stream) return
    if (ack.accepted !== undefined) this.#outbox.accepted(ack.accepted)
    if (!spool.settle(ack.stored, ack.refused)) return
    if (ack.refused.length > 0)
      log.error(
        { refused: ack.refused.slice(0, 5) },
        'The collector refuses batches for good; they are counted and given up.',
      )
    this.#outbox.answered([...ack.stored, ...ack.refused.map(([seq]) => seq)])
  }

  /** An answer without a request tells the time only roughly; far off, it is asked for properly. */
  #checkTime(collectorNow: number): void {
    const now = performance.now()
    if (Math.abs(collectorNow - this.#options.clock.now()) < suspectTimeMs || now - this.#askedTimeAt < askTimeEveryMs)
      return
    this.#askedTimeAt = now
    this.announce()
  }

  #receiveTime(collectorNow: number, sentAt: number): void {
    const { clock, spool, log } = this.#options
    const change = clock.synchronise(collectorNow, sentAt)
    // What was sent under the old time may be stored under it: the same sample would be there twice.
    if (change !== 0 && this.#sentBytes === 0) {
      const batches = spool.restamp(change)
      log.info({ batches, change_seconds: Math.round(change / 1000) }, 'Waiting batches were given their true time.')
    }
    this.#open()
  }
}

/** A status as JSON that the collector will read: gaps and reasons are shortened until it fits. */
function fitStatus(status: AgentStatus): string {
  const gaps = status.gaps.map((gap) => ({ ...gap, reason: gap.reason.slice(0, 60) }))
  const refused = status.refused && { ...status.refused, reason: status.refused.reason.slice(0, 300) }
  for (let kept = gaps; ; kept = kept.slice(1)) {
    const text = JSON.stringify({ ...status, gaps: kept, ...(refused && { refused }) })
    if (kept.length === 0 || Buffer.byteLength(text) <= maxStatusBytes) return text
  }
}
