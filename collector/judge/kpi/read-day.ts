/** Reads what was measured on one local day, of all schools at once, and works out the figures of each. */
import type { MeasurementName } from '../../../core/catalog.ts'
import { type PathRun, qualityOfLevels } from '../../../core/readiness.ts'
import type { Aggregate, RangeQuery } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import { inventoryOf } from '../../inventory.ts'
import { timeOn, utcOffsetSeconds } from '../../local-time.ts'
import { type Registry, standardOf } from '../../registry.ts'
import { judgeSites } from '../judge-sites.ts'
import { availabilityOf } from '../terminals/availability.ts'
import { createTurns } from '../turns.ts'
import { readHours } from './read-hours.ts'
import { readSeen } from './read-seen.ts'
import { readRepairs } from './repairs.ts'
import type { SiteCounts } from './rows.ts'
import { type Count, type KpiName, kpiNames, kpis, type SiteDay } from './site-day.ts'

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
  const hours = await readHours(store, registry, sites, span)
  const answering = await readSeen(store, registry, { sites, day: span, hours })
  const verdicts = await judgeSites(store, registry, sites, to - 1)
  const figures: SiteCounts[] = []
  const turn = createTurns()
  for (const site of sites) {
    await turn()
    const verdict = verdicts.get(site.id)
    if (verdict === undefined) continue
    const devices = registry.terminalsOf(site.id, to - 1)
    const answered = answering.get(site.id)
    const seen = answered && (({ id }: { id: string }) => answered.has(id))
    const all = sumOf(facts.allPoints.get(site.id))
    const now: SiteDay = {
      standard: standardOf(registry, site),
      verdict,
      reported: (facts.reports.get(site.id)?.[0]?.value ?? 0) > 0,
      linkUp: facts.linkUp.get(site.id)?.[0]?.value,
      servicesUp: facts.servicesUp.get(site.id)?.[0]?.value,
      levels: qualityOfLevels(facts.runs.get(site.id) ?? []),
      devices,
      availability: availabilityOf(devices, hours.get(site.id) ?? []),
      inventory: inventoryOf(registry, [site], to - 1, seen),
      accessPoints: all === undefined ? undefined : { all, up: sumOf(facts.upPoints.get(site.id)) ?? 0 },
      clients: sumOf(facts.clients.get(site.id)),
      repairs: repairs.get(site.id),
    }
    const counts = Object.fromEntries(kpiNames.map((name) => [name, kpis[name](now)])) as Record<KpiName, Count>
    figures.push({ place: { district, town: site.town, category: site.category, site: site.id }, counts })
  }
  return figures
}

function sumOf(values: readonly Value[] | undefined): number | undefined {
  return values?.reduce((sum, { value }) => sum + value, 0)
}

async function readFacts(store: Store, span: { from: number; to: number; utcOffsetSeconds: number }) {
  const ask: Ask = async (measurement, field, aggregate, by = []) => {
    const everySeconds = (span.to - span.from) / 1000
    const query: RangeQuery = { measurement, field, aggregate, by: ['site', ...by], everySeconds, ...span }
    const series = await store.range(query)
    // A day that is not aligned to the buckets may have two of them: the higher says whether there was anything.
    const values = series.map(({ tags, points }) => ({ tags, value: Math.max(...points.map(([, value]) => value)) }))
    return Map.groupBy(values, ({ tags }) => tags['site'] ?? '')
  }
  const [reports, linkUp, servicesUp, allPoints, upPoints, clients, runs] = await Promise.all([
    ask('agent', 'uptime_seconds', 'count'),
    ask('wan', 'up', 'mean'),
    ask('service', 'up', 'mean'),
    ask('device', 'access_points_count', 'max', ['terminal']),
    ask('device', 'access_points_up_count', 'mean', ['terminal']),
    ask('device', 'clients_count', 'max', ['terminal']),
    readRuns(ask),
  ])
  return { reports, linkUp, servicesUp, allPoints, upPoints, clients, runs }
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
