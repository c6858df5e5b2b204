/**
 * What the plan asks of the inventory (POLICY: old equipment renewed, teacher terminals, multimedia classrooms): facts
 * of a site and of the district, from the registry as it is at a time. Pure.
 */
import { dateOf } from '../core/calendar.ts'
import { localDay } from './local-time.ts'
import type { Registry, RoomRow, SiteRow, TerminalRow } from './registry.ts'

type Kind = TerminalRow['kind']

/**
 * Years of service where a row does not say. The least that Chinese public bodies write equipment off over (财会〔2017〕4
 * 号, table 1: computers and office equipment 6, communications and television equipment 5); which of its groups a kind
 * belongs to is our reading.
 */
export const usualServiceYears: Readonly<Record<Kind, number>> = {
  panel: 6,
  pc: 6,
  server: 6,
  projector: 6,
  printer: 6,
  switch: 5,
  ap: 5,
  camera: 5,
}

export type Ages = {
  devices: number
  /** With a purchase year; ages and service are of these. */
  yearKnown: number
  meanAgeYears: number | undefined
  pastService: number
  pastServiceRatio: number | undefined
  /** Of those that could be seen at all; undefined where nobody looked. */
  neverSeen: number | undefined
}
export type InventoryFacts = Ages & {
  kinds: ({ kind: Kind } & Ages)[]
  classrooms: number
  /** With a panel, or a projector and a computer. */
  equippedClassrooms: number
  equippedRatio: number | undefined
  teacherTerminals: number
  /** Of the schools that tell it; the ratio counts only their terminals. */
  teachers: number | undefined
  teacherTerminalsRatio: number | undefined
}
/** Whether a device ever answered, as far as was looked back. */
export type Seen = (device: TerminalRow) => boolean
type SiteStock = { site: SiteRow; devices: TerminalRow[]; rooms: RoomRow[] }

export function inventoryOf(registry: Registry, sites: readonly SiteRow[], time: number, seen?: Seen): InventoryFacts {
  const year = Number(dateOf(localDay(time, registry.data.district.timezone)).slice(0, 4))
  const stocks = sites.map((site) => ({
    site,
    devices: registry.terminalsOf(site.id, time),
    rooms: registry.roomsOf(site.id, time),
  }))
  const devices = stocks.flatMap((stock) => stock.devices)
  const kinds = [...Map.groupBy(devices, ({ kind }) => kind)].map(([kind, of]) => ({ kind, ...agesOf(of, year, seen) }))
  const rank = Object.keys(usualServiceYears)
  return {
    ...agesOf(devices, year, seen),
    kinds: kinds.toSorted((a, b) => rank.indexOf(a.kind) - rank.indexOf(b.kind)),
    ...classroomsOf(stocks),
    ...teachersOf(stocks),
  }
}

/** Devices that could have been seen and never were. */
export function unseen(devices: readonly TerminalRow[], seen: Seen): TerminalRow[] {
  return devices.filter((device) => (device.address ?? device.agent) !== undefined && !seen(device))
}

function agesOf(devices: readonly TerminalRow[], year: number, seen: Seen | undefined): Ages {
  // A year that has not come yet is a slip of the pen, and no age.
  const dated = devices.flatMap(({ kind, purchase_year: bought, service_years: years }) =>
    bought === undefined || bought > year ? [] : { age: year - bought, years: years ?? usualServiceYears[kind] },
  )
  // Only the year is known: what was bought six years ago may still be within its sixth year.
  const pastService = dated.filter(({ age, years }) => age > years).length
  return {
    devices: devices.length,
    yearKnown: dated.length,
    meanAgeYears: ratio(
      dated.reduce((sum, { age }) => sum + age, 0),
      dated.length,
    ),
    pastService,
    pastServiceRatio: ratio(pastService, dated.length),
    neverSeen: seen && unseen(devices, seen).length,
  }
}

function classroomsOf(stocks: readonly SiteStock[]) {
  const rooms = stocks.flatMap(({ devices, rooms: known }) => {
    const within = Map.groupBy(devices, ({ room }) => room)
    // A district that keeps no list of rooms has those that its devices name.
    const listed = new Map(known.map(({ id, use }) => [id, use]))
    const named = [...within.keys()].filter((id) => id !== 'none' && !listed.has(id))
    const classrooms = [...named, ...[...listed].flatMap(([id, use]) => (use === 'classroom' ? id : []))]
    return classrooms.map((id) => new Set((within.get(id) ?? []).map(({ kind }) => kind)))
  })
  const equipped = rooms.filter((has) => has.has('panel') || (has.has('projector') && has.has('pc')))
  return {
    classrooms: rooms.length,
    equippedClassrooms: equipped.length,
    equippedRatio: ratio(equipped.length, rooms.length),
  }
}

function teachersOf(stocks: readonly SiteStock[]) {
  const terminalsOf = (of: readonly SiteStock[]) =>
    of.flatMap(({ devices }) => devices).filter(({ user }) => user === 'teacher').length
  const telling = stocks.filter(({ site }) => site.teachers !== undefined)
  const teachers = telling.reduce((sum, { site }) => sum + (site.teachers ?? 0), 0)
  return {
    teacherTerminals: terminalsOf(stocks),
    teachers: telling.length === 0 ? undefined : teachers,
    teacherTerminalsRatio: ratio(terminalsOf(telling), teachers),
  }
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}
