/**
 * Verdicts and figures of the plan from the embedded store: 90 days of tests of 400 sites, a day of their 24,000 devices in
 * full and the month before it in roll-ups, which are made before anything is timed, as they are in life; then a district's
 * day that comes three days late, and the verdicts of 4,000 sites.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { judgeSites } from '../../collector/judge/judge-sites.ts'
import { createKpiKeeper } from '../../collector/judge/kpi/keeper.ts'
import { createRecorder } from '../../collector/judge/recorder.ts'
import { createReview, stir, type Stirred } from '../../collector/judge/review.ts'
import type { Registry } from '../../collector/registry.ts'
import { createLog } from '../../core/log.ts'
import { createSqliteStore, type SqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { registryOf, terminalBatches, testBatches, verdictBatches } from './judge/district.ts'
import { repeatDay } from './judge/past.ts'
import { timed, writeAll } from './store/measure.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const log = createLog({ name: 'bench', level: 'error' })
/** Seven in the evening in China of a school day. */
const now = Date.parse('2026-11-18T11:00:00Z')
const yesterday = Date.parse('2026-11-17T00:00:00+08:00')

export async function run(): Promise<Record<string, unknown>> {
  const directory = await mkdtemp(join(tmpdir(), 'linkbell-bench-'))
  try {
    console.log('filling: 90 days of 400 sites, a day of 24,000 devices …')
    await withStore(directory, fillDistrict)
    repeatDay(directory, yesterday, 30)
    const district = await withStore(directory, measureDistrict)
    const provinceDirectory = join(directory, 'province')
    console.log('filling: 9 days of 4,000 sites …')
    const sites4000 = await withStore(provinceDirectory, async (store) => {
      await fillVerdicts(store, 4_000, 9)
      return timed(() => round(store, registryOf(4_000)))
    })
    tell(district, sites4000)
    return { ...district, sites_4000_seconds: sites4000 }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function fillDistrict(store: SqliteStore): Promise<void> {
  await fillVerdicts(store, 400, 90)
  for (const batches of terminalBatches(400, yesterday)) await writeAll(store, batches, 3_600)
}

async function measureDistrict(store: SqliteStore) {
  const registry = registryOf(400)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const verdicts = await timed(() => round(store, registry))
  const figures = await timed(() => figuresOf(store, registry))
  delay.disable()
  const late = testBatches(400, now - 4 * dayMs, now - 3 * dayMs, 45)
  await writeAll(store, late, 400)
  const stirred: Stirred = new Map()
  for (const batch of late) stir(stirred, batch)
  delay.enable()
  const again = await timed(() => correct(store, registry, stirred))
  delay.disable()
  return {
    verdicts_seconds: verdicts,
    kpi_day_seconds: figures,
    district_seconds: verdicts + figures,
    rejudge_day_seconds: again,
    // How long others on the collector's thread waited at most.
    held_seconds: delay.max / 1e9,
  }
}

async function withStore<T>(directory: string, work: (store: SqliteStore) => Promise<T>): Promise<T> {
  const store = await createSqliteStore({ directory, log, now: () => now })
  try {
    const result = await work(store)
    await store.rollUp()
    return result
  } finally {
    await store.close()
  }
}

/** Tests of many days; verdicts of the ten that corrections look at. */
async function fillVerdicts(store: Store, sites: number, days: number): Promise<void> {
  for (let from = now - days * dayMs; from < now; from += dayMs)
    await writeAll(store, testBatches(sites, from, from + dayMs), 400)
  for (let from = now - Math.min(days, 10) * dayMs; from < now; from += dayMs)
    await writeAll(store, verdictBatches(sites, from, from + dayMs), 2_000)
}

/** As the loop does it, the writing included. */
async function round(store: Store, registry: Registry): Promise<void> {
  const sites = registry.sites(now)
  const verdicts = await judgeSites(store, registry, sites, now)
  const judged = sites.flatMap(({ id, town, category }) =>
    (verdicts.get(id)?.directions ?? []).map((verdict) => ({
      place: { district: 'bench', town, category, site: id },
      verdict,
    })),
  )
  if (!(await createRecorder(store, log).record(judged, now))) throw new Error('No verdict was due.')
}

async function figuresOf(store: Store, registry: Registry): Promise<void> {
  if (!(await createKpiKeeper(store, log).run(registry, now))) throw new Error('No day was due.')
  const match = { scope: 'district', kpi: ['devices_available', 'equipment_never_seen'] }
  const rows = await store.rows({ measurement: 'kpi', match, from: yesterday, to: yesterday + 1, limit: 2 })
  if (rows.length < 2 || rows.some(({ fields }) => (fields['value_ratio'] ?? 0) === 0))
    throw new Error('No device was seen, or each of them.')
}

async function correct(store: Store, registry: Registry, stirred: Stirred): Promise<void> {
  const corrected = await createReview(store, createRecorder(store, log)).late(registry, stirred, now)
  if (!corrected) throw new Error('Nothing was corrected.')
}

function tell(district: Awaited<ReturnType<typeof measureDistrict>>, sites4000: number): void {
  const { verdicts_seconds, kpi_day_seconds, district_seconds, rejudge_day_seconds, held_seconds } = district
  const lines: [string, number][] = [
    ['400 sites: verdicts', verdicts_seconds],
    ['400 sites, 24,000 devices: figures of a day', kpi_day_seconds],
    ['both', district_seconds],
    ['a day of the district, three days late: all hours since judged again', rejudge_day_seconds],
    ['longest wait on the collector’s thread', held_seconds],
    ['4,000 sites: verdicts', sites4000],
    ['40,000 sites: verdicts, extrapolated (10 ×)', 10 * sites4000],
    ['40,000 sites, 2,400,000 devices: figures of a day, extrapolated (100 districts)', 100 * kpi_day_seconds],
  ]
  for (const [what, seconds] of lines) console.log(`${seconds.toFixed(2).padStart(8)} s  ${what}`)
}
