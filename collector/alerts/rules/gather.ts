/** The facts of one instant, from what the collector knows and what is stored. What cannot be asked is left out. */
import { levels } from '../../../core/registry.ts'
import type { Health, Store } from '../../../store/store.ts'
import type { Fleet } from '../../fleet.ts'
import { judgeDevices } from '../../judge/terminals/faults.ts'
import { roomStateOf } from '../../judge/terminals/rooms.ts'
import type { SiteVerdict } from '../../judge/verdict.ts'
import type { Registry } from '../../registry.ts'
import type { DeviceFact, Facts, PathFact, Reading, RoomFact } from './facts.ts'
import { createAsk, within } from './patience.ts'
import { registeredAt, sitesAt } from './places.ts'
import type { Rule } from './schema.ts'

export type GatherDeps = {
  registry: () => Registry
  fleet: Pick<Fleet, 'state'>
  store: Pick<Store, 'last' | 'rows' | 'range'>
  verdicts: () => ReadonlyMap<string, SiteVerdict>
  parts: Readonly<Record<string, () => Health | Promise<Health>>>
  rules: readonly Rule[]
  now: () => number
  /** Of a clock that nobody sets, ms. Without it, `now`. */
  elapsed?: () => number
  /** How long a look waits for the store and other parts. */
  patienceMs?: number
}

/** Stored values change once a minute; a look at the fleet costs nothing, and is made each time. */
const storedMs = 30_000
/** What a store said before it began to hang is no fact after this. */
const staleMs = 60_000
/** At each look the devices of some schools are looked at; of all schools in two minutes, or sooner where they are few. */
const terminalLooks = 24
const leastSites = 4
const terminalMs = 12 * 60_000
const pathMs = 15 * 60_000
const pathSeconds = 300
/** After a start agents come back in so long; one that was heard of before and does not is silent. */
const returnMs = 180_000
/** Machines with one id take turns; one that waits for the other is back within minutes. */
const twinsMs = 900_000
const heardMs = 7 * 86_400_000

export function createGather(deps: GatherDeps) {
  const { registry, fleet, verdicts, parts, now, elapsed = now, patienceMs = 3_000 } = deps
  const ask = createAsk(parts, { patienceMs, elapsed })
  const stored = createStored(deps, elapsed, patienceMs)
  const started = elapsed()

  return async (): Promise<Facts> => {
    const time = now()
    const known = registry()
    const [problems, { heard, ...rest }] = await Promise.all([ask(), stored(known, time)])
    const returned = elapsed() - started > returnMs
    return {
      ...rest,
      time,
      sites: sitesAt(known, time),
      silence: silenceOf(known, fleet, returned ? heard : undefined, time),
      agents: agentsOf(known, fleet, time),
      verdicts: verdicts(),
      parts: problems,
      calendars: known.calendars.gaps(known.sites(time), time),
      registered: (labels) => registeredAt(known, time, labels),
    }
  }
}

type Stored = Pick<Facts, 'rooms' | 'devices' | 'paths' | 'readings'> & {
  heard: ReadonlyMap<string, number> | undefined
}

/** What the store says. For as long as it takes its time, what it said before stands. */
function createStored(
  { store, rules }: Pick<GatherDeps, 'store' | 'rules'>,
  elapsed: () => number,
  patienceMs: number,
) {
  const terminals = createTerminals(store)
  let paths: Facts['paths'] = new Map()
  let readings: Facts['readings'] = new Map()
  let heard: ReadonlyMap<string, number> | undefined
  let storedAt = -Infinity
  let reading: Promise<void> | undefined
  let readAt = -Infinity

  async function readStored(time: number): Promise<void> {
    heard ??= await readHeard(store, time)
    const found = new Map<string, readonly Reading[]>()
    for (const rule of rules) {
      if (rule.when.type === 'measurement') found.set(rule.id, await readingsOf(store, rule.when, time))
    }
    readings = found
    paths = rules.some(({ when }) => when.type === 'path') ? await readPaths(store, time) : new Map()
    storedAt = time
  }

  /** The rule of the store tells that it does not answer; what it said last is no fact any more. */
  function forget(): void {
    terminals.forget()
    paths = new Map()
    readings = new Map()
    storedAt = -Infinity
  }

  async function read(known: Registry, time: number): Promise<void> {
    const began = elapsed()
    try {
      if (Math.abs(time - storedAt) >= storedMs) await readStored(time)
      await terminals.read(known, time)
      readAt = began
    } catch {
      forget()
    } finally {
      reading = undefined
    }
  }

  return async (known: Registry, time: number): Promise<Stored> => {
    const before = reading
    reading ??= read(known, time)
    await within(reading, before === undefined ? patienceMs : 0)
    if (elapsed() - readAt > staleMs) forget()
    return { ...terminals.facts, paths, readings, heard }
  }
}

function createTerminals(store: GatherDeps['store']) {
  const rooms = new Map<string, readonly RoomFact[]>()
  const devices = new Map<string, readonly DeviceFact[]>()
  let look = 0

  async function read(known: Registry, time: number): Promise<void> {
    const all = known.sites(time)
    const looks = Math.min(terminalLooks, Math.ceil(all.length / leastSites))
    const sites = all.filter((_, i) => i % looks === look % looks)
    look++
    const equipped = sites.filter(({ id }) => known.terminalsOf(id, time).length > 0)
    if (equipped.length === 0) return
    const limit =
      equipped.reduce((sum, { id }) => sum + known.terminalsOf(id, time).length, 0) * 2 * (terminalMs / 60_000)
    const match = { site: equipped.map(({ id }) => id) }
    const query = {
      measurement: 'terminal' as const,
      match,
      fields: ['up', 'cut_off'],
      from: time - terminalMs,
      to: time + 1,
    }
    const rows = Map.groupBy(await store.rows({ ...query, limit }), ({ tags }) => tags['site'])
    for (const site of equipped) {
      const judged = judgeDevices(known, site, rows.get(site.id) ?? [], time)
      const states = judged.map(({ terminal, stretches }) => {
        const last = stretches.at(-1)
        return { ...terminal, state: last?.state ?? ('unknown' as const), since: last?.from }
      })
      devices.set(
        site.id,
        states.map(({ id, kind, state }) => ({ id, kind, state })),
      )
      rooms.set(site.id, roomsOf(known, states, time))
    }
  }

  return {
    facts: { rooms, devices },
    read,
    forget: () => {
      rooms.clear()
      devices.clear()
    },
  }
}

function agentsOf(known: Registry, fleet: Pick<Fleet, 'state'>, time: number): Facts['agents'] {
  return known.agents(time).flatMap((agent) => {
    const site = known.placeOf(agent, time)?.site
    const { presence, twinAt = -Infinity } = fleet.state(agent)
    return site === undefined || presence === 'unknown' ? [] : [{ site, agent, taken: time - twinAt < twinsMs }]
  })
}

function silenceOf(
  known: Registry,
  fleet: Pick<Fleet, 'state'>,
  heard: ReadonlyMap<string, number> | undefined,
  time: number,
): Facts['silence'] {
  const bySite = Map.groupBy(known.gateways(time), (agent) => known.placeOf(agent, time)?.site)
  const silence = new Map<string, { since: number } | 'heard'>()
  for (const [site, agents] of bySite) {
    if (site === undefined) continue
    const states = agents.map((agent) => ({ heardAt: heard?.get(agent), ...fleet.state(agent) }))
    if (states.some(({ presence }) => presence === 'online')) silence.set(site, 'heard')
    else {
      const since = states.flatMap(({ presence, since: at, heardAt }) =>
        presence === 'offline' ? (at ?? time) : (heardAt ?? []),
      )
      if (since.length > 0) silence.set(site, { since: Math.max(...since) })
    }
  }
  return silence
}

async function readHeard(store: GatherDeps['store'], time: number): Promise<Map<string, number>> {
  const query = { measurement: 'agent' as const, fields: ['uptime_seconds'], from: time - heardMs, to: time + 1 }
  return new Map((await store.last(query)).map((row) => [row.tags['agent'] ?? '', row.time]))
}

async function readingsOf(
  store: GatherDeps['store'],
  { measurement, field, match, within_seconds }: Extract<Rule['when'], { type: 'measurement' }>,
  time: number,
): Promise<Reading[]> {
  const from = time - within_seconds * 1_000
  const name = measurement as 'agent'
  const rows = await store.last({ measurement: name, match, fields: [field], from, to: time + 1 })
  return rows.flatMap(({ tags, fields }) => {
    const value = fields[field]
    return value === null || value === undefined ? [] : { tags, value }
  })
}

async function readPaths(store: GatherDeps['store'], time: number): Promise<Map<string, PathFact[]>> {
  const from = Math.floor((time - pathMs) / (pathSeconds * 1_000)) * pathSeconds * 1_000
  const by = ['site', 'level', 'target']
  const query = {
    measurement: 'path' as const,
    from,
    to: time + 1,
    everySeconds: pathSeconds,
    by,
    aggregate: 'mean' as const,
  }
  const [losses, trips] = await Promise.all([
    store.range({ ...query, field: 'loss_ratio' }),
    store.range({ ...query, field: 'rtt_mean_seconds' }),
  ])
  const keyOf = (tags: Readonly<Record<string, string>>) => by.map((name) => tags[name]).join(' ')
  const meanOf = (points: readonly (readonly [number, number])[]) =>
    points.reduce((sum, [, value]) => sum + value, 0) / points.length
  const tripOf = new Map(trips.map(({ tags, points }) => [keyOf(tags), meanOf(points)]))
  const bySite = Map.groupBy(losses, ({ tags }) => tags['site'] ?? '')
  return new Map(
    [...bySite].map(([site, series]) => [
      site,
      levels.flatMap((level): PathFact[] => {
        const targets = series.filter(({ tags, points }) => tags['level'] === level && points.length > 0)
        const best = targets.map(({ tags, points }) => ({
          lossRatio: meanOf(points),
          rttSeconds: tripOf.get(keyOf(tags)),
        }))
        const [first] = best.toSorted((a, b) => a.lossRatio - b.lossRatio || (a.rttSeconds ?? 1) - (b.rttSeconds ?? 1))
        return first === undefined ? [] : [{ level, ...first }]
      }),
    ]),
  )
}

type DeviceState = DeviceFact & { room: string; since: number | undefined }

function roomsOf(known: Registry, states: readonly DeviceState[], time: number): RoomFact[] {
  return [...Map.groupBy(states, ({ room }) => room)].flatMap(([room, within]) => {
    const { state, causes } = roomStateOf(within)
    return state === 'none' ? [] : { room, name: known.roomName(room, time), state, causes }
  })
}
