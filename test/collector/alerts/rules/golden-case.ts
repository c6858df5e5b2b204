/**
 * A case of test/golden-alerts: `input.yaml` is what was seen and when, `expected.yaml` the notices, worked out by hand with
 * a line that says how. Seen once is seen until the same is told again. Times are seconds after `start`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { evaluate, type States } from '../../../../collector/alerts/rules/evaluate.ts'
import type { Facts } from '../../../../collector/alerts/rules/facts.ts'
import type { Maintenance } from '../../../../collector/alerts/rules/hiding.ts'
import { registeredAt, sitesAt } from '../../../../collector/alerts/rules/places.ts'
import { type Rules, rulesFileSchema, rulesOf } from '../../../../collector/alerts/rules/schema.ts'
import { createRegistry, type Registry } from '../../../../collector/registry.ts'
import type { Evidence } from '../../../../collector/judge/verdict.ts'
import { loadConfig } from '../../../../core/config-file.ts'
import { type RegistryData, registrySchema } from '../../../../core/registry.ts'
import { standardsFileSchema } from '../../../../core/standard.ts'

type Outcome = Evidence['outcome']
type Seen = {
  at: number
  silent?: string[] | 'all'
  /** Schools whose gateway was heard, and whether another machine speaks as it. */
  twins?: Record<string, boolean>
  /** By site, newest first; `below?`: not confirmed. */
  trials?: Record<string, (Outcome | 'below?')[]>
  /** By site and level: loss and round trip. */
  paths?: Record<string, Record<string, [number, number]>>
  rooms?: Record<string, Record<string, 'up' | 'down' | 'unknown' | 'off' | 'flapping'>>
  /** By site and kind: how many are up and down. */
  devices?: Record<string, Record<string, [up: number, down: number]>>
  parts?: Record<string, string[]>
  readings?: Record<string, ({ value: number } & Record<string, string | number>)[]>
  maintenance?: (Omit<Maintenance, 'id' | 'by' | 'note'> & Partial<Maintenance>)[]
  /** Key of the state that somebody acknowledges. */
  acknowledge?: string
}
type Input = {
  start: string
  until: number
  every?: number
  schools: number
  towns?: number
  /** Stops being looked at between two times, as when the collector is down. */
  pause?: [from: number, to: number]
  rules?: unknown
  registry?: Partial<RegistryData>
  timeline: Seen[]
}
export type Case = { how: string; notices: string[] }

export const defaultRules = rulesOf(loadConfig('config/alerts.yaml', rulesFileSchema, {}))
const standard = loadConfig('config/standards.yaml', standardsFileSchema, {}).standards[0]

export function expectedOf(folder: string): Case {
  return parse(readFileSync(join(folder, 'expected.yaml'), 'utf8')) as Case
}

/** `each`: what happens to the states between two instants, such as a restart. */
export function noticesOfCase(folder: string, each: (states: States) => States = (states) => states): string[] {
  const input = parse(readFileSync(join(folder, 'input.yaml'), 'utf8')) as Input
  const rules: Rules = input.rules === undefined ? defaultRules : rulesOf(rulesFileSchema.parse(input.rules))
  const registry = registryOf(input)
  const start = Date.parse(input.start)
  const told: string[] = []
  let states: States = new Map()
  let seen: Omit<Seen, 'at'> = {}
  const { every = 5, pause: [pausedFrom, pausedTo] = [0, 0] } = input
  for (let second = 0; second <= input.until; second += every) {
    for (const next of input.timeline.filter(({ at }) => at > second - every && at <= second))
      seen = { ...seen, ...next }
    if (second >= pausedFrom && second < pausedTo) continue
    const facts = factsOf(seen, registry, start + second * 1_000)
    const maintenance = (seen.maintenance ?? []).map((window) => ({
      ...{ id: 'm', by: 'test', note: '', ...window },
      from: start + window.from * 1_000,
      to: start + window.to * 1_000,
    }))
    const result = evaluate(rules, facts, each(acknowledged(states, seen.acknowledge)), maintenance)
    states = result.states
    const known = new Set<string>()
    for (const { id, status, alert } of result.notices) {
      if (known.has(id)) throw new Error(`${id} was told twice.`)
      known.add(id)
      told.push(`${second} ${status} ${alert.replace(/@\d+$/, '')}`)
    }
  }
  return told
}

function acknowledged(states: States, key: string | undefined): States {
  const state = key === undefined ? undefined : states.get(key)
  if (key === undefined || state === undefined) return states
  return new Map(states).set(key, { ...state, acknowledged: { by: 'test', at: 0, note: '' } })
}

function registryOf({ schools, towns = 1, registry = {} }: Input): Registry {
  const text = (id: string) => ({ en: id, zh: id })
  const data = registrySchema.parse({
    district: { id: 'd', name: text('d') },
    towns: Array.from({ length: towns }, (_, i) => ({ id: `t${i + 1}`, name: text(`t${i + 1}`) })),
    sites: Array.from({ length: schools }, (_, i) => ({
      id: `s${i + 1}`,
      name: text(`s${i + 1}`),
      town: `t${(i % towns) + 1}`,
      category: 'town',
    })),
    ...registry,
  })
  if (standard === undefined) throw new Error('There is no standard.')
  return createRegistry(data, standard)
}

function factsOf(seen: Omit<Seen, 'at'>, registry: Registry, time: number): Facts {
  const sites = sitesAt(registry, time)
  const silent = seen.silent === 'all' ? [...sites.keys()] : (seen.silent ?? [])
  const entries = <T>(record: Record<string, T> | undefined) => Object.entries(record ?? {})
  return {
    time,
    sites,
    silence: new Map([...sites.keys()].map((id) => [id, silent.includes(id) ? { since: time } : 'heard'])),
    agents: entries(seen.twins).map(([site, taken]) => ({ site, agent: `${site}-gw`, taken })),
    verdicts: new Map(entries(seen.trials).map(([site, trials]) => [site, { directions: [directionOf(trials)] }])),
    paths: new Map(
      entries(seen.paths).map(([site, levels]) => [
        site,
        entries(levels).map(([level, [lossRatio, rttSeconds]]) => ({ level, lossRatio, rttSeconds })),
      ]),
    ),
    rooms: new Map(
      entries(seen.rooms).map(([site, rooms]) => [
        site,
        entries(rooms).map(([room, state]) => ({ room, state, name: { en: room, zh: room }, causes: ['pc1'] })),
      ]),
    ),
    devices: new Map(
      entries(seen.devices).map(([site, kinds]) => [
        site,
        entries(kinds).flatMap(([kind, [up, down]]) =>
          Array.from({ length: up + down }, (_, i) => ({
            id: `${kind}${i}`,
            kind: kind as 'pc',
            state: i < up ? ('up' as const) : ('down' as const),
          })),
        ),
      ]),
    ),
    parts: new Map(entries({ broker: [], store: [], ...seen.parts })),
    calendars: registry.calendars.gaps(registry.sites(time), time),
    registered: (labels) => registeredAt(registry, time, labels),
    readings: new Map(
      entries(seen.readings).map(([rule, readings]) => [
        rule,
        readings.map(({ value, ...tags }) => ({ value, tags: tags as Record<string, string> })),
      ]),
    ),
  }
}

function directionOf(trials: readonly (Outcome | 'below?')[]) {
  const evidence = trials.map(
    (outcome): Evidence => ({
      time: 0,
      outcome: outcome === 'below?' ? 'below' : outcome,
      cause: 'none',
      method: 'counter',
      trigger: 'scheduled',
      testpoint: 't',
      linkRateBps: 3e8,
      goodputBps: 2.9e8,
      targetBps: 5e8,
      tests: outcome === 'below' ? 2 : 1,
      counted: outcome !== 'inconclusive',
      ...(outcome === 'inconclusive' && { leftOut: 'inconclusive' as const }),
    }),
  )
  return {
    link: 'wan',
    direction: 'down' as const,
    decides: true,
    targetBps: 5e8,
    evidence,
  }
}
