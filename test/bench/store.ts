/** `npm run bench -- store [TYPE…]`: writing, reading and room of each store, with a made-up district. */
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createLog } from '../../core/log.ts'
import { createSqliteStore } from '../../store/sqlite.ts'
import { has, reason } from '../services/capabilities.ts'
import { districtBatches } from './store/district.ts'
import { day, hour, lastSeconds, longRangeSeconds, sites, timed, writeAll } from './store/measure.ts'
import { benchServer } from './store/server.ts'

const servers = { influxdb: 'influxd', victoriametrics: 'victoria-metrics' } as const
type ServerType = keyof typeof servers

const log = createLog({ name: 'bench', level: 'error' })

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const wanted = args.length > 0 ? args : ['sqlite', ...Object.keys(servers)]
  const result: Record<string, Record<string, number>> = {}
  for (const store of wanted) {
    const program = servers[store as ServerType] as (typeof servers)[ServerType] | undefined
    if (program !== undefined && !has(program)) {
      console.log(`\n${store}: left out, ${reason(program)}`)
      continue
    }
    result[store] = program === undefined ? await benchSqlite() : await benchServer(store as ServerType)
    console.log(`\n${store}`)
    for (const [name, value] of Object.entries(result[store])) console.log(`  ${name.padEnd(34)} ${shown(value)}`)
  }
  return result
}

async function benchSqlite(): Promise<Record<string, number>> {
  const small = await inFolder((directory) => ingest(directory, 60, 25))
  const large = await inFolder((directory) => ingest(directory, 2000, 33))
  return { ...prefixed(small, '_60'), ...large, ...(await inFolder(longRange)) }
}

function prefixed(figures: Record<string, number>, suffix: string): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${name}${suffix}`, value]))
}

/** Durable samples per second into a fresh store, then the newest of all series. */
async function ingest(directory: string, rows: number, minutes: number): Promise<Record<string, number>> {
  const now = Math.floor(Date.now() / hour) * hour
  const batches = districtBatches(sites, now - minutes * 60_000, minutes, rows)
  const points = batches.reduce((sum, { times }) => sum + times.length, 0)
  const store = await createSqliteStore({ directory, log, now: () => now })
  const cpu = process.cpuUsage()
  const seconds = await timed(() => writeAll(store, batches, rows))
  const used = process.cpuUsage(cpu)
  const last = await lastSeconds(store, now)
  const resent = await timed(() => writeAll(store, batches, rows))
  await store.close()
  return {
    points_per_second: points / seconds,
    resent_points_per_second: points / resent,
    cpu_seconds_per_100k: ((used.user + used.system) / 1e6 / points) * 100_000,
    bytes_per_point: bytesOf(directory, 'raw-') / points,
    last_seconds: last,
  }
}

/** 30 days of two sites, the older half of them roll-ups only, as the default retention leaves them. */
async function longRange(directory: string): Promise<Record<string, number>> {
  const end = Math.floor(Date.now() / day) * day
  let now = end - 30 * day
  const store = await createSqliteStore({ directory, log, now: () => now })
  let rollUpSeconds = 0
  let points = 0
  for (let from = now; from < end; from += day) {
    now = from + day
    const batches = districtBatches(2, from, 1440, 2000)
    points += batches.reduce((sum, { times }) => sum + times.length, 0)
    await writeAll(store, batches, 2000)
    rollUpSeconds += await timed(() => store.rollUp())
  }
  await store.retain()
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const seconds = await longRangeSeconds(store, end)
  delay.disable()
  await store.close()
  return {
    ...seconds,
    rolled_up_points_per_second: points / rollUpSeconds,
    rollup_bytes_per_hour: bytesOf(directory, 'hourly-') / (2 * 60 * 30 * 24),
    event_loop_delay_p99_seconds: delay.percentile(99) / 1e9,
  }
}

async function inFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'linkbell-bench-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function bytesOf(directory: string, prefix: string): number {
  const files = readdirSync(directory).filter((name) => name.startsWith(prefix))
  return files.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}

function shown(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
