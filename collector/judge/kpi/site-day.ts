/** The figures of the plan (POLICY.md) for one school and one local day. Pure; what is not known is counted as that. */
import { degradedLevel, type LevelQuality, readinessOf } from '../../../core/readiness.ts'
import type { Standard } from '../../../core/standard.ts'
import type { InventoryFacts } from '../../inventory.ts'
import type { TerminalRow } from '../../registry.ts'
import type { Availability } from '../terminals/availability.ts'
import type { SiteVerdict } from '../verdict.ts'
import { worstOf } from '../verdict.ts'
import type { Repairs } from './repairs.ts'

/** What is known of a school on a day. Shares are of the time that was measured; undefined where nothing was. */
export type SiteDay = {
  standard: Standard
  /** At the end of the day. */
  verdict: SiteVerdict
  reported: boolean
  linkUp: number | undefined
  servicesUp: number | undefined
  levels: readonly LevelQuality[]
  devices: readonly TerminalRow[]
  /** In lesson time, or always for what runs always. */
  availability: Availability
  inventory: InventoryFacts
  /** By wireless controllers. */
  accessPoints: { up: number; all: number } | undefined
  clients: number | undefined
  /** Of devices and rooms, by their alerts; undefined where none rang. */
  repairs: Repairs | undefined
}

/** Add up over schools. `unknown`: of the same things as the denominator, at least one where nothing is known. */
export type Count = { numerator: number; denominator: number; unknown: number }

const unknown = (things = 1): Count => ({ numerator: 0, denominator: 0, unknown: Math.max(1, things) })
const known = (numerator: number, denominator = 1, rest = 0): Count =>
  denominator === 0 ? unknown(rest) : { numerator, denominator, unknown: rest }
const share = (part: number | undefined): Count => (part === undefined ? unknown() : known(part))
const yes = (holds: boolean | undefined): Count => share(holds === undefined ? undefined : Number(holds))

function shares(parts: readonly (number | undefined)[]): Count {
  const told = parts.filter((part) => part !== undefined)
  return known(
    told.reduce((sum, part) => sum + part, 0),
    told.length,
    parts.length - told.length,
  )
}

function met({ verdict: { directions, verdict } }: SiteDay, direction?: 'down' | 'up'): Count {
  const own = directions.filter((one) => one.direction === direction)
  const said = direction === undefined ? verdict : worstOf(own.map((one) => one.verdict))
  return yes(said === 'unknown' ? undefined : said === 'met')
}

/** Not where the path degrades; what lies behind that level is not known to be good or bad. */
function holdsAt({ levels, standard }: SiteDay, level: string): Count {
  if (!levels.some((one) => one.level === level)) return unknown()
  return yes(degradedLevel(levels, standard.live_class) !== level)
}

const availabilities = ({ devices, availability }: SiteDay, which: (device: TerminalRow) => boolean) =>
  devices.filter(which).map(({ id }) => availability.devices.get(id))
const reachable = ({ address, agent }: TerminalRow) => (address ?? agent) !== undefined

/** A classroom that lacks a display or a computer is one of `classrooms_equipped`, and not judged here. */
function classrooms({ availability: { rooms }, inventory }: SiteDay): Count {
  const judged = [...rooms].flatMap(([id, part]) => (id === 'none' || part === undefined ? [] : part))
  const sum = judged.reduce((total, part) => total + part, 0)
  return known(sum, judged.length, Math.max(0, inventory.equippedClassrooms - judged.length))
}

function accessPoints(day: SiteDay): Count {
  const { accessPoints: told } = day
  return told !== undefined && told.all > 0
    ? known(told.up, told.all)
    : shares(availabilities(day, ({ kind }) => kind === 'ap'))
}

function wireless(day: SiteDay): Count {
  const { numerator, denominator } = accessPoints(day)
  return yes(denominator === 0 ? undefined : numerator > 0)
}

function usedByTeachers(day: SiteDay): Count {
  const parts = availabilities(day, ({ user }) => user === 'teacher')
  return shares(parts.map((part) => (part === undefined ? undefined : Number(part > 0))))
}

function carriesClass({ levels, standard }: SiteDay): Count {
  const { state } = readinessOf(levels, { downBps: null, upBps: null }, standard.live_class)
  return yes(state === 'unknown' ? undefined : state === 'good')
}

/** What each is a share of stands in the catalog, at `kpi`. */
export const kpis = {
  compliance: (day) => met(day),
  compliance_down: (day) => met(day, 'down'),
  compliance_up: (day) => met(day, 'up'),
  path_district: (day) => holdsAt(day, 'district'),
  path_city: (day) => holdsAt(day, 'city'),
  path_province: (day) => holdsAt(day, 'province'),
  links_up: ({ linkUp }) => share(linkUp),
  classrooms_working: classrooms,
  classrooms_equipped: ({ inventory: { equippedClassrooms, classrooms: all } }) => known(equippedClassrooms, all),
  teacher_terminals: ({ inventory: { teachers, teacherTerminals } }) =>
    teachers === undefined ? unknown() : known(teacherTerminals, teachers),
  teacher_terminals_used: usedByTeachers,
  access_points_up: accessPoints,
  wireless_schools: wireless,
  // Not a share: clients at their most, of as many schools.
  wireless_clients: ({ clients }) => (clients === undefined ? unknown() : known(clients)),
  equipment_past_service: ({ inventory: { pastService, yearKnown, devices } }) =>
    known(pastService, yearKnown, devices - yearKnown),
  // Not a share: years, of as many devices.
  equipment_age: ({ inventory: { meanAgeYears, yearKnown, devices } }) =>
    known((meanAgeYears ?? 0) * yearKnown, yearKnown, devices - yearKnown),
  equipment_never_seen: ({ devices, inventory: { neverSeen } }) => {
    const all = devices.filter(reachable).length
    return neverSeen === undefined ? unknown(all) : known(neverSeen, all)
  },
  devices_available: (day) => shares(availabilities(day, reachable)),
  devices_failed: (day) => {
    const parts = availabilities(day, reachable)
    return shares(parts.map((part) => (part === undefined ? undefined : Number(part === 0))))
  },
  // Not a share: hours, of as many faults that ended on the day. Those that last are not known; none at all is no lack.
  repair_time: ({ repairs }) => ({
    numerator: repairs?.hours ?? 0,
    denominator: repairs?.repaired ?? 0,
    unknown: repairs?.open ?? 0,
  }),
  schools_reporting: ({ reported }) => yes(reported),
  live_class: carriesClass,
  services_up: ({ servicesUp }) => share(servicesUp),
} as const satisfies Record<string, (day: SiteDay) => Count>
export type KpiName = keyof typeof kpis
export const kpiNames = Object.keys(kpis) as KpiName[]

/** Sums, and no shares of anything: their value is not a ratio. */
export const sums: readonly KpiName[] = ['wireless_clients', 'equipment_age', 'repair_time']
