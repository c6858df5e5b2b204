/** The collector, put together: broker → ingest → store → judge → board. Wiring only. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../core/config-file.ts'
import type { ConnectionConfig, Message } from '../core/connection.ts'
import type { Log } from '../core/log.ts'
import { collectorUser } from '../core/topics.ts'
import { createSqliteStore } from '../store/sqlite.ts'
import type { Health } from '../store/store.ts'
import { createBoard } from './board/server.ts'
import { startBroker } from './broker/broker.ts'
import type { CollectorConfig } from './config.ts'
import { createFleet } from './fleet.ts'
import { openHolding } from './holding.ts'
import { createIngest } from './ingest.ts'
import { createJudge } from './judge/judge.ts'
import { createLive } from './live.ts'
import { createMetrics } from './metrics.ts'
import { createCollectorMqtt } from './mqtt.ts'
import { followRegistry } from './registry-file.ts'
import type { Registry } from './registry.ts'
import { setUser } from './users.ts'

export type CollectorDeps = {
  signal: AbortSignal
  log: Log
  version: string
  env: Environment
  /** `receive` takes messages beside those of the broker: the gateways of `linkbell demo` live in this process. */
  onReady?: (url: string, receive: (message: Message) => void) => void
}

const tickMs = 1_000
/** A slice holds the coming weeks: on Mondays there is a new one. */
const distributeMs = 3_600_000

/** Runs the collector until `signal` aborts. */
export async function runCollector(config: CollectorConfig, deps: CollectorDeps): Promise<void> {
  const { signal, log, version, onReady } = deps
  mkdirSync(config.data_dir, { recursive: true })
  const parts = await assemble(config, deps)
  const { board, mqtt, judge, ingest } = parts
  const ticker = setInterval(parts.fleet.tick, tickMs)
  const distributor = setInterval(() => mqtt.distribute(), distributeMs)
  try {
    const { url } = await board.start()
    mqtt.start()
    if (config.judge.enabled) await judge.start()
    void ingest.releaseQuarantine()
    log.info({ url, version }, 'The collector runs.')
    onReady?.(url, mqtt.receive)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  } finally {
    clearInterval(ticker)
    clearInterval(distributor)
    await stop(parts)
  }
}

type Parts = Awaited<ReturnType<typeof assemble>>

/** In the order of the data: the broker first, the store last. */
async function stop({ registry, board, mqtt, broker, ingest, judge, store, holding }: Parts): Promise<void> {
  registry.stop()
  await board.stop()
  await mqtt.stop()
  await broker?.stop()
  await ingest.stop()
  await judge.stop()
  await store.close()
  holding.close()
}

async function assemble(config: CollectorConfig, { log, version, env }: CollectorDeps) {
  const now = Date.now
  const registry = followRegistry(
    { registryFile: config.registry_file, standardsFile: config.standards_file, env },
    log.child({ module: 'registry' }),
  )
  const district = registry.current().data.district.id
  const { raw_days, long_days } = config.store
  const store = await createSqliteStore({
    directory: join(config.data_dir, 'store'),
    log,
    now,
    retention: { raw_days, long_days },
  })
  const holding = openHolding(
    join(config.data_dir, 'state.sqlite'),
    config.quarantine_bytes,
    log.child({ module: 'holding' }),
  )
  const live = createLive()
  const metrics = createMetrics()
  const fleet = createFleet({ now, onChange: (agent) => live.publish({ type: 'fleet', agent }) })
  const { broker, connection } = await brokerOf(config, district, log)
  const shared = { registry: registry.current, now }
  const mqtt = createCollectorMqtt({
    ...shared,
    connection,
    sharedGroup: config.broker.type === 'external' ? config.broker.shared_group : undefined,
    district,
    id: config.id,
    boot: randomUUID(),
    version,
    fleet,
    log: log.child({ module: 'mqtt' }),
    onBatch: (message) => ingest.accept(message),
  })
  const ingest = createIngest({
    ...shared,
    store,
    fleet,
    holding,
    live,
    metrics: metrics.ingest,
    log: log.child({ module: 'ingest' }),
    acknowledge: mqtt.acknowledge,
  })
  const judge = createJudge({
    ...shared,
    store,
    live,
    log: log.child({ module: 'judge' }),
    intervalSeconds: config.judge.interval_seconds,
  })
  const board = createBoard({
    ...shared,
    config: config.http,
    store,
    fleet,
    judge,
    live,
    log: log.child({ module: 'board' }),
    version,
    metrics: metrics.registry,
    holding,
    command: mqtt.command,
    health: {
      holding: holding.health,
      registry: registry.health,
      calendar: () => calendarHealth(registry.current(), now()),
      broker: () => brokerHealth(mqtt.connected(), connection.url),
    },
  })
  registry.onChange(() => {
    mqtt.distribute()
    void ingest.releaseQuarantine()
    live.publish({ type: 'judged' })
  })
  return { registry, store, holding, fleet, broker, mqtt, ingest, judge, board }
}

/** Said, but not ill: verdicts are as good as before, and a test in a holiday hurts nobody. */
function calendarHealth({ calendars, data }: Registry, time: number): Health {
  return { ok: true, problems: calendars.problems(time), facts: { calendars: data.calendars.length } }
}

function brokerHealth(connected: boolean, url: string): Health {
  return { ok: connected, problems: connected ? [] : [`Not connected to the broker at ${url}.`], facts: { url } }
}

/** The embedded broker gets a new password for the collector at every start; it never leaves this process. */
async function brokerOf(config: CollectorConfig, district: string, log: Log) {
  if (config.broker.type === 'external') {
    const { type: _type, shared_group: _group, ...connection } = config.broker
    return { broker: undefined, connection: connection satisfies ConnectionConfig }
  }
  const password = setUser(config.broker.users_file, collectorUser)
  const broker = await startBroker({ config: config.broker, district }, log.child({ module: 'broker' }))
  const connection = { url: `mqtt://127.0.0.1:${broker.ownPort}`, username: collectorUser, password }
  return { broker, connection: connection satisfies ConnectionConfig }
}
