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
import { type ComplianceRow, fieldsOf, isSame, keyOf } from './compliance.ts'
import { judgeSeriesAt, readTests } from './judge-sites.ts'
import type { Test } from './results.ts'
import { askAhead, createTurns } from './turns.ts'
import { seriesOf, testsOf, windowOf } from './verdict.ts'

export type Span = { from: number; to: number }

/** Samples closer than this are one verdict and its corrections. */
const correctionsMs = 1_000
/** One question asks for so many sites and days. */
const sitesPerQuery = 50
const daysPerQuery = 10
/** A verdict an hour, link and direction, and those that changed between; more than one link is rare. */
const rowsPerSiteDay = 400

/** Corrections that are due to the stored verdicts of sites within a span, part by part: of a province they are many. */
export async function* rejudge(
  store: Store,
  registry: Registry,
  ids: readonly string[],
  { from, to }: Span,
): AsyncGenerator<ComplianceRow[]> {
  const parts: Part[] = []
  for (let i = 0; i < ids.length; i += sitesPerQuery) {
    for (let begin = from; begin < to; begin += daysPerQuery * dayMs) {
      const span = { from: begin, to: Math.min(begin + daysPerQuery * dayMs, to) }
      parts.push({ ids: ids.slice(i, i + sitesPerQuery), span })
    }
  }
  for await (const stored of askAhead(parts, (part) => readPart(store, registry, part)))
    yield await correctionsOf(registry, stored)
}

type Part = { ids: readonly string[]; span: Span }
type Stored = { verdicts: Row[]; tests: ReadonlyMap<string, Row[]> }

async function readPart(store: Store, registry: Registry, { ids, span }: Part): Promise<Stored> {
  const limit = ids.length * daysPerQuery * rowsPerSiteDay
  const verdicts = await store.rows({ measurement: 'compliance', match: { site: ids }, ...span, limit })
  return { verdicts, tests: verdicts.length === 0 ? new Map() : await readTests(store, registry, ids, span) }
}

async function correctionsOf(registry: Registry, { verdicts, tests }: Stored): Promise<ComplianceRow[]> {
  const due: ComplianceRow[] = []
  const turn = createTurns()
  for (const [site, rows] of Map.groupBy(verdicts, ({ tags }) => tags['site'] ?? '')) {
    await turn()
    const own = testsOf(tests.get(site) ?? [])
    for (const series of Map.groupBy(rows, ({ tags }) => keyOf(tags)).values()) {
      const { link = '', direction = '' } = series[0]?.tags ?? {}
      const name = seriesOf(link, direction)
      const judge = judgeOf(registry, site, own.get(name) ?? [], name)
      for (const [first, last] of spoken(series)) {
        const fields = judge(first.time)
        if (fields === undefined || isSame(fields, last.fields)) continue
        const target = last.fields['target_bps'] ?? null
        if (fields.target_bps === target || givesTarget(registry, site, name, target))
          due.push({ tags: last.tags, time: last.time + 1, fields })
      }
    }
  }
  return due
}

/**
 * Whether the registry gives a link and direction (`seriesOf`) a target at any date. One that it never gives was said under
 * other targets of the standard, which have no dates: what is valid now was not valid then.
 */
function givesTarget(registry: Registry, site: string, series: string, target: number | null): boolean {
  return [0, ...registry.targetChanges(site)].some((time) =>
    registry
      .linksOf(site, time)
      .some(
        ({ id, downBps, upBps }) =>
          (series === seriesOf(id, 'down') && downBps === target) ||
          (series === seriesOf(id, 'up') && upBps === target),
      ),
  )
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

/**
 * What would be said of a link and direction (`seriesOf`) at times that ascend. Between two of its results nothing changes but
 * at midnight: judged once, and said of all hours between.
 */
function judgeOf(registry: Registry, id: string, own: readonly Test[], series: string) {
  const changes = registry.targetChanges(id)
  let basis: number[] = []
  let said: ComplianceRow['fields'] | undefined
  return (time: number): ComplianceRow['fields'] | undefined => {
    const site = registry.siteAt(id, time)
    if (site === undefined) return undefined
    const { from } = windowOf(standardOf(registry, site), time, registry.data.district.timezone)
    const known = own.findLastIndex((test) => test.time <= time)
    const now = [from, known, changes.findLastIndex((change) => change <= time)]
    if (now.every((part, i) => part === basis[i])) return said
    basis = now
    const verdict = judgeSeriesAt(registry, site, series, own, time)
    said = verdict && fieldsOf(verdict)
    return said
  }
}

/** Days of the longest window that any school has. */
export function longestWindow({ standard, data }: Registry): number {
  return data.sites.reduce((days, { rule }) => Math.max(days, rule?.window_days ?? 0), standard.rule.window_days)
}

/** How long a result is part of a window, the begun day and the hourly verdict after it included. */
export function touched({ from, to }: Span, registry: Registry): Span {
  return { from, to: to + (longestWindow(registry) + 1) * dayMs + measurements.compliance.intervalSeconds * 1000 }
}
