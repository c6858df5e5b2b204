/** The collector, put together: broker → ingest → store → judge → board. Wiring only. */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Environment } from '../core/config-file.ts'
import type { ConnectionConfig, Message } from '../core/connection.ts'
import { AppError } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'
import type { Log } from '../core/log.ts'
import { collectorUser } from '../core/topics.ts'
import type { Health } from '../store/store.ts'
import { type Alerts, type AlertsDeps, createAlerts } from './alerts/alerts.ts'
import { calendarLines } from './alerts/rules/findings.ts'
import { openWatch } from './alerts/rules/open-watch.ts'
import { sitesAt } from './alerts/rules/places.ts'
import { createBoard } from './board/server.ts'
import { startBroker } from './broker/broker.ts'
import type { CollectorConfig } from './config.ts'
import { createFleet } from './fleet.ts'
import { openHolding } from './holding.ts'
import { createIngest } from './ingest.ts'
import { createJudge } from './judge/judge.ts'
import { openDueDays } from './judge/kpi/due-days.ts'
import { createLive } from './live.ts'
import { createMetrics } from './metrics.ts'
import { createCollectorMqtt } from './mqtt.ts'
import { followRegistry, type LiveRegistry } from './registry-file.ts'
import type { Registry } from './registry.ts'
import { calendarDueMs } from './school-calendars.ts'
import { openStore } from './store-config.ts'

export type CollectorDeps = {
  signal: AbortSignal
  log: Log
  version: string
  env: Environment
  /** `receive` takes messages beside those of the broker: the gateways of `linkbell demo` live in this process. */
  onReady?: (url: string, receive: (message: Message) => void) => void
}

const tickMs = 1_000
/** Longest that the start waits for the first verdicts. */
const firstVerdictsMs = 5_000
/** A collector that judges already answers within it: the second one must not ring before it hears that. */
const rivalMs = 3_000
/** A slice holds the coming weeks: on Mondays there is a new one. */
const distributeMs = 3_600_000

/** Runs the collector until `signal` aborts. Throws when it cannot start, or when a part of it died. */
export async function runCollector(config: CollectorConfig, deps: CollectorDeps): Promise<void> {
  const { signal, log, version, onReady } = deps
  // Whatever has begun ends in reverse, also when the next part cannot: ingest before the broker, the store last.
  const begun = new AsyncDisposableStack()
  const died = Promise.withResolvers<never>()
  died.promise.catch(() => undefined)
  try {
    const { board, mqtt, judge, ingest, fleet, alerts, watch } = await assemble(config, deps, begun, died.reject)
    const { url } = await board.start()
    mqtt.start()
    alerts.start()
    if (config.judge.enabled) await soonOf(judge.start())
    if (watch !== undefined) later(begun, watch.start, config.broker.type === 'external' ? rivalMs : 0)
    repeat(begun, fleet.tick, tickMs)
    repeat(begun, mqtt.distribute, distributeMs)
    void ingest.releaseQuarantine()
    log.info({ url, version }, 'The collector runs.')
    onReady?.(url, mqtt.receive)
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    if (!signal.aborted) await Promise.race([aborted, died.promise])
  } finally {
    await begun.disposeAsync()
  }
}

/** Verdicts are there when the first page is, unless the store takes its time to be durable; batches do not wait for that. */
async function soonOf(work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>()
  const timeout = setTimeout(timer.resolve, firstVerdictsMs)
  await Promise.race([work, timer.promise])
  clearTimeout(timeout)
}

function later(begun: AsyncDisposableStack, work: () => void, ms: number): void {
  const timer = setTimeout(work, ms)
  begun.defer(() => clearTimeout(timer))
}

function repeat(begun: AsyncDisposableStack, work: () => void, everyMs: number): void {
  const timer = setInterval(work, everyMs)
  begun.defer(() => clearInterval(timer))
}

/** What lies on disk: the registry, the store, and what could not be stored. */
async function openData(config: CollectorConfig, { log, env }: CollectorDeps, begun: AsyncDisposableStack) {
  makeFolder('data_dir', config.data_dir)
  const files = { registryFile: config.registry_file, standardsFile: config.standards_file, env }
  const registry = followRegistry(files, log.child({ module: 'registry' }))
  begun.defer(registry.stop)
  const store = await openStore(config.store, { dataDir: config.data_dir, log, now: Date.now })
  begun.defer(store.close)
  const stateFile = join(config.data_dir, 'state.sqlite')
  const holding = openHolding(stateFile, config.quarantine_bytes, log.child({ module: 'holding' }))
  begun.defer(holding.close)
  const dueDays = openDueDays(stateFile, log.child({ module: 'judge' }))
  begun.defer(dueDays.close)
  return { registry, store, holding, dueDays }
}

async function assemble(
  config: CollectorConfig,
  deps: CollectorDeps,
  begun: AsyncDisposableStack,
  onDeath: (error: Error) => void,
) {
  const { log, version } = deps
  const now = Date.now
  const elapsed = () => Math.round(performance.now())
  const { registry, store, holding, dueDays } = await openData(config, deps, begun)
  const district = registry.current().data.district.id
  const live = createLive()
  const metrics = createMetrics()
  const fleet = createFleet({ now, elapsed, onChange: (agent) => live.publish({ type: 'fleet', agent }) })
  const connection = await brokerOf(config, district, log, begun, onDeath)
  const shared = { registry: registry.current, now }
  const mqtt = createCollectorMqtt({
    ...shared,
    connection,
    sharedGroup: config.broker.type === 'external' ? config.broker.shared_group : undefined,
    district,
    id: config.id,
    boot: randomUUID(),
    since: now(),
    version,
    fleet,
    log: log.child({ module: 'mqtt' }),
    onBatch: (message) => ingest.accept(message),
    onTwin: () => onDeath(twinError(config.id, connection.url)),
    judging: judgingOf(config, district, onDeath),
  })
  begun.defer(() => mqtt.stop())
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
  begun.defer(() => ingest.stop())
  // Ends after the judge, which rings through it.
  const alerts = openAlerts(config, { ...shared, log, metrics: metrics.registry }, begun)
  const judge = createJudge({
    ...shared,
    ...{ store, live, dueDays },
    log: log.child({ module: 'judge' }),
    intervalSeconds: config.judge.interval_seconds,
  })
  begun.defer(() => judge.stop())
  const health = healthOf({ alerts, holding, registry, connected: () => mqtt.connected(), url: connection.url })
  const parts = { store: store.health, ...health }
  const watchDeps = { ...shared, elapsed, store, fleet, judge, parts, notify: alerts.notify, env: deps.env, log }
  const watch = openWatch(config, watchDeps, begun)
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
    relay: alerts.relay,
    health,
    watch,
  })
  begun.defer(() => board.stop())
  registry.onChange(() => {
    mqtt.distribute()
    void ingest.releaseQuarantine()
    live.publish({ type: 'judged' })
  })
  return { fleet, mqtt, ingest, judge, board, alerts, watch }
}

function twinError(collector: string, url: string): AppError {
  const message =
    `Another collector on ${url} has the id ${collector} and was there first. ` +
    'Give this one an id of its own (`id:` in its configuration), or stop the other.'
  return new AppError('config_invalid', message, { collector, url })
}

/** Of collectors with their own folders on one broker only the first may judge; the embedded broker has but one. */
function judgingOf({ broker, judge: { enabled } }: CollectorConfig, district: string, onDeath: (error: Error) => void) {
  if (!enabled || broker.type === 'embedded') return undefined
  const onRival = (collector: string) => {
    const message =
      `District ${district} has a judge already: collector ${collector} on the same broker. ` +
      'Set judge.enabled: false for this one, or stop the other.'
    onDeath(new AppError('config_invalid', message, { district, collector }))
  }
  return { onRival }
}

function openAlerts(
  { alerts: config, data_dir }: CollectorConfig,
  deps: Pick<AlertsDeps, 'registry' | 'now' | 'log' | 'metrics'>,
  begun: AsyncDisposableStack,
): Alerts {
  const log = deps.log.child({ module: 'alerts' })
  const alerts = createAlerts({ ...deps, config, log, file: join(data_dir, 'state.sqlite') })
  begun.defer(alerts.stop)
  return alerts
}

type Parts = Record<'alerts' | 'holding', { health: () => Health }> & {
  registry: LiveRegistry
  connected: () => boolean
  url: string
}

function healthOf({ alerts, holding, registry, connected, url }: Parts) {
  return {
    alerts: alerts.health,
    holding: holding.health,
    registry: registry.health,
    calendar: () => calendarHealth(registry.current(), Date.now()),
    broker: () => brokerHealth(connected(), url),
  }
}

/** Said, but not ill: verdicts are as good as before, and a test in a holiday hurts nobody. */
function calendarHealth(registry: Registry, time: number): Health {
  const gaps = registry.calendars.gaps(registry.sites(time), time).filter(({ inMs }) => inMs <= calendarDueMs)
  const problems = calendarLines(gaps, sitesAt(registry, time)).map(({ en }) => `${en}.`)
  return { ok: true, problems, facts: { calendars: registry.data.calendars.length } }
}

function brokerHealth(connected: boolean, url: string): Health {
  return { ok: connected, problems: connected ? [] : [`Not connected to the broker at ${url}.`], facts: { url } }
}

/** The embedded broker gets a new password for the collector at every start; it never leaves this process. */
async function brokerOf(
  { broker: config }: CollectorConfig,
  district: string,
  log: Log,
  begun: AsyncDisposableStack,
  onDeath: (error: Error) => void,
): Promise<ConnectionConfig> {
  if (config.type === 'external') {
    const { type: _type, shared_group: _group, ...connection } = config
    return connection
  }
  const collectorPassword = randomBytes(16).toString('base64url')
  const input = { config, district, collectorPassword }
  const broker = await startBroker(input, log.child({ module: 'broker' }), onDeath)
  begun.defer(broker.stop)
  return { url: `mqtt://127.0.0.1:${broker.ownPort}`, username: collectorUser, password: collectorPassword }
}
