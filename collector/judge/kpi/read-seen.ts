/** Which devices have answered of late: only those are asked for that did not while they were expected. */
import type { Match } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import { dayMs } from '../../local-time.ts'
import type { Registry, SiteRow } from '../../registry.ts'
import type { Bucket } from '../terminals/availability.ts'
import { askAhead, createTurns } from '../turns.ts'

/** A device that has not answered in so long was never seen. */
const lookBackDays = 30
/** While more of all devices are missing, as on a day off, one day after the other is asked of all; then of the few by name. */
const fewShare = 0.1
/** One question names so many devices and their sites: some stores ask by a text of bounded length. */
const namesPerQuery = 100

const daySeconds = dayMs / 1000

/** Of whole local days. */
type Span = { from: number; to: number; utcOffsetSeconds: number }
/** Of each site that was looked at, the devices that answered. */
export type Seen = Map<string, Set<string>>

/** Up to the end of `day`, of which `hours` are known. */
export async function readSeen(
  store: Store,
  registry: Registry,
  { sites, day, hours }: { sites: readonly SiteRow[]; day: Span; hours: ReadonlyMap<string, readonly Bucket[]> },
): Promise<Seen> {
  const seen: Seen = new Map(
    [...hours].map(([site, own]) => [site, new Set(own.flatMap(({ terminal, mean }) => (mean > 0 ? terminal : [])))]),
  )
  const begin = day.to - lookBackDays * dayMs
  const all = sites.flatMap(({ id: site }) => registry.terminalsOf(site, day.to - 1).map(({ id }) => ({ site, id })))
  const missing = () => all.filter(({ site, id }) => seen.get(site)?.has(id) !== true)
  let before: Span = { ...day, from: begin }
  let rest = missing()
  for (; rest.length > fewShare * all.length && before.to > begin; rest = missing()) {
    const from = Math.max(begin, before.to - dayMs)
    await look(store, seen, { ...before, from }, [{}])
    before = { ...before, to: from }
  }
  const named = parts(rest).map((devices) => ({
    site: [...new Set(devices.map(({ site }) => site))],
    terminal: devices.map(({ id }) => id),
  }))
  await look(store, seen, before, named)
  // A site was looked at, too, where all that was measured has left the registry.
  const unknown = parts(sites.flatMap(({ id }) => (seen.has(id) ? [] : id)))
  await look(
    store,
    seen,
    before,
    unknown.map((site) => ({ site })),
  )
  return seen
}

function parts<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / namesPerQuery)
  return Array.from({ length: count }, (_, i) => all.slice(i * namesPerQuery, (i + 1) * namesPerQuery))
}

/** Adds who answered in a span, of those that match one of some questions. */
async function look(store: Store, seen: Seen, span: Span, matches: readonly Match[]): Promise<void> {
  if (span.from >= span.to) return
  const by = ['site', 'terminal']
  const turn = createTurns()
  const query = { measurement: 'terminal', field: 'up', aggregate: 'max', by, everySeconds: daySeconds } as const
  for await (const series of askAhead(matches, (match) => store.range({ ...query, match, ...span }))) {
    for (const { tags, points } of series) {
      await turn()
      const { site = '', terminal = '' } = tags
      const answered = seen.get(site) ?? new Set()
      seen.set(site, answered)
      if (points.some(([, value]) => value > 0)) answered.add(terminal)
    }
  }
}
