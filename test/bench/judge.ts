/**
 * Verdicts and figures of the plan from the embedded store: 90 days of tests and hourly verdicts of 400 sites, a day of
 * their 24,000 terminals; the verdicts alone of 4,000 sites.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgeSites } from '../../collector/judge/judge-sites.ts'
import { readDay } from '../../collector/judge/kpi/read-day.ts'
import { kpiRows } from '../../collector/judge/kpi/rows.ts'
import { createRecorder } from '../../collector/judge/recorder.ts'
import { rejudge, touched } from '../../collector/judge/rejudge.ts'
import { localDay } from '../../collector/local-time.ts'
import { createLog } from '../../core/log.ts'
import type { Registry } from '../../collector/registry.ts'
import { createSqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { registryOf, terminalBatches, testBatches, verdictBatches } from './judge/district.ts'
import { timed, writeAll } from './store/measure.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const timezone = 'Asia/Shanghai'
const log = createLog({ name: 'bench', level: 'error' })
/** Seven in the evening in China of a school day. */
const now = Date.parse('2026-11-18T11:00:00Z')

export async function run(): Promise<Record<string, unknown>> {
  const district = await withStore(async (store) => {
    const registry = registryOf(400)
    console.log('filling …')
    await fill(store, 400, 90)
    await writeAll(store, terminalBatches(400, now - dayMs), 2_000)
    const verdicts = await timed(() => round(store, registry))
    const figures = await timed(() => dayOf(store, registry))
    await writeAll(store, testBatches(400, now - 4 * dayMs, now - 3 * dayMs, 45), 400)
    const again = await timed(() => correct(store, registry))
    console.log(`verdicts ${verdicts.toFixed(2)} s, figures of a day ${figures.toFixed(2)} s`)
    return {
      verdicts_seconds: verdicts,
      kpi_day_seconds: figures,
      district_seconds: verdicts + figures,
      rejudge_day_seconds: again,
    }
  })
  const province = await withStore(async (store) => {
    await fill(store, 4_000, 9)
    return { sites_4000_seconds: await timed(() => round(store, registryOf(4_000))) }
  })
  return { ...district, ...province }
}

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'linkbell-bench-'))
  const store = await createSqliteStore({ directory, log, now: () => now })
  try {
    return await work(store)
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Tests of many days; verdicts of the ten that corrections look at. */
async function fill(store: Store, sites: number, days: number): Promise<void> {
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

async function dayOf(store: Store, registry: Registry): Promise<void> {
  const day = localDay(now - dayMs, timezone)
  const rows = kpiRows(await readDay(store, registry, day), now)
  if (!rows.some(({ tags, fields }) => tags['kpi'] === 'devices_available' && fields.value_ratio !== null))
    throw new Error('No device was seen.')
}

async function correct(store: Store, registry: Registry): Promise<void> {
  const span = touched({ from: now - 4 * dayMs, to: now - 3 * dayMs }, registry)
  const ids = registry.sites(now).map(({ id }) => id)
  const due = await rejudge(store, registry, ids, { from: span.from, to: Math.min(span.to, now) })
  if (due.length === 0) throw new Error('Nothing was corrected.')
  console.log(`${due.length} corrections`)
  await createRecorder(store, log).correct(due, now)
}
