/** Everything that is known of one site. */
import type { Row } from '../../store/query.ts'
import type { AgentState } from '../fleet.ts'
import type { SiteVerdict } from '../judge/verdict.ts'
import { dayMs } from '../local-time.ts'
import { type Registry, type SiteRow, standardOf } from '../registry.ts'
import { readCare } from './care.ts'
import type { BoardContext } from './context.ts'
import { readDeviceFacts } from './device-facts.ts'
import {
  agentDocument,
  bandwidthDocument,
  districtDocument,
  evidenceDocument,
  sampleDocument,
  siteDocument,
  standardDocument,
} from './documents.ts'
import { isoOf } from './presence.ts'
import { readinessDocument, readinessWindowSeconds } from './readiness.ts'
import type { LinkDocument, SiteDetail } from './schemas.ts'
import { terminalsDocument } from './terminals.ts'

const hourMs = 3_600_000
/** 64 targets, a ping each minute and three streams. */
const maxRuns = 1200

export async function siteDetail(
  { latest, store, verdicts, terminals, simulated }: BoardContext,
  registry: Registry,
  site: SiteRow,
  agents: readonly AgentState[],
  time: number,
): Promise<SiteDetail> {
  const last = (measurement: Parameters<typeof latest.of>[1], reachMs = dayMs) =>
    latest.of(site.id, measurement, reachMs)
  const windowFrom = time - 1000 * readinessWindowSeconds
  const runs = {
    measurement: 'path',
    match: { site: site.id },
    from: windowFrom,
    to: time + 1,
    limit: maxRuns,
  } as const
  const devices = registry.terminalsOf(site.id, time)
  const [host, path, wan, bandwidth, service, agent, probe, judged, facts, pathRuns] = await Promise.all([
    last('host'),
    last('path'),
    last('wan'),
    last('bandwidth', 30 * dayMs),
    last('service'),
    last('agent'),
    last('probe', hourMs),
    terminals.ofSite(site),
    readDeviceFacts(store, site.id, devices.length, time),
    store.rows(runs),
  ])
  const care = await readCare(store, site.id, devices, facts, time)
  const verdict = verdicts().get(site.id)
  const { latest: _, asked_ratio: __, links, ...rest } = siteDocument(registry, site, verdict, agents, undefined, time)
  return {
    ...rest,
    district: districtDocument(registry),
    simulated: simulated(),
    generated_at: isoOf(time),
    standard: standardDocument(standardOf(registry, site)),
    window: verdict === undefined ? null : { from: isoOf(verdict.from), to: isoOf(verdict.to) },
    readiness: readinessDocument(
      { path: pathRuns, wan: wan.filter((row) => row.time >= windowFrom), bandwidth },
      registry.standard,
    ),
    links: links.map((link) => ({ ...link, evidence: evidenceOf(link, verdict) })),
    latest: {
      host: host.map(sampleDocument),
      path: path.map(sampleDocument),
      wan: wan.map(sampleDocument),
      bandwidth: bandwidth.map(bandwidthDocument),
      service: service.map(sampleDocument),
      agent: agent.map(sampleDocument),
      probe: probe.map(sampleDocument),
    },
    agents: agents.map((state) => agentDocument(registry, state, undefined, time)),
    services: servicesOf(registry, site.id, service),
    terminals: terminalsDocument(registry, site, judged, { facts, care }, time),
  }
}

function evidenceOf({ id }: LinkDocument, verdict: SiteVerdict | undefined) {
  const of = (direction: 'down' | 'up') =>
    verdict?.directions
      .find((each) => each.link === id && each.direction === direction)
      ?.evidence.map(evidenceDocument) ?? []
  return { down: of('down'), up: of('up') }
}

function servicesOf({ data }: Registry, site: string, rows: readonly Row[]): SiteDetail['services'] {
  return data.services
    .filter(({ sites }) => sites?.includes(site) ?? true)
    .map(({ id, name, url }) => {
      const row = newest(rows.filter(({ tags }) => tags['service'] === id))
      return { id, name: name ?? { en: id, zh: id }, url, latest: row === undefined ? null : sampleDocument(row) }
    })
}

/** A platform may be watched by two agents. */
function newest(rows: readonly Row[]): Row | undefined {
  return rows.reduce<Row | undefined>(
    (best, row) => (best === undefined || row.time > best.time ? row : best),
    undefined,
  )
}
