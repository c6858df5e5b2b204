/** Reads the windows of sites from the store, many at a time, and judges them. */
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import type { Registry, SiteRow } from '../registry.ts'
import { judgeSite, type SiteVerdict, windowOf } from './verdict.ts'

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
  const { standard, data } = registry
  const window = windowOf(standard, time, data.district.timezone)
  const verdicts = new Map<string, SiteVerdict>()
  for (let i = 0; i < sites.length; i += sitesPerQuery) {
    const part = sites.slice(i, i + sitesPerQuery)
    const rows = Map.groupBy(
      await readRows(
        store,
        part.map(({ id }) => id),
        window,
      ),
      ({ tags }) => tags['site'],
    )
    for (const { id } of part) {
      verdicts.set(id, judgeSite(id, registry.linksOf(id, time), rows.get(id) ?? [], standard, window))
    }
  }
  return verdicts
}

/** Rows of some sites within the window. A full answer is asked for again in halves: a verdict needs all of its trials. */
async function readRows(store: Store, sites: string[], window: { from: number; to: number }): Promise<Row[]> {
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
