/** A school of 60 devices in the week of 4 May 2026, and what its gateway saw: the lab clock is a loop. */
import { createRegistry, type Registry } from '../../../../collector/registry.ts'
import { registrySchema } from '../../../../core/registry.ts'
import type { Row } from '../../../../store/query.ts'
import { districtData, standard } from '../../district.ts'

const minuteMs = 60_000
/** Each sweep runs this long after the full minute. */
const offsetMs = 20_000

const dates = { mon: 4, tue: 5, wed: 6, thu: 7, fri: 8, sat: 9, sun: 10 } as const
type Day = keyof typeof dates
export type Moment = `${Day} ${string}`

/** The sweep of a minute: `wed 10:12` in China. */
export function at(moment: Moment): number {
  const [day, clock] = moment.split(' ') as [Day, string]
  return Date.parse(`2026-05-${String(dates[day]).padStart(2, '0')}T${clock}:00+08:00`) + offsetMs
}
export const week = { from: at('mon 00:00') - offsetMs, to: at('sun 23:59') + minuteMs - offsetMs }

const kinds = { panel: 20, pc: 20, projector: 4, ap: 12, switch: 3, server: 1 } as const
type Kind = keyof typeof kinds
const classrooms = 20
const own: Readonly<Record<string, string>> = { 'projector-4': 'never', 'pc-20': 'school-day' }

export const devices = Object.entries(kinds).flatMap(([kind, count]) =>
  Array.from({ length: count }, (_, i) => {
    const id = `${kind}-${i + 1}`
    const inClass = kind === 'panel' || kind === 'pc' || kind === 'projector'
    return {
      id,
      kind: kind as Kind,
      site: 's1',
      room: inClass ? `r${(i % classrooms) + 1}` : 'none',
      address: `192.0.2.${i + 1}`,
      expected: own[id],
    }
  }),
)

/** Usual lessons; `calendar` is what the school says beside the national days. */
export function schoolOf(calendar: object, { offices = [] as string[], terminals = devices } = {}): Registry {
  const rooms = Array.from({ length: classrooms }, (_, i) => {
    const id = `r${i + 1}`
    return { id, site: 's1', name: `Class ${i + 1}`, use: offices.includes(id) ? 'other' : 'classroom' }
  })
  const calendars = [{ id: 'c', sites: ['s1'], ...calendar }]
  return createRegistry(registrySchema.parse(districtData({ rooms, terminals, calendars })), standard)
}

type Told = { up?: boolean; cutOff?: boolean; silent?: boolean }
/** What is otherwise than usual: for a device, or all of them, from one minute until another (without it). */
export type Event = Told & { device?: string; from: Moment; to: Moment; every?: (minute: number) => boolean }

/** Devices of lessons are switched on before eight and off after the last lesson, on days on which people teach. */
const teaching: readonly Day[] = ['wed', 'thu', 'sat']
function usual(id: string, kind: Kind, day: Day, clock: string): boolean {
  if (kind === 'ap' || kind === 'switch' || kind === 'server') return true
  if (id === 'projector-4') return false
  // The office computer is used in examinations as well.
  return (teaching.includes(day) || (id === 'pc-20' && day === 'fri')) && clock >= '07:50' && clock < '17:40'
}

export function seen(events: readonly Event[]): Row[] {
  const planned = events.map((event) => ({ ...event, begin: at(event.from), end: at(event.to) }))
  const rows: Row[] = []
  for (const day of Object.keys(dates) as Day[]) {
    for (let minute = 0; minute < 1440; minute++) {
      const clock = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
      const time = at(`${day} ${clock}`)
      const now = planned.filter(({ begin, end, every }) => time >= begin && time < end && (every?.(minute) ?? true))
      for (const { id, kind, room } of devices) {
        const told = now.findLast(({ device = id }) => device === id)
        if (told?.silent === true) continue
        const up = told?.up ?? usual(id, kind, day, clock)
        const fields = told?.cutOff === true ? { cut_off: 1 } : { up: up ? 1 : 0 }
        rows.push({ time, tags: { site: 's1', terminal: id, kind, room }, fields })
      }
    }
  }
  return rows
}
