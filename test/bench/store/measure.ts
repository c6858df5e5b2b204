/** What is measured of every store alike. */
import { quantileOf } from '../../../store/quantile.ts'
import type { Batch } from '../../../core/batch.ts'
import type { Store } from '../../../store/store.ts'

export const hour = 3_600_000
export const day = 24 * hour
export const sites = 400

/**
 * As the collector does it: some calls at a time. Each waits until its samples are durable, or only accepted where they
 * then take their time to settle.
 */
export async function writeAll(store: Store, batches: readonly Batch[], rows: number, settles = false): Promise<void> {
  const inFlight = Math.ceil(20_000 / rows)
  let next = 0
  const worker = async () => {
    while (next < batches.length) {
      const { rejected, retry, durable } = await store.write([batches[next++] as Batch])
      if (rejected.size + retry.length > 0) throw new Error('A batch was not stored.')
      if (!settles) await durable
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

/** Seconds to find the newest sample of all 24,000 terminals. */
export function lastSeconds(store: Store, now: number): Promise<number> {
  return medianSeconds(5, async () => {
    const found = await store.last({ measurement: 'terminal', from: now - 5 * 60_000, to: now })
    if (found.length !== sites * 60) throw new Error(`last() found ${found.length} of ${sites * 60} series.`)
  })
}

/** Questions over 30 days of a site that end at `to`. */
export async function longRangeSeconds(store: Store, to: number): Promise<Record<string, number>> {
  const rtt = { measurement: 'terminal', field: 'rtt_seconds', to } as const
  const p95 = await medianSeconds(5, async () => {
    const series = await store.range({
      ...rtt,
      match: { site: 'site-1', terminal: 'site-1.terminal-7' },
      from: to - 7 * day,
      everySeconds: (7 * day) / 1000,
      aggregate: { quantile: 0.95 },
    })
    if (series.length !== 1) throw new Error(`p95 found ${series.length} series.`)
  })
  const hourly = {
    ...rtt,
    match: { site: 'site-1' },
    from: to - 30 * day,
    everySeconds: 3600,
    aggregate: 'mean',
  } as const
  const mean = await medianSeconds(5, async () => {
    const [series] = await store.range(hourly)
    if (series?.points.length !== 30 * 24) throw new Error(`hourly means: ${series?.points.length} of 720.`)
  })
  const byTerminal = await medianSeconds(3, () => store.range({ ...hourly, by: ['terminal'] }))
  return { p95_seconds: p95, hourly_seconds: mean, hourly_by_terminal_seconds: byTerminal }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

async function medianSeconds(runs: number, work: () => Promise<unknown>): Promise<number> {
  const seconds: number[] = []
  for (let i = 0; i < runs; i++) seconds.push(await timed(work))
  return quantileOf(seconds, 0.5)
}
