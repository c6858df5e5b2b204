/**
 * The collector's side of the broker: takes batches and statuses, gives acknowledgements, slices and the time.
 * Its session is clean: what a dead collector had not acknowledged is gone, and the agents, told by the new
 * (boot, conn) of its status, send it again (reference/mqtt.md §0.4).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Connection,
  type ConnectionConfig,
  createConnection,
  type Message,
  type Session,
} from '../core/connection.ts'
import { AppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import {
  type Ack,
  agentStatusSchema,
  type CollectorStatus,
  collectorStatusSchema,
  type Command,
  maxStatusBytes,
  parseMessage,
} from '../core/status.ts'
import { type Slice, sliceProblem } from '../core/slice.ts'
import { filters, parseTopic, topics } from '../core/topics.ts'
import type { Fleet } from './fleet.ts'
import type { Registry } from './registry.ts'

export type CollectorMqttOptions = {
  connection: ConnectionConfig
  /** Several collectors share the batches by it. */
  sharedGroup?: string | undefined
  district: string
  id: string
  boot: string
  /** Start of the process, ms. */
  since: number
  version: string
  registry: () => Registry
  fleet: Fleet
  log: Log
  now: () => number
  onBatch: (message: Message) => void
  /** Another collector has the same id, and is there for longer. */
  onTwin: () => void
  /** Set where this collector judges; `onRival`: another one does so for longer. */
  judging?: { onRival: (collector: string) => void } | undefined
}

export type CollectorMqtt = {
  start: () => void
  stop: () => Promise<void>
  connected: () => boolean
  /** Takes a message of an agent; what the broker brings comes here as well. */
  receive: (message: Message) => void
  acknowledge: (agent: string, ack: Ack) => void
  /** Resolves when the broker has taken it; whether the agent acts on it, its samples show. */
  command: (agent: string, command: Command) => Promise<void>
  /** The registry changed: publishes the slices that are new. */
  distribute: () => void
}

/** What a broker with a higher limit may have under way to us; 200 in 15 ms commits is 13,000 batches/s (reference/mqtt.md §2.1). */
const receiveMaximum = 200
const keepaliveSeconds = 20
const goodbyeMs = 1_000
/** It is alone, and everybody waits for it: agents may take their time. */
const longestDelaySeconds = 10

export function createCollectorMqtt(options: CollectorMqttOptions): CollectorMqtt {
  return new BrokerSide(options)
}

class BrokerSide implements CollectorMqtt {
  readonly #options: CollectorMqttOptions
  readonly #connection: Connection
  readonly #statusTopic: string
  /** Revisions published in this session, by agent. */
  readonly #published = new Map<string, string>()
  /** Revisions that their agents would refuse. */
  readonly #unfit = new Map<string, string>()
  #session: Session | undefined

  constructor(options: CollectorMqttOptions) {
    this.#options = options
    this.#statusTopic = topics.collectorStatus(options.district, options.id)
    this.#connection = createConnection({
      config: options.connection,
      // New at each start: a second collector with this id is then heard, where it would throw this one out.
      clientId: `collector:${options.id}:${options.boot.slice(0, 8)}`,
      keepaliveSeconds,
      longestDelaySeconds,
      receiveMaximum,
      deferAcknowledgements: true,
      will: (number) => ({ topic: this.#statusTopic, payload: this.#status(false, number) }),
      onMessage: this.receive,
      onSession: (session) => this.#begin(session),
      log: options.log,
    })
  }

  start(): void {
    this.#connection.start()
  }

  async stop(): Promise<void> {
    const session = this.#session
    if (session !== undefined && !session.signal.aborted) {
      const goodbye = session.publish(this.#statusTopic, this.#status(false, session.number), { qos: 1, retain: true })
      await Promise.race([goodbye.catch(() => undefined), sleep(goodbyeMs, undefined, { ref: false })])
    }
    await this.#connection.stop()
  }

  connected(): boolean {
    return this.#connection.connected()
  }

  readonly acknowledge = (agent: string, ack: Ack): void =>
    this.#send(topics.ack(this.#options.district, agent), JSON.stringify(ack), { qos: 0 })

  readonly command = async (agent: string, command: Command): Promise<void> => {
    const session = this.#session
    const topic = topics.cmd(this.#options.district, agent)
    if (session === undefined || session.signal.aborted) {
      throw new AppError('connection_refused', `Cannot publish ${topic}: not connected to the broker.`)
    }
    await session.publish(topic, JSON.stringify(command), { qos: 1 })
  }

  distribute(): void {
    const { registry, fleet, district, now } = this.#options
    const registered = new Set(registry().agents(now()))
    for (const agent of registered) this.#publishSlice(agent, false)
    for (const agent of this.#published.keys()) {
      if (registered.has(agent)) continue
      this.#published.delete(agent)
      fleet.wanted(agent, undefined)
      this.#send(topics.config(district, agent), '', { qos: 1, retain: true })
    }
  }

  async #begin(session: Session): Promise<void> {
    const { district, sharedGroup, connection, log, judging } = this.#options
    this.#session = session
    this.#published.clear()
    const batches = filters.batches(district)
    const filter = sharedGroup === undefined ? batches : filters.shared(sharedGroup, batches)
    const collectors = judging === undefined ? this.#statusTopic : filters.collectorStatus(district)
    await session.subscribe({ [filter]: 1, [filters.agentStatus(district)]: 1, [collectors]: 1 })
    // Only now: an agent that reads it sends at once, and what comes before the subscription is lost.
    await this.#greet(session)
    log.info({ url: connection.url, protocol: session.protocol === 5 ? '5' : '3.1.1' }, 'Connected to the broker.')
    this.distribute()
  }

  #greet(session: Session): Promise<void> {
    return session.publish(this.#statusTopic, this.#status(true, session.number), { qos: 1, retain: true })
  }

  #status(on: boolean, conn: number): string {
    const { boot, since, version, now, judging } = this.#options
    const judge = judging && { judge: { since } }
    return JSON.stringify({ v: 1, on, boot, conn, at: now(), version, since, ...judge } satisfies CollectorStatus)
  }

  readonly receive = (message: Message): void => {
    const topic = parseTopic(message.topic)
    if (topic?.kind === 'batch' && !message.retain) return this.#options.onBatch(message)
    message.acknowledge()
    if (topic?.kind === 'status') this.#receiveStatus(topic.agent, message)
    if (topic === undefined) this.#receiveCollector(message)
  }

  /** The one that is there for longer answers whoever comes; what is retained may be the word of one that is long dead. */
  #receiveCollector({ topic, payload, retain }: Message): void {
    const { judging, boot, onTwin } = this.#options
    const session = this.#session
    if (retain || session === undefined || session.signal.aborted) return
    const other = parseMessage(payload, collectorStatusSchema, maxStatusBytes)
    if (other === undefined || other.boot === boot) return
    const isTwin = topic === this.#statusTopic
    if (other.on && isTwin && this.#isFirst(other.since, other.boot)) return onTwin()
    const rival = other.on ? other.judge : undefined
    if (judging !== undefined && rival !== undefined && this.#isFirst(rival.since, other.boot))
      return judging.onRival(topic.split('/').at(-2) ?? topic)
    // Also when it has gone: its last word rests at the broker in place of this one's.
    if (isTwin || (judging !== undefined && rival !== undefined)) this.#greet(session).catch(() => undefined)
  }

  #isFirst(otherSince: number | undefined, otherBoot: string): boolean {
    const { since, boot } = this.#options
    return otherSince !== undefined && (otherSince - since || (otherBoot < boot ? -1 : 1)) < 0
  }

  #receiveStatus(agent: string, { payload, retain }: Message): void {
    const { fleet, now } = this.#options
    const status = parseMessage(payload, agentStatusSchema, maxStatusBytes)
    if (status === undefined && payload.length > 0) {
      this.#options.log.warn(
        { agent, bytes: payload.length },
        'The status of an agent cannot be read; it is too large or of another version.',
      )
    }
    const { twinAt } = fleet.state(agent)
    fleet.report(agent, status, now())
    if (twinAt === undefined && fleet.state(agent).twinAt !== undefined) {
      this.#options.log.error(
        { agent },
        `Two machines connect as agent ${agent}. Give one of them an id of its own (\`agent:\`), or stop it.`,
      )
    }
    if (status?.on !== true) return
    // The answer tells the agent the time; a retained status of long ago has nobody waiting for it.
    if (!retain) this.acknowledge(agent, { v: 1, stored: [], refused: [], now: now(), re: status.at })
    const { wantedRevision, registered } = fleet.state(agent)
    // Unregistered while no collector was there: its slice still rests at the broker.
    if (!registered && status.revision !== undefined)
      this.#send(topics.config(this.#options.district, agent), '', { qos: 1, retain: true })
    if (status.revision !== wantedRevision && status.refused?.revision !== wantedRevision)
      this.#publishSlice(agent, true)
  }

  #publishSlice(agent: string, again: boolean): void {
    const { registry, fleet, district, now } = this.#options
    const slice = registry().slice(agent, now())
    fleet.wanted(agent, slice?.revision)
    if (slice === undefined || (!again && this.#published.get(agent) === slice.revision)) return
    const problem = sliceProblem(slice)
    if (problem !== undefined) return this.#withheld(agent, slice, problem)
    this.#published.set(agent, slice.revision)
    this.#send(topics.config(district, agent), JSON.stringify(slice), { qos: 1, retain: true })
  }

  /** Said once for a revision: its agent goes on asking for it. */
  #withheld(agent: string, { site, revision }: Slice, problem: string): void {
    if (this.#unfit.get(agent) === revision) return
    this.#unfit.set(agent, revision)
    const facts = { agent, site: site.id, problem }
    this.#options.log.error(facts, `The configuration of site ${site.id} is not published: its agent would refuse it.`)
  }

  #send(topic: string, payload: string, how: { qos: 0 | 1; retain?: boolean }): void {
    const session = this.#session
    if (session === undefined || session.signal.aborted) return
    session.publish(topic, payload, how).catch((error: unknown) => {
      if (!session.signal.aborted)
        this.#options.log.warn({ topic, reason: messageOf(error) }, 'The broker did not take a message.')
    })
  }
}
