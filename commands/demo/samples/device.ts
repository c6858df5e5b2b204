/** What access points, switches, projectors and printers tell of themselves while they are on. */
import type { Sample } from '../../../core/catalog.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { activity, minuteMs } from '../calendar.ts'
import type { District, School } from '../district.ts'
import type { Device } from '../inventory.ts'
import { chance, keyOf, mix, randomOf } from '../random.ts'
import { isOn } from './terminal.ts'

type Fields = Sample<'device'>['fields']
type About = { key: number; busy: number; random: () => number; time: number; end: number; worn: boolean }

/** States of `fault` and `fault_part` in the catalog. */
const faults = { none: 0, warning: 1, error: 2 } as const
const parts = { fan: 1, lamp: 2, filter: 5, paper: 6, supply: 7, jam: 8 } as const
const projectorParts = [parts.filter, parts.lamp, parts.fan] as const

const mostClients = 45
/** Toner of a printer lasts for so long. */
const tonerDays = 90
const lowToner = 0.08

export function deviceSamples(school: School, district: District, time: number): Sample<'device'>[] {
  const random = randomOf(mix(school.key + 90, Math.floor(time / minuteMs)))
  const busy = activity(school.category, school.boarding, time)
  return school.devices.flatMap((device) => {
    const { id, kind } = device
    const says = tellers[kind]
    if (says === undefined || !isOn(school, device, district, time)) return []
    const worn = id === district.showcase?.wornProjector || id === district.showcase?.emptyPrinter
    const about = { key: keyOf(id, school.key), busy, random, time, end: district.moment.end, worn }
    return { measurement: 'device', tags: { terminal: id, kind }, fields: says(about) }
  })
}

/** Clients of an access point: most in lessons, never the same twice. */
export function clientsOf(key: number, busy: number, draw: number): number {
  return Math.floor(mostClients * (0.4 + 0.6 * chance(key, 30)) * busy * (0.85 + 0.3 * draw))
}

const tellers: Partial<Record<Device['kind'], (about: About) => Fields>> = {
  ap: ({ key, busy, random, time }) => ({
    ...answering(key, busy, random, time),
    clients_count: clientsOf(key, busy, random()),
  }),
  switch: ({ key, busy, random, time }) => ({
    ...answering(key, busy, random, time),
    ports_count: 28,
    ports_up_count: 12 + Math.floor(12 * chance(key, 31)),
    temperature_celsius: 36 + 8 * chance(key, 32) + 4 * busy,
  }),
  projector: ({ key, worn, time, end }) => {
    const failing = worn || chance(key, 33) < 0.03
    const part = worn ? parts.lamp : (projectorParts[Math.floor(projectorParts.length * chance(key, 34))] ?? parts.lamp)
    const hours = (worn ? 3_600 : 200 + 2_800 * chance(key, 35)) - (5 * (end - time)) / dayMs
    return {
      pjlink: 0,
      power: 1,
      lamp_seconds: Math.max(0, Math.floor(hours)) * 3_600,
      input_code: 31,
      ...(failing ? { fault: faults.warning, fault_part: part } : { fault: faults.none, fault_part: 0 }),
    }
  },
  printer: ({ key, worn, time }) => {
    const days = (time / dayMs + tonerDays * chance(key, 36)) % tonerDays
    const left = worn ? 0.03 : Math.max(0.01, 1 - days / tonerDays)
    const jammed = !worn && chance(key, Math.floor(time / dayMs)) < 0.01
    const fault = jammed ? faults.error : left < lowToner ? faults.warning : faults.none
    const part = jammed ? parts.jam : left < lowToner ? parts.supply : 0
    return { snmp: 0, supply_left_ratio: left, fault, fault_part: part }
  },
}

function answering(key: number, busy: number, random: () => number, time: number): Fields {
  const period = (20 + 60 * chance(key, 37)) * dayMs
  return {
    snmp: 0,
    uptime_seconds: Math.floor(((time + key * 1_000) % period) / 1_000),
    cpu_ratio: 0.05 + 0.25 * busy * chance(key, 38) + 0.05 * random(),
    memory_used_ratio: 0.35 + 0.3 * chance(key, 39),
  }
}
