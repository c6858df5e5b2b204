/** Registry, verdicts, presence and samples put together to the documents that the API answers with. */
import { type Cause, causes, commonTags, type Method, methods, outcomes, triggers } from '../../core/catalog.ts'
import { ruleText } from '../../core/rule-text.ts'
import { askedRatio, meanShare, type Standard, termsOf } from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'
import type { AgentState } from '../fleet.ts'
import { nameOf } from '../judge/results.ts'
import type { DirectionVerdict, Evidence, SiteVerdict } from '../judge/verdict.ts'
import { type Registry, type SiteRow, standardOf } from '../registry.ts'
import type { Quarantined } from '../holding.ts'
import type { LatestName } from './latest.ts'
import { isoOf, presenceOf } from './presence.ts'
import type {
  AgentDocument,
  BandwidthSample,
  DirectionDocument,
  EvidenceDocument,
  LinkDocument,
  SampleDocument,
  SiteDocument,
  StandardDocument,
} from './schemas.ts'

const common: ReadonlySet<string> = new Set(commonTags)

export function sampleDocument({ time, tags, fields }: Row): SampleDocument {
  const own = Object.entries(tags).filter(([name]) => !common.has(name))
  return { time: isoOf(time), tags: Object.fromEntries(own), fields }
}

export function bandwidthDocument(row: Row): BandwidthSample {
  const { fields } = row
  const method: Method | undefined = nameOf(methods, fields['method'])
  const cause: Cause | undefined = nameOf(causes, fields['cause'])
  return {
    ...sampleDocument(row),
    outcome: nameOf(outcomes, fields['outcome']) ?? null,
    cause: cause ?? null,
    method: method ?? null,
    trigger: nameOf(triggers, fields['trigger']) ?? null,
    self_test: method === 'self_test',
  }
}

export function evidenceDocument(evidence: Evidence): EvidenceDocument {
  const { time, outcome, cause, method, trigger, testpoint, linkRateBps, goodputBps, targetBps, tests } = evidence
  return {
    time: isoOf(time),
    outcome,
    cause,
    method,
    trigger,
    testpoint,
    link_rate_bps: linkRateBps,
    goodput_bps: goodputBps,
    target_bps: targetBps,
    tests,
    counted: evidence.counted,
    left_out: evidence.leftOut ?? null,
    self_test: method === 'self_test',
  }
}

function directionDocument(verdict: DirectionVerdict, standard: Standard): DirectionDocument {
  const { decides, reason, targetBps, trials, met, inconclusive, metRatio, medianBps, worstBps, latest } = verdict
  return {
    verdict: verdict.verdict,
    reason: reason ?? null,
    decides,
    target_bps: targetBps,
    trials_count: trials,
    met_count: met,
    inconclusive_count: inconclusive,
    met_ratio: metRatio,
    mean_ratio: meanShare(
      verdict.evidence.filter(({ counted }) => counted),
      standard,
    ),
    failed: verdict.failed,
    median_bps: medianBps,
    worst_bps: worstBps,
    latest: latest === undefined ? null : evidenceDocument(latest),
  }
}

/** A link that no round has seen yet. */
function notJudged(targetBps: number, decides: boolean): DirectionDocument {
  return {
    verdict: 'unknown',
    reason: 'not_judged',
    decides,
    target_bps: targetBps,
    trials_count: 0,
    met_count: 0,
    inconclusive_count: 0,
    met_ratio: null,
    mean_ratio: null,
    failed: [],
    median_bps: null,
    worst_bps: null,
    latest: null,
  }
}

function linkDocuments(
  registry: Registry,
  site: SiteRow,
  verdict: SiteVerdict | undefined,
  time: number,
): LinkDocument[] {
  const standard = standardOf(registry, site)
  return registry.linksOf(site.id, time).map(({ id, name, carrier, downBps, upBps }) => {
    const of = (direction: 'down' | 'up', targetBps: number) => {
      const found = verdict?.directions.find((each) => each.link === id && each.direction === direction)
      return found === undefined
        ? notJudged(targetBps, standard.directions.includes(direction))
        : directionDocument(found, standard)
    }
    return { id, name, carrier: carrier ?? null, directions: { down: of('down', downBps), up: of('up', upBps) } }
  })
}

export function siteDocument(
  registry: Registry,
  site: SiteRow,
  verdict: SiteVerdict | undefined,
  agents: readonly AgentState[],
  latest: Record<LatestName, ReadonlyMap<string, Row[]>> | undefined,
  time: number,
): SiteDocument {
  const { id, name, town, category, location } = site
  const links = linkDocuments(registry, site, verdict, time)
  const seen = links
    .flatMap(({ directions }) => [directions.down.latest, directions.up.latest])
    .filter((l) => l !== null)
  const rows = (measurement: LatestName) => latest?.[measurement].get(id) ?? []
  return {
    id,
    name,
    town: { id: town, name: registry.townName(town, time) },
    category,
    location: location ?? null,
    presence: presenceOf(agents),
    verdict: verdict?.verdict ?? 'unknown',
    reason: verdict === undefined ? 'not_judged' : (verdict.reason ?? null),
    self_test: seen.length > 0 && seen.every(({ self_test }) => self_test),
    asked_ratio: askedRatio(standardOf(registry, site)),
    links,
    latest:
      latest === undefined
        ? null
        : {
            host: rows('host').map(sampleDocument),
            path: rows('path').map(sampleDocument),
            wan: rows('wan').map(sampleDocument),
            bandwidth: rows('bandwidth').map(bandwidthDocument),
          },
  }
}

export function standardDocument(standard: Standard): StandardDocument {
  const { id, title, source, threshold_ratio, directions } = standard
  const asked_ratio = askedRatio(standard)
  return { id, title, source, threshold_ratio, asked_ratio, directions, rule: ruleDocument(standard) }
}

function ruleDocument(standard: Standard): StandardDocument['rule'] {
  const { rule } = standard
  const { clauses, figures } = termsOf(rule)
  const { min_share = null, at_ratio = null, daily_ratio = null, least_ratio = null } = figures
  return {
    preset: rule.preset,
    clauses: [...clauses],
    ...ruleText(standard),
    window_days: rule.window_days,
    min_trials: rule.min_trials,
    ...{ min_share, at_ratio, daily_ratio, least_ratio },
  }
}

export function districtDocument({ data: { district } }: Registry) {
  return { id: district.id, name: district.name, timezone: district.timezone }
}

export function agentDocument(
  registry: Registry,
  state: AgentState,
  kept: Quarantined | undefined,
  time: number,
): AgentDocument {
  const { agent, registered, status, wantedRevision } = state
  return {
    id: agent,
    site: registry.placeOf(agent, time)?.site ?? null,
    role: registry.roleOf(agent, time) ?? null,
    registered,
    presence: presenceOf([state]),
    version: status?.version ?? null,
    boot: status?.boot ?? null,
    revision: status?.revision ?? null,
    wanted_revision: wantedRevision ?? null,
    refused: status?.refused ?? null,
    gaps: (status?.gaps ?? []).map(({ from_seq, to_seq, from, to, reason }) => ({
      from: isoOf(from),
      to: isoOf(to),
      batches_count: to_seq - from_seq + 1,
      reason,
    })),
    quarantined:
      kept === undefined ? null : { batches_count: kept.batches, bytes: kept.bytes, since: isoOf(kept.since) },
  }
}
