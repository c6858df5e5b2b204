/** What was measured of devices while they were expected, hour by hour. */
import type { Series } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import type { Registry, SiteRow } from '../../registry.ts'
import type { Bucket } from '../terminals/availability.ts'
import { askAhead, createTurns } from '../turns.ts'

const hourSeconds = 3_600

type Stretch = { from: number; to: number; kinds: Set<string>; devices: Set<string> }
const deviceKey = (site: string, terminal: string) => `${site} ${terminal}`
const keyOf = ({ site = '', terminal = '' }: Series['tags']) => deviceKey(site, terminal)

/**
 * Hours of each device in the time that the calendar expects now, whatever it said when the samples came (decision 011). Most
 * schools share theirs: a stretch of lessons is asked for once, of all of them.
 */
export async function readHours(
  store: Store,
  registry: Registry,
  sites: readonly SiteRow[],
  span: { from: number; to: number },
): Promise<Map<string, Bucket[]>> {
  const found = new Map<string, Bucket[]>()
  const turn = createTurns()
  for await (const { devices, means, counts } of askAhead(stretchesOf(registry, sites, span), (s) => ask(store, s))) {
    const countsOf = new Map(counts.map(({ tags, points }) => [keyOf(tags), points]))
    for (const { tags, points } of means) {
      await turn()
      const key = keyOf(tags)
      if (!devices.has(key)) continue
      const { site = '', terminal = '' } = tags
      const hours = found.get(site) ?? []
      found.set(site, hours)
      const own = countsOf.get(key) ?? []
      points.forEach(([from, mean], i) => {
        // Nearly always the same hours; a sample may have come between the two answers.
        const same = own[i]?.[0] === from ? own[i] : own.find(([time]) => time === from)
        hours.push({ terminal, from, mean, count: same?.[1] ?? 0 })
      })
    }
  }
  return found
}

async function ask(store: Store, { devices, kinds, ...stretch }: Stretch) {
  const query = {
    measurement: 'terminal',
    field: 'up',
    match: { kind: [...kinds] },
    by: ['site', 'terminal'],
    everySeconds: hourSeconds,
    ...stretch,
  } as const
  // In one breath: a store that reads samples reads them once for both.
  const [means, counts] = await Promise.all([
    store.range({ ...query, aggregate: 'mean' }),
    store.range({ ...query, aggregate: 'count' }),
  ])
  return { devices, means, counts }
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
