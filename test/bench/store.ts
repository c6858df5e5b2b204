/** `npm run bench -- store`: writing, reading and room of each store, with a made-up district. */
import { readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Batch } from '../../core/batch.ts'
import { createLog } from '../../core/log.ts'
import type { Store } from '../../store/store.ts'
import { createSqliteStore } from '../../store/sqlite.ts'
import { districtBatches } from './store/district.ts'

const hour = 3_600_000
const day = 24 * hour
const sites = 400
const log = createLog({ name: 'bench', level: 'error' })

export async function run(): Promise<Record<string, unknown>> {
  const result = { sqlite: await benchSqlite() }
  for (const [store, figures] of Object.entries(result)) {
    console.log(`\n${store}`)
    for (const [name, value] of Object.entries(figures)) console.log(`  ${name.padEnd(34)} ${shown(value)}`)
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
  const last = await medianSeconds(5, async () => {
    const found = await store.last({ measurement: 'terminal', from: now - 5 * 60_000, to: now })
    if (found.length !== sites * 60) throw new Error(`last() found ${found.length} of ${sites * 60} series.`)
  })
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

/** As the collector does it: some calls at a time, each waiting until its samples are durable. */
async function writeAll(store: Store, batches: readonly Batch[], rows: number): Promise<void> {
  const inFlight = Math.ceil(20_000 / rows)
  let next = 0
  const worker = async () => {
    while (next < batches.length) {
      const { rejected, retry, durable } = await store.write([batches[next++] as Batch])
      if (rejected.size + retry.length > 0) throw new Error('A batch was not stored.')
      await durable
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
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
  const site = { measurement: 'terminal', field: 'rtt_seconds', to: end } as const
  const p95 = await medianSeconds(5, () =>
    store.range({
      ...site,
      match: { site: 'site-1', terminal: 'site-1.terminal-7' },
      from: end - 7 * day,
      everySeconds: (7 * day) / 1000,
      aggregate: { quantile: 0.95 },
    }),
  )
  const hourly = {
    ...site,
    match: { site: 'site-1' },
    from: end - 30 * day,
    everySeconds: 3600,
    aggregate: 'mean',
  } as const
  const mean = await medianSeconds(5, () => store.range(hourly))
  const byTerminal = await medianSeconds(3, () => store.range({ ...hourly, by: ['terminal'] }))
  delay.disable()
  await store.close()
  return {
    rolled_up_points_per_second: points / rollUpSeconds,
    rollup_bytes_per_hour: bytesOf(directory, 'hourly-') / (2 * 60 * 30 * 24),
    p95_7_days_1_series_seconds: p95,
    hourly_mean_30_days_1_site_seconds: mean,
    hourly_mean_30_days_60_series_seconds: byTerminal,
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

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

async function medianSeconds(runs: number, work: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = []
  for (let i = 0; i < runs; i++) seconds.push(await timed(work))
  return seconds.toSorted((a, b) => a - b)[runs >> 1] as number
}

function shown(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
