/**
 * The collector's side of the broker: takes batches and statuses, gives acknowledgements, slices and the time.
 * Its session is clean: what a dead collector had not acknowledged is gone, and the agents, told by the new
 * (boot, conn) of its status, send it again (reference/mqtt.md §0.4).
 */
import { type ConnectionConfig, createConnection, type Message, type Session } from '../core/connection.ts'
import type { Log } from '../core/log.ts'
import { type Ack, agentStatusSchema, type CollectorStatus, maxStatusBytes, parseMessage } from '../core/status.ts'
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
  version: string
  registry: () => Registry
  fleet: Fleet
  log: Log
  now: () => number
  onBatch: (message: Message) => void
}

export type CollectorMqtt = {
  start: () => void
  stop: () => Promise<void>
  connected: () => boolean
  acknowledge: (agent: string, ack: Ack) => void
  /** The registry changed: publishes the slices that are new. */
  distribute: () => void
}

/** What a broker with a higher limit may have under way to us; 200 in 15 ms commits is 13,000 batches/s (reference/mqtt.md §2.1). */
const receiveMaximum = 200
const keepaliveSeconds = 20

export function createCollectorMqtt(options: CollectorMqttOptions): CollectorMqtt {
  const { district, id, fleet, log, now } = options
  /** Revisions published in this session, by agent. */
  const published = new Map<string, string>()
  let session: Session | undefined

  const statusTopic = topics.collectorStatus(district, id)
  const status = (on: boolean, conn: number): string =>
    JSON.stringify({
      v: 1,
      on,
      boot: options.boot,
      conn,
      at: now(),
      version: options.version,
    } satisfies CollectorStatus)

  const connection = createConnection({
    config: options.connection,
    clientId: `collector:${id}`,
    keepaliveSeconds,
    receiveMaximum,
    deferAcknowledgements: true,
    will: (number) => ({ topic: statusTopic, payload: status(false, number) }),
    onMessage: receive,
    onSession: begin,
    log,
  })

  async function begin(current: Session): Promise<void> {
    session = current
    published.clear()
    const batches = filters.batches(district)
    const group = options.sharedGroup
    await current.subscribe({
      [group === undefined ? batches : filters.shared(group, batches)]: 1,
      [filters.agentStatus(district)]: 1,
    })
    // Only now: an agent that reads it sends at once, and what comes before the subscription is lost.
    await current.publish(statusTopic, status(true, current.number), { qos: 1, retain: true })
    log.info(
      { url: options.connection.url, protocol: current.protocol === 5 ? '5' : '3.1.1' },
      'Connected to the broker.',
    )
    distribute()
  }

  function receive(message: Message): void {
    const topic = parseTopic(message.topic)
    if (topic?.kind === 'batch' && !message.retain) return options.onBatch(message)
    message.acknowledge()
    if (topic?.kind !== 'status') return
    const parsed = parseMessage(message.payload, agentStatusSchema, maxStatusBytes)
    fleet.report(topic.agent, parsed, now())
    if (parsed?.on !== true) return
    // The answer tells the agent the time; a retained status of long ago has nobody waiting for it.
    if (!message.retain) acknowledge(topic.agent, { v: 1, stored: [], refused: [], now: now(), re: parsed.at })
    if (parsed.revision !== fleet.state(topic.agent).wantedRevision && parsed.refused === undefined)
      publishSlice(topic.agent)
  }

  function acknowledge(agent: string, ack: Ack): void {
    send(topics.ack(district, agent), JSON.stringify(ack), { qos: 0 })
  }

  function send(topic: string, payload: string, how: { qos: 0 | 1; retain?: boolean }): void {
    const current = session
    if (current === undefined || current.signal.aborted) return
    current.publish(topic, payload, how).catch((error: unknown) => {
      if (!current.signal.aborted) log.warn({ topic, err: error }, 'The broker did not take a message.')
    })
  }

  function publishSlice(agent: string): void {
    const slice = options.registry().slice(agent, now())
    fleet.wanted(agent, slice?.revision)
    if (slice !== undefined) send(topics.config(district, agent), JSON.stringify(slice), { qos: 1, retain: true })
    if (slice !== undefined) published.set(agent, slice.revision)
  }

  function distribute(): void {
    const registered = new Set(options.registry().agents(now()))
    for (const agent of registered) {
      const revision = options.registry().slice(agent, now())?.revision
      fleet.wanted(agent, revision)
      if (published.get(agent) !== revision) publishSlice(agent)
    }
    for (const agent of published.keys()) {
      if (registered.has(agent)) continue
      published.delete(agent)
      fleet.wanted(agent, undefined)
      send(topics.config(district, agent), '', { qos: 1, retain: true })
    }
  }

  return {
    start: connection.start,
    stop: async () => {
      const current = session
      if (current !== undefined && !current.signal.aborted) {
        await current
          .publish(statusTopic, status(false, current.number), { qos: 1, retain: true })
          .catch(() => undefined)
      }
      await connection.stop()
    },
    connected: connection.connected,
    acknowledge,
    distribute,
  }
}
