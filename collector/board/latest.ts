/** Newest samples of all sites, for lists. Asked of the store at most every few seconds, however many look. */
import type { MeasurementName } from '../../core/catalog.ts'
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { dayMs } from '../local-time.ts'

const hourMs = 3_600_000
const keptMs = 2_000

/** How far back each goes: a figure older than that is history, not state. */
const reach = { host: hourMs, path: hourMs, wan: hourMs, bandwidth: 8 * dayMs } as const
export type LatestName = keyof typeof reach

export type Latest = {
  /** Rows by site. */
  all: () => Promise<Record<LatestName, ReadonlyMap<string, Row[]>>>
  /** Rows of one site, reaching back as far as told. */
  of: (site: string, measurement: MeasurementName, reachMs: number) => Promise<Row[]>
}

export function createLatest(store: Store, now: () => number): Latest {
  let kept: { at: number; answer: ReturnType<Latest['all']> } | undefined

  async function ask(time: number): ReturnType<Latest['all']> {
    const rows = (measurement: LatestName) => store.last({ measurement, from: time - reach[measurement], to: time + 1 })
    const [host, path, wan, bandwidth] = await Promise.all([rows('host'), rows('path'), rows('wan'), rows('bandwidth')])
    return {
      host: bySite(host),
      path: bySite(path),
      wan: bySite(wan),
      bandwidth: bySite(newestTests(bandwidth)),
    }
  }

  return {
    all: () => {
      const time = now()
      if (kept !== undefined && time - kept.at < keptMs && time >= kept.at) return kept.answer
      const mine = { at: time, answer: ask(time) }
      kept = mine
      // A failure is told to those who asked, and not kept for the next.
      mine.answer.catch(() => {
        if (kept === mine) kept = undefined
      })
      return mine.answer
    },
    of: async (site, measurement, reachMs) => {
      const time = now()
      const rows = await store.last({ measurement, match: { site }, from: time - reachMs, to: time + 1 })
      return measurement === 'bandwidth' ? newestTests(rows) : rows
    },
  }
}

function bySite(rows: readonly Row[]): ReadonlyMap<string, Row[]> {
  return Map.groupBy(rows, ({ tags }) => tags['site'] ?? '')
}

/** A link may be tested against several testpoints, each a series: the newest of link and direction speaks. */
function newestTests(rows: readonly Row[]): Row[] {
  const newest = new Map<string, Row>()
  for (const row of rows) {
    const key = `${row.tags['site']} ${row.tags['link']} ${row.tags['direction']}`
    const known = newest.get(key)
    if (known === undefined || known.time < row.time) newest.set(key, row)
  }
  return [...newest.values()]
}
