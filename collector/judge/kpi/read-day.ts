/** Reads what was measured on one local day, of all schools at once, and works out the figures of each. */
import type { MeasurementName } from '../../../core/catalog.ts'
import { type PathRun, qualityOfLevels } from '../../../core/readiness.ts'
import type { Aggregate, RangeQuery } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import { inventoryOf } from '../../inventory.ts'
import { dayMs, timeOn, utcOffsetSeconds } from '../../local-time.ts'
import { type Registry, type SiteRow, standardOf } from '../../registry.ts'
import { judgeSites } from '../judge-sites.ts'
import { availabilityOf, type Bucket } from '../terminals/availability.ts'
import { readRepairs } from './repairs.ts'
import type { SiteCounts } from './rows.ts'
import { type Count, type KpiName, kpiNames, kpis, type SiteDay } from './site-day.ts'

/** A device that has not answered in so long was never seen. */
const lookBackDays = 30
const hourSeconds = 3_600

type Tags = Record<string, string>
type Value = { tags: Tags; value: number }
type Ask = (m: MeasurementName, field: string, aggregate: Aggregate, by?: string[]) => Promise<Map<string, Value[]>>

/** The figures of every school on a local day. */
export async function readDay(store: Store, registry: Registry, day: number): Promise<SiteCounts[]> {
  const { timezone, id: district } = registry.data.district
  const [from, to] = [timeOn(day, 0, timezone), timeOn(day + 1, 0, timezone)]
  const span = { from, to, utcOffsetSeconds: utcOffsetSeconds(from, timezone) }
  const sites = registry.sites(to - 1)
  const facts = await readFacts(store, span)
  const repairs = await readRepairs(store, span)
  const buckets = await readBuckets(store, registry, sites, span)
  const verdicts = await judgeSites(store, registry, sites, to - 1)
  return sites.flatMap((site) => {
    const verdict = verdicts.get(site.id)
    if (verdict === undefined) return []
    const devices = registry.terminalsOf(site.id, to - 1)
    const ever = facts.ever.get(site.id)
    const answered = new Set(ever?.flatMap(({ tags, value }) => (value > 0 ? (tags['terminal'] ?? []) : [])))
    const seen = ever && ((device: { id: string }) => answered.has(device.id))
    const all = sumOf(facts.allPoints.get(site.id))
    const now: SiteDay = {
      standard: standardOf(registry, site),
      verdict,
      reported: (facts.reports.get(site.id)?.[0]?.value ?? 0) > 0,
      linkUp: facts.linkUp.get(site.id)?.[0]?.value,
      servicesUp: facts.servicesUp.get(site.id)?.[0]?.value,
      levels: qualityOfLevels(facts.runs.get(site.id) ?? []),
      devices,
      availability: availabilityOf(devices, buckets.get(site.id) ?? []),
      inventory: inventoryOf(registry, [site], to - 1, seen),
      accessPoints: all === undefined ? undefined : { all, up: sumOf(facts.upPoints.get(site.id)) ?? 0 },
      clients: sumOf(facts.clients.get(site.id)),
      repairs: repairs.get(site.id),
    }
    const counts = Object.fromEntries(kpiNames.map((name) => [name, kpis[name](now)])) as Record<KpiName, Count>
    return { place: { district, town: site.town, category: site.category, site: site.id }, counts }
  })
}

function sumOf(values: readonly Value[] | undefined): number | undefined {
  return values?.reduce((sum, { value }) => sum + value, 0)
}

async function readFacts(store: Store, span: { from: number; to: number; utcOffsetSeconds: number }) {
  const asking =
    (within: typeof span): Ask =>
    async (measurement, field, aggregate, by = []) => {
      const everySeconds = (within.to - within.from) / 1000
      const query: RangeQuery = { measurement, field, aggregate, by: ['site', ...by], everySeconds, ...within }
      const series = await store.range(query)
      // A span that is not aligned to the buckets may have two of them: the higher says whether there was anything.
      const values = series.map(({ tags, points }) => ({ tags, value: Math.max(...points.map(([, value]) => value)) }))
      return Map.groupBy(values, ({ tags }) => tags['site'] ?? '')
    }
  const ask = asking(span)
  const [reports, linkUp, servicesUp, allPoints, upPoints, clients, ever, runs] = await Promise.all([
    ask('agent', 'uptime_seconds', 'count'),
    ask('wan', 'up', 'mean'),
    ask('service', 'up', 'mean'),
    ask('device', 'access_points_count', 'max', ['terminal']),
    ask('device', 'access_points_up_count', 'mean', ['terminal']),
    ask('device', 'clients_count', 'max', ['terminal']),
    asking({ ...span, from: span.to - lookBackDays * dayMs })('terminal', 'up', 'max', ['terminal']),
    readRuns(ask),
  ])
  return { reports, linkUp, servicesUp, allPoints, upPoints, clients, ever, runs }
}

/** The day of each target as one run of its path. */
async function readRuns(ask: Ask): Promise<Map<string, PathRun[]>> {
  const by = ['level', 'target']
  const [losses, rtts, jitters, sents] = await Promise.all([
    ask('path', 'loss_ratio', 'mean', by),
    ask('path', 'rtt_mean_seconds', 'mean', by),
    ask('path', 'jitter_seconds', 'mean', by),
    ask('path', 'sent_count', 'sum', by),
  ])
  const runs = [...losses].map(([site, values]): [string, PathRun[]] => {
    const find = (among: Map<string, Value[]>, { level, target }: Tags) =>
      among.get(site)?.find(({ tags }) => tags['level'] === level && tags['target'] === target)?.value
    return [
      site,
      values.map(({ tags, value }) => ({
        level: tags['level'] ?? '',
        target: tags['target'] ?? '',
        rttSeconds: find(rtts, tags) ?? null,
        jitterSeconds: find(jitters, tags) ?? null,
        lossRatio: value,
        // The worst 200 ms of a whole day say nothing about the day.
        burstLossRatio: null,
        sent: find(sents, tags) ?? 0,
      })),
    ]
  })
  return new Map(runs)
}

type Stretch = { from: number; to: number; kinds: Set<string>; devices: Set<string> }
const deviceKey = (site: string, terminal: string) => `${site} ${terminal}`

/**
 * Hours of each device in the time that the calendar expects now, whatever it said when the samples came (decision 011). Most
 * schools share theirs: a stretch of lessons is asked for once, of all of them.
 */
async function readBuckets(
  store: Store,
  registry: Registry,
  sites: readonly SiteRow[],
  span: { from: number; to: number },
): Promise<Map<string, Bucket[]>> {
  const found: (Bucket & { site: string })[] = []
  for (const { devices, kinds, ...stretch } of stretchesOf(registry, sites, span)) {
    const query = {
      measurement: 'terminal',
      field: 'up',
      match: { kind: [...kinds] },
      by: ['site', 'terminal'],
      everySeconds: hourSeconds,
      ...stretch,
    } as const
    const [means, counts] = await Promise.all([
      store.range({ ...query, aggregate: 'mean' }),
      store.range({ ...query, aggregate: 'count' }),
    ])
    const key = ({ site = '', terminal = '' }: Tags) => deviceKey(site, terminal)
    const countOf = new Map(counts.map(({ tags, points }) => [key(tags), new Map(points)]))
    for (const { tags, points } of means.filter((one) => devices.has(key(one.tags)))) {
      const own = countOf.get(key(tags))
      const { site = '', terminal = '' } = tags
      for (const [from, mean] of points) found.push({ site, terminal, from, mean, count: own?.get(from) ?? 0 })
    }
  }
  return Map.groupBy(found, ({ site }) => site)
}

function stretchesOf(registry: Registry, sites: readonly SiteRow[], { from, to }: { from: number; to: number }) {
  const stretches = new Map<string, Stretch>()
  for (const { id: site, category } of sites) {
    const devices = registry.terminalsOf(site, to - 1)
    const byExpectation = Map.groupBy(devices, ({ id, kind }) => registry.expectationOf(site, id, kind, to - 1))
    for (const [expectation, within] of byExpectation) {
      for (const [begin, end] of registry.calendars.expectedOf(site, category, expectation).within(from, to)) {
        const key = `${begin} ${end}`
        const stretch = stretches.get(key) ?? { from: begin, to: end, kinds: new Set(), devices: new Set() }
        stretches.set(key, stretch)
        for (const { id, kind } of within) {
          stretch.kinds.add(kind)
          stretch.devices.add(deviceKey(site, id))
        }
      }
    }
  }
  return stretches.values()
}
