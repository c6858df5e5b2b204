/** Reads the windows of sites from the store, many at a time, and judges them. */
import { directions } from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { type Registry, type SiteRow, standardOf } from '../registry.ts'
import type { Test } from './results.ts'
import { askAhead, createTurns } from './turns.ts'
import {
  type DirectionVerdict,
  type Frame,
  judgeDirection,
  judgeSite,
  seriesOf,
  type SiteVerdict,
  type Target,
  windowOf,
} from './verdict.ts'

/** One question asks for the window of this many sites: a district takes a few, not one a school. */
const sitesPerQuery = 200
/** An answer of this size may have been cut; then fewer sites are asked for. About 48 a week and site are usual. */
const rowsPerQuery = 40_000

const fieldsRead = ['link_rate_bps', 'goodput_bps', 'target_bps', 'outcome', 'cause', 'method', 'trigger']

/** Verdict of each site by its id, at a time. */
export async function judgeSites(
  store: Store,
  registry: Registry,
  sites: readonly SiteRow[],
  time: number,
): Promise<Map<string, SiteVerdict>> {
  const verdicts = new Map<string, SiteVerdict>()
  const turn = createTurns()
  const count = Math.ceil(sites.length / sitesPerQuery)
  const parts = Array.from({ length: count }, (_, i) => sites.slice(i * sitesPerQuery, (i + 1) * sitesPerQuery))
  const read = async (part: readonly SiteRow[]) => {
    const ids = part.map(({ id }) => id)
    return { part, rows: await readTests(store, registry, ids, { from: time, to: time }) }
  }
  for await (const { part, rows } of askAhead(parts, read)) {
    for (const site of part) {
      await turn()
      verdicts.set(site.id, judgeAt(registry, site, rows.get(site.id) ?? [], time))
    }
  }
  return verdicts
}

/** The verdict on a site at a time from rows that reach over its window. */
export function judgeAt(registry: Registry, site: SiteRow, rows: readonly Row[], time: number): SiteVerdict {
  const frame = frameAt(registry, site, time)
  const { from, to } = frame.window
  const within = rows.filter((row) => row.time >= from && row.time < to)
  return judgeSite(site.id, targetsOf(registry, site.id, frame.window), within, frame)
}

/** The same of one link and direction (`seriesOf`), from its own tests; undefined where the site has no such link then. */
export function judgeSeriesAt(
  registry: Registry,
  site: SiteRow,
  series: string,
  tests: readonly Test[],
  time: number,
): DirectionVerdict | undefined {
  const frame = frameAt(registry, site, time)
  const { from, to } = frame.window
  const within = tests.filter((test) => test.time >= from && test.time < to)
  for (const link of targetsOf(registry, site.id, frame.window)) {
    const direction = directions.find((one) => seriesOf(link.id, one) === series)
    if (direction !== undefined) return judgeDirection(within, link, direction, frame)
  }
  return undefined
}

function frameAt(registry: Registry, site: SiteRow, time: number): Frame {
  const { timezone } = registry.data.district
  const standard = standardOf(registry, site)
  return { standard, timezone, window: windowOf(standard, time, timezone) }
}

/** Links as they are at the end of a window, each with the targets that it had before within it. */
export function targetsOf(registry: Registry, site: string, { from, to }: { from: number; to: number }): Target[] {
  const now = registry.linksOf(site, to - 1)
  const changes = registry.targetChanges(site).filter((time) => time > from && time < to)
  const before = changes.map((until) => ({ until, links: registry.linksOf(site, until - 1) }))
  return now.map(({ id, downBps, upBps }) => ({
    id,
    downBps,
    upBps,
    earlier: before.flatMap(({ until, links }) => {
      const then = links.find((link) => link.id === id)
      return then === undefined ? [] : { until, downBps: then.downBps, upBps: then.upBps }
    }),
  }))
}

/**
 * Rows of each site that verdicts at any time of a span, its end included, rest on: of those too that were retired within it,
 * and back to where the longest window begins that a site has in it.
 */
export async function readTests(
  store: Store,
  registry: Registry,
  ids: readonly string[],
  span: { from: number; to: number },
): Promise<Map<string, Row[]>> {
  const { timezone } = registry.data.district
  let { from } = span
  for (const id of ids) {
    const changes = registry.targetChanges(id).filter((time) => time > span.from && time <= span.to)
    for (const time of [span.from, ...changes]) {
      const site = registry.siteAt(id, time)
      if (site !== undefined) from = Math.min(from, windowOf(standardOf(registry, site), span.from, timezone).from)
    }
  }
  const rows = await readRows(store, ids, { from, to: span.to + 1 })
  return Map.groupBy(rows, ({ tags }) => tags['site'] ?? '')
}

/** Rows of some sites within the window. A full answer is asked for again in halves: a verdict needs all of its trials. */
async function readRows(store: Store, sites: readonly string[], window: { from: number; to: number }): Promise<Row[]> {
  const rows = await store.rows({
    measurement: 'bandwidth',
    match: { site: sites },
    fields: fieldsRead,
    ...window,
    limit: rowsPerQuery,
  })
  if (rows.length < rowsPerQuery || sites.length === 1) return rows
  const middle = sites.length >> 1
  return [
    ...(await readRows(store, sites.slice(0, middle), window)),
    ...(await readRows(store, sites.slice(middle), window)),
  ]
}
