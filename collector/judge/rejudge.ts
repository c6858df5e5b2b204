/**
 * Late results: the stored verdicts whose windows they touch, judged again. What is stored stands (writing a key twice changes
 * nothing), so a correction is a sample of its own, a millisecond behind what it corrects: whoever reads the last of an hour
 * reads it, and what was said at first can still be shown.
 */
import { measurements } from '../../core/catalog.ts'
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { dayMs } from '../local-time.ts'
import { type Registry, standardOf } from '../registry.ts'
import { type ComplianceRow, fieldsOf, keyOf, said } from './compliance.ts'
import { judgeAt, readTests } from './judge-sites.ts'
import { type SiteVerdict, windowOf } from './verdict.ts'

export type Span = { from: number; to: number }

/** Samples closer than this are one verdict and its corrections. */
const correctionsMs = 1_000
/** One question asks for so many sites and days. */
const sitesPerQuery = 50
const daysPerQuery = 10
/** A verdict an hour, link and direction, and those that changed between; more than one link is rare. */
const rowsPerSiteDay = 400

/** Corrections that are due to the stored verdicts of sites within a span. */
export async function rejudge(
  store: Store,
  registry: Registry,
  ids: readonly string[],
  { from, to }: Span,
): Promise<ComplianceRow[]> {
  const due: ComplianceRow[] = []
  for (let i = 0; i < ids.length; i += sitesPerQuery) {
    const part = ids.slice(i, i + sitesPerQuery)
    for (let begin = from; begin < to; begin += daysPerQuery * dayMs) {
      const span = { from: begin, to: Math.min(begin + daysPerQuery * dayMs, to) }
      due.push(...(await correctionsOf(store, registry, part, span)))
    }
  }
  return due
}

async function correctionsOf(store: Store, registry: Registry, ids: readonly string[], span: Span) {
  const limit = ids.length * daysPerQuery * rowsPerSiteDay
  const stored = await store.rows({ measurement: 'compliance', match: { site: ids }, ...span, limit })
  if (stored.length === 0) return []
  const sites = ids.flatMap((id) => registry.siteAt(id, span.to) ?? [])
  const tests = await readTests(store, registry, sites, span)
  const due: ComplianceRow[] = []
  for (const [site, rows] of Map.groupBy(stored, ({ tags }) => tags['site'] ?? '')) {
    const judge = judgeOf(registry, site, tests.get(site) ?? [])
    for (const series of Map.groupBy(rows, ({ tags }) => keyOf(tags)).values()) {
      for (const [first, last] of spoken(series)) {
        const { link, direction } = first.tags
        const verdict = judge(first.time)?.directions.find((one) => one.link === link && one.direction === direction)
        if (verdict === undefined) continue
        const fields = fieldsOf(verdict)
        if (said(fields) !== said(last.fields)) due.push({ tags: last.tags, time: last.time + 1, fields })
      }
    }
  }
  return due
}

/** Each verdict of a series as it was said first and last. */
function spoken(series: readonly Row[]): [first: Row, last: Row][] {
  const pairs: [Row, Row][] = []
  for (const row of series) {
    const pair = pairs.at(-1)
    if (pair !== undefined && row.time - pair[1].time < correctionsMs) pair[1] = row
    else pairs.push([row, row])
  }
  return pairs
}

/** Between two results nothing changes but at midnight: judged once, and said for all hours between. */
function judgeOf(registry: Registry, id: string, tests: readonly Row[]): (time: number) => SiteVerdict | undefined {
  const changes = registry.targetChanges(id)
  let key = ''
  let verdict: SiteVerdict | undefined
  return (time) => {
    const site = registry.siteAt(id, time)
    if (site === undefined) return undefined
    const { from } = windowOf(standardOf(registry, site), time, registry.data.district.timezone)
    const known = tests.findLastIndex((row) => row.time <= time)
    const next = `${from} ${known} ${changes.findLastIndex((change) => change <= time)}`
    if (next !== key || verdict === undefined) verdict = judgeAt(registry, site, tests, time)
    key = next
    return verdict
  }
}

/** How long a result is part of a window, the begun day and the hourly verdict after it included. */
export function touched({ from, to }: Span, registry: Registry): Span {
  const { rule } = registry.standard
  const longest = registry.data.sites.reduce(
    (days, site) => Math.max(days, site.rule?.window_days ?? 0),
    rule.window_days,
  )
  return { from, to: to + (longest + 1) * dayMs + measurements.compliance.intervalSeconds * 1000 }
}
