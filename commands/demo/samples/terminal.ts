import type { Sample } from '../../../core/catalog.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { isLesson, isSchoolDay, localDay, localHour, minuteMs } from '../calendar.ts'
import type { District, School } from '../district.ts'
import type { Device } from '../inventory.ts'
import { chance, keyOf, mix, randomOf } from '../random.ts'

const brokenShare = 0.02
/** Share of the devices of a kind that are switched on at all on a school day. */
const usedShare: Partial<Record<Device['kind'], number>> = { panel: 0.985, pc: 0.975, projector: 0.5, printer: 0.9 }

export function terminalSamples(school: School, { moment }: District, time: number): Sample<'terminal'>[] {
  const random = randomOf(mix(school.key + 80, Math.floor(time / minuteMs)))
  const day = localDay(time)
  const hour = localHour(time)
  const open = isSchoolDay(day)
  const lesson = isLesson(time) ? 1 : 0
  return school.devices.map(({ id, kind, room }) => {
    const key = keyOf(id, school.key)
    const on =
      !isBroken(key, moment.end, time) && (isAlwaysOn(kind) || (open && isOn(key, kind, school.boarding, day, hour)))
    const draw = random()
    const lost = draw < 0.004 ? 0.25 : 0
    const rtt = on ? 0.0003 + (kind === 'ap' ? 0.0025 : 0.0008) * draw : null
    return {
      measurement: 'terminal',
      tags: { terminal: id, kind, room },
      fields: {
        up: on ? 1 : 0,
        rtt_seconds: rtt,
        loss_ratio: on ? lost : 1,
        // By the calendar, which the collector adds to what agents send.
        expected: isAlwaysOn(kind) ? 1 : kind === 'panel' || kind === 'pc' ? lesson : 0,
      },
    }
  })
}

function isAlwaysOn(kind: Device['kind']): boolean {
  return kind === 'ap' || kind === 'switch'
}

/** Switched on before the first lesson and off after the last, each at its own minute; later where pupils board. */
function isOn(key: number, kind: Device['kind'], boarding: boolean, day: number, hour: number): boolean {
  const daily = mix(key, day)
  if (chance(daily, 1) >= (usedShare[kind] ?? 1)) return false
  if (kind === 'projector') {
    const from = 8 + 6 * chance(daily, 2)
    return hour >= from && hour < from + 1 + 2 * chance(daily, 3)
  }
  const until = boarding && kind === 'panel' ? 21.4 : 17.1
  return hour >= 7.3 + 0.6 * chance(daily, 2) && hour < until + 0.7 * chance(daily, 3)
}

/** Some break for days, and some of those are broken still. */
function isBroken(key: number, end: number, time: number): boolean {
  if (chance(key, 90) >= brokenShare) return false
  const from = end - 24 * dayMs * chance(key, 91)
  return time >= from && time < from + (1 + 8 * chance(key, 92)) * dayMs
}
