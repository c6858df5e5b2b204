/** Rooms and devices of a school. */
import type { Expectation } from '../../core/calendar.ts'
import type { Text } from '../../core/catalog.ts'
import type { TerminalKind } from '../../core/registry.ts'
import type { Category } from '../../core/standard.ts'
import { chance, keyOf } from './random.ts'
import { classroomName } from './names.ts'

export type Room = { id: string; site: string; name: Text; use?: 'other' }
export type Device = {
  id: string
  site: string
  name: Text
  kind: TerminalKind
  room: string
  address: string
  purchase_year: number
  user?: 'teacher'
  /** Printers and spare projectors are on when somebody needs them. */
  expected?: Expectation
}

/** Devices of a school by its kind, as a multiple of the average: a teaching point has two classes. */
const sizes: Record<Category, number> = {
  town: 2.15,
  rural: 1.2,
  'teaching-point': 0.15,
  kindergarten: 0.7,
  special: 1,
}
const names: Partial<Record<Device['kind'], Text>> = {
  panel: { zh: '一体机', en: 'Panel' },
  pc: { zh: '教室电脑', en: 'Classroom PC' },
  projector: { zh: '投影仪', en: 'Projector' },
  printer: { zh: '打印机', en: 'Printer' },
  ap: { zh: '无线 AP', en: 'Access point' },
  switch: { zh: '交换机', en: 'Switch' },
}
/** One of these for so many devices; `desk`: a teacher's own computer in the staff room. */
const devicesEach = { switch: 22, ap: 9, printer: 30, projector: 20, desk: 9 } as const
/** Bought within so many years before the year of the history. */
const oldestYears = 8

type Wish = { site: string; index: number; category: Category; secondary: boolean; average: number; year: number }
export type Inventory = { rooms: Room[]; devices: Device[]; teachers: number }

export function inventoryOf({ site, index, category, secondary, average, year }: Wish): Inventory {
  const count = Math.min(250, Math.round(average * sizes[category]))
  const shared = (Object.keys(devicesEach) as (keyof typeof devicesEach)[]).flatMap((kind) =>
    new Array<keyof typeof devicesEach>(Math.floor(count / devicesEach[kind])).fill(kind),
  )
  const classrooms = Math.ceil(Math.max(0, count - shared.length) / 2)
  const classroom = (i: number) => `${site}-c${i + 1}`
  const rooms: Room[] = Array.from({ length: classrooms }, (_, i) => ({
    id: classroom(i),
    site,
    name: classroomName(category, secondary, i, classrooms),
  }))
  if (shared.length > 0) {
    rooms.push({ id: `${site}-office`, site, use: 'other', name: { zh: '教师办公室', en: 'Staff room' } })
    rooms.push({ id: `${site}-rack`, site, use: 'other', name: { zh: '网络机房', en: 'Network room' } })
  }
  const devices: Device[] = []
  const counts = new Map<Device['kind'], number>()
  const add = (kind: Device['kind'], room: string, user?: 'teacher') => {
    const n = devices.length + 1
    const ofKind = (counts.get(kind) ?? 0) + 1
    counts.set(kind, ofKind)
    devices.push({
      id: `${site}-${kind}-${ofKind}`,
      site,
      name: user === undefined ? nameOf(kind, ofKind) : { zh: `教师电脑 ${ofKind}`, en: `Teacher PC ${ofKind}` },
      kind,
      room,
      address: addressOf(index, n),
      purchase_year: year - boughtAgo(site, kind, category, ofKind),
      ...(user === undefined ? {} : { user }),
      ...(kind === 'printer' || kind === 'projector' ? { expected: 'never' } : {}),
    })
  }
  for (let i = 0; i < classrooms; i++) {
    add('panel', classroom(i))
    if (devices.length < count - shared.length) add('pc', classroom(i))
  }
  shared.forEach((kind, i) => {
    if (kind === 'switch') add(kind, `${site}-rack`)
    else if (kind === 'printer') add(kind, `${site}-office`)
    else if (kind === 'desk') add('pc', `${site}-office`, 'teacher')
    else add(kind, classroom(Math.floor((i * classrooms) / shared.length)))
  })
  const desks = devices.filter(({ user }) => user === 'teacher').length
  // Most teachers have one of their own; in the country more of them share.
  const share = (category === 'town' ? 0.88 : 0.7) + 0.12 * chance(keyOf(site), 3)
  return { rooms, devices, teachers: Math.max(2, Math.ceil(desks / share)) }
}

/** Bought by the dozen, not one by one; the country gets its equipment later. */
function boughtAgo(site: string, kind: Device['kind'], category: Category, number: number): number {
  const lot = keyOf(`${site} ${kind}`) + Math.floor(number / 12)
  return Math.floor(oldestYears * chance(lot, 1) ** (category === 'town' ? 1.5 : 1))
}

/** In a classroom there is one of a kind; the others have a number. */
function nameOf(kind: Device['kind'], number: number): Text {
  const name = names[kind] ?? { zh: kind, en: kind }
  if (kind === 'panel' || kind === 'pc' || kind === 'projector') return name
  return { zh: `${name.zh} ${number}`, en: `${name.en} ${number}` }
}

/** Each school has a private network of its own. */
function addressOf(school: number, device: number): string {
  return `10.${(school >> 8) & 0xff}.${school & 0xff}.${device + 1}`
}
