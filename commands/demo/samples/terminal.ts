import type { Expectation } from '../../../core/calendar.ts'
import type { Sample } from '../../../core/catalog.ts'
import { usualExpectation } from '../../../core/registry.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { isSchoolDay, localDay, localHour, minuteMs } from '../calendar.ts'
import type { District, School } from '../district.ts'
import type { Device } from '../inventory.ts'
import { chance, keyOf, mix, randomOf } from '../random.ts'
import { isSilenced } from '../showcase.ts'

const brokenShare = 0.075
const brokenWithinDays = 90
/** Share of the devices of a kind that are switched on at all on a school day. */
const usedShare: Partial<Record<Device['kind'], number>> = { panel: 0.985, pc: 0.975, projector: 0.5, printer: 0.9 }

export function terminalSamples(school: School, district: District, time: number): Sample<'terminal'>[] {
  const random = randomOf(mix(school.key + 80, Math.floor(time / minuteMs)))
  const expected = expectedAt(school, district, time)
  return school.devices.map((device) => {
    const { id, kind, room } = device
    const on = isOn(school, device, district, time)
    const draw = random()
    const lost = draw < 0.004 ? 0.25 : 0
    return {
      measurement: 'terminal',
      tags: { terminal: id, kind, room },
      fields: {
        up: on ? 1 : 0,
        rtt_seconds: on ? 0.0003 + (kind === 'ap' ? 0.0025 : 0.0008) * draw : null,
        loss_ratio: on ? lost : 1,
        expected: expected(device.expected ?? usualExpectation(kind)) ? 1 : 0,
      },
    }
  })
}

/** As the collector's ingest adds it to what agents send. */
function expectedAt({ id, category }: School, { registry }: District, time: number) {
  const known = new Map<Expectation, boolean>()
  return (expectation: Expectation): boolean => {
    const is = known.get(expectation) ?? registry.calendars.expectedOf(id, category, expectation).at(time)
    known.set(expectation, is)
    return is
  }
}

export function isOn(school: School, device: Device, { moment, showcase }: District, time: number): boolean {
  const { id, kind } = device
  const key = keyOf(id, school.key)
  const [day, hour] = [localDay(time), localHour(time)]
  const shown = showcase?.site === school.id ? showcase : undefined
  const broken = shown === undefined ? breakOf(school, id, moment.end) : undefined
  if (broken !== undefined && time >= broken.from && time < broken.to) return false
  if (shown !== undefined && isSilenced(shown, device, moment, time)) return false
  if (isAlwaysOn(kind)) return true
  if (!isSchoolDay(day)) return false
  const daily = mix(key, day)
  if (device.expected === 'never') return isBorrowed(kind, daily, hour)
  return (
    (shown !== undefined || chance(daily, 1) < (usedShare[kind] ?? 1)) && isInUse(kind, school.boarding, daily, hour)
  )
}

function isAlwaysOn(kind: Device['kind']): boolean {
  return kind === 'ap' || kind === 'switch'
}

/** Switched on before the first lesson and off after the last, each at its own minute; later where pupils board. */
function isInUse(kind: Device['kind'], boarding: boolean, daily: number, hour: number): boolean {
  const until = boarding && kind === 'panel' ? 21.4 : 17.55
  return hour >= 7.3 + 0.6 * chance(daily, 2) && hour < until + 0.6 * chance(daily, 3)
}

/** For an hour or some of a day, if at all. */
function isBorrowed(kind: Device['kind'], daily: number, hour: number): boolean {
  if (chance(daily, 1) >= (usedShare[kind] ?? 1)) return false
  const from = 8 + 6 * chance(daily, 2)
  return hour >= from && hour < from + 1 + 2 * chance(daily, 3)
}

/** Some break for days, and some of those are broken still. */
export function breakOf({ key }: School, id: string, end: number): { from: number; to: number } | undefined {
  const own = keyOf(id, key)
  if (chance(own, 90) >= brokenShare) return undefined
  const from = end - brokenWithinDays * dayMs * chance(own, 91)
  return { from, to: from + (1 + 8 * chance(own, 92)) * dayMs }
}
