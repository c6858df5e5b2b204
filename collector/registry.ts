/** The registry with its look-ups: who an agent belongs to at a time, and the slice that each agent gets. */
import { createHash } from 'node:crypto'
import type { Expectation } from '../core/calendar.ts'
import type { Text } from '../core/catalog.ts'
import { type AgentRole, type RegistryData, usualExpectation } from '../core/registry.ts'
import type { Slice } from '../core/slice.ts'
import { type Category, directions, type Standard, targetOf } from '../core/standard.ts'
import { createSchoolCalendars, type SchoolCalendars } from './school-calendars.ts'

/** Where a sample comes from, in the tags that the collector adds. */
export type Place = { district: string; town: string; category: Category; site: string }
type Dated = { id: string; valid_from?: number | undefined; retired: boolean }
export type SiteRow = RegistryData['sites'][number]
export type LinkRow = RegistryData['links'][number]
export type RoomRow = RegistryData['rooms'][number]
export type TerminalRow = RegistryData['terminals'][number]

/** A link with the targets that hold for it. */
export type Link = { id: string; name: Text; downBps: number; upBps: number; carrier?: string }

export type Registry = {
  data: RegistryData
  standard: Standard
  calendars: SchoolCalendars
  /** The place of an agent at a time, or undefined when it is not registered. */
  placeOf: (agent: string, time: number) => Place | undefined
  /** Times at which the place of an agent changes, ascending. */
  changesOf: (agent: string) => readonly number[]
  agents: (time: number) => string[]
  /** Agents that speak for their site: their silence is its silence. */
  gateways: (time: number) => string[]
  roleOf: (agent: string, time: number) => AgentRole | undefined
  sites: (time: number) => SiteRow[]
  siteAt: (id: string, time: number) => SiteRow | undefined
  townName: (id: string, time: number) => Text
  /** The links of a site with their targets; one named `wan` where the registry has no row. */
  linksOf: (
    site: string,
    time: number,
  ) => { id: string; name: Text; downBps: number; upBps: number; carrier?: string }[]
  /** Times at which targets of a site may change, ascending. */
  targetChanges: (site: string) => readonly number[]
  terminalsOf: (site: string, time: number) => TerminalRow[]
  /** When a device should be on, by its row at a time; one that has no row, as others of its kind. */
  expectationOf: (site: string, terminal: string, kind: string, time: number) => Expectation
  roomsOf: (site: string, time: number) => RoomRow[]
  roomName: (id: string, time: number) => Text
  slice: (agent: string, time: number) => Slice | undefined
}

export function createRegistry(data: RegistryData, standard: Standard): Registry {
  const sites = versions(data.sites)
  const agents = versions(data.agents)
  const towns = versions(data.towns)
  const rooms = versions(data.rooms)
  const roomsBySite = versionsBySite(data.rooms)
  const calendars = createSchoolCalendars(data)
  const links = versionsBySite(data.links)
  const terminals = versionsBySite(data.terminals)

  const siteAt = (id: string, time: number) => at(sites.get(id), time)

  function placeOf(agent: string, time: number): Place | undefined {
    const row = at(agents.get(agent), time)
    const site = row && siteAt(row.site, time)
    return site && { district: data.district.id, town: site.town, category: site.category, site: site.id }
  }

  function linkRows(siteId: string, time: number, agent?: string): Link[] {
    const site = siteAt(siteId, time)
    if (site === undefined) return []
    const rows = links.has(siteId) ? standing(links, siteId, time) : undefined
    return linksOf(rows, site.category, standard, agent)
  }

  function slice(agent: string, time: number): Slice | undefined {
    const row = at(agents.get(agent), time)
    const site = row && siteAt(row.site, time)
    if (site === undefined) return undefined
    if (row?.role === 'terminal') {
      const own = standing(terminals, site.id, time).find((device) => device.agent === agent)
      return revised({
        ...headerOf(site, data, standard),
        ...nothingElse,
        ...(own && { terminal: { id: own.id, kind: own.kind } }),
      })
    }
    const here = <T extends { sites?: string[] | undefined }>(rows: T[]) =>
      rows.filter((r) => r.sites?.includes(site.id) ?? true)
    return revised({
      ...headerOf(site, data, standard),
      schedule: calendars.scheduleOf(site.id, site.category, time),
      trials_per_day: data.district.trials_per_day,
      links: linkRows(site.id, time, agent).map((link) => ({
        id: link.id,
        targets: directions.map((direction) => ({
          direction,
          target_bps: direction === 'down' ? link.downBps : link.upBps,
        })),
      })),
      testpoints: here(data.testpoints).map(({ name: _, sites: __, ...testpoint }) => testpoint),
      paths: here(data.paths).map(({ name: _, sites: __, ...path }) => path),
      services: here(data.services).map(({ id, url }) => ({ id, url })),
      terminals: measured(standing(terminals, site.id, time), data.district.tcp_ports),
    })
  }

  return {
    data,
    standard,
    calendars,
    placeOf,
    changesOf: (agent) => {
      const rows = agents.get(agent) ?? []
      return changesIn([...rows, ...rows.flatMap((row) => sites.get(row.site) ?? [])])
    },
    agents: (time) => current(agents, time).map((row) => row.id),
    gateways: (time) => current(agents, time).flatMap(({ id, role }) => (role === 'gateway' ? id : [])),
    roleOf: (agent, time) => at(agents.get(agent), time)?.role,
    sites: (time) => current(sites, time),
    siteAt,
    townName: (id, time) => at(towns.get(id), time)?.name ?? { en: id, zh: id },
    linksOf: (site, time) => linkRows(site, time),
    targetChanges: (site) => changesIn([...(sites.get(site) ?? []), ...[...(links.get(site)?.values() ?? [])].flat()]),
    terminalsOf: (site, time) => standing(terminals, site, time),
    expectationOf: (site, terminal, kind, time) => {
      const row = at(terminals.get(site)?.get(terminal), time)
      return row?.expected ?? usualExpectation(row?.kind ?? kind)
    },
    roomsOf: (site, time) => standing(roomsBySite, site, time),
    roomName: (id, time) => at(rooms.get(id), time)?.name ?? { en: id, zh: id },
    slice,
  }
}

/** The standard with the rule of a site's own, where it has one. */
export function standardOf({ standard }: Registry, { rule }: SiteRow): Standard {
  return rule === undefined ? standard : { ...standard, rule }
}

function headerOf({ id, name }: SiteRow, { district }: RegistryData, { threshold_ratio }: Standard) {
  return { v: 1 as const, site: { id, name }, timezone: district.timezone, threshold_ratio }
}

/** Of an agent that has nothing to measure but the device it runs on. */
const nothingElse = { trials_per_day: 0, links: [], testpoints: [], paths: [], services: [], terminals: [] }

function revised(body: Omit<Slice, 'revision'>): Slice {
  const revision = createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16)
  return { revision, ...body }
}

/** What an agent must know of the devices that it can reach at all. */
function measured(rows: readonly TerminalRow[], ports: RegistryData['district']['tcp_ports']): Slice['terminals'] {
  return rows.flatMap(({ id, kind, room, address, tcp_ports, snmp, pjlink }) =>
    address === undefined ? [] : { id, kind, room, address, snmp, pjlink, tcp_ports: tcp_ports ?? ports[kind] },
  )
}

/** `rows`: undefined for a site that the registry gives no link. */
function linksOf(rows: readonly LinkRow[] | undefined, category: Category, standard: Standard, agent?: string): Link[] {
  const downOf = (row?: LinkRow) => targetOf(standard, category, row?.target_down_bps)
  if (rows === undefined) return [{ id: 'wan', name: { en: 'WAN', zh: '出口' }, downBps: downOf(), upBps: downOf() }]
  return rows
    .filter((row) => agent === undefined || row.agent === undefined || row.agent === agent)
    .map((row) => ({
      id: row.id,
      name: row.name ?? { en: row.id, zh: row.id },
      downBps: downOf(row),
      upBps: row.target_up_bps ?? downOf(row),
      ...(row.carrier === undefined ? {} : { carrier: row.carrier }),
    }))
}

function changesIn(rows: readonly Dated[]): number[] {
  return [...new Set(rows.flatMap((row) => row.valid_from ?? []))].toSorted((a, b) => a - b)
}

/** Rows of each id, oldest first. */
function versions<T extends Dated>(rows: readonly T[]): Map<string, T[]> {
  const byId = Map.groupBy(rows, (row) => row.id)
  for (const list of byId.values()) list.sort((a, b) => (a.valid_from ?? 0) - (b.valid_from ?? 0))
  return byId
}

type BySite<T> = ReadonlyMap<string, ReadonlyMap<string, T[]>>

/** For each site every id that ever stood there, with all its rows: the later ones may say that it moved. */
function versionsBySite<T extends Dated & { site: string }>(rows: readonly T[]): BySite<T> {
  const bySite = new Map<string, Map<string, T[]>>()
  for (const [id, list] of versions(rows)) {
    for (const { site } of list) bySite.set(site, (bySite.get(site) ?? new Map<string, T[]>()).set(id, list))
  }
  return bySite
}

function standing<T extends Dated & { site: string }>(bySite: BySite<T>, site: string, time: number): T[] {
  return current(bySite.get(site) ?? new Map<string, T[]>(), time).filter((row) => row.site === site)
}

/** The row valid at a time. Before the first date the first row stands in: what was measured early must not be lost. */
function at<T extends Dated>(rows: readonly T[] | undefined, time: number): T | undefined {
  const row = rows?.findLast((r) => (r.valid_from ?? 0) <= time) ?? rows?.[0]
  return row?.retired === true && (row.valid_from ?? 0) <= time ? undefined : row
}

function current<T extends Dated>(byId: ReadonlyMap<string, T[]>, time: number): T[] {
  return [...byId.values()].flatMap((rows) => at(rows, time) ?? [])
}
