/** Signs and words of devices and rooms. A state is told by its shape as well as by its colour. */
import { type StringName, strings } from '../strings.ts'
import type { SiteDetail } from '../schemas.ts'
import { careWords } from './device-facts.ts'
import { h, svg } from './dom.ts'
import { clock, dateTime, day, duration, pick, say } from './words.ts'

export type Room = SiteDetail['terminals']['rooms'][number]
export type Device = Room['terminals'][number]
/** `hidden`: at fault, but off or unknown at the moment. `care`: it works, and asks for something. */
export type Sign = Device['state'] | 'hidden' | 'care'

const outlines: Readonly<Record<Device['kind'], string>> = {
  panel: 'M1.5 2.5h13v8.5h-13zM5.5 11 4 14M10.5 11l1.5 3',
  pc: 'M3.5 3h9v7h-9zM1 13h14',
  projector: 'M1.5 5h13v6.5h-13zM3.5 11.5V13M12.5 11.5V13M12.2 8.2a2 2 0 1 1-4 0 2 2 0 0 1 4 0',
  printer: 'M4.5 6V2.5h7V6M4.5 11.5H2V6h12v5.5h-2.5M4.5 9.5h7v4.5h-7z',
  ap: 'M8 12.5v.5M5 9.6a4.2 4.2 0 0 1 6 0M2.5 6.8a7.8 7.8 0 0 1 11 0',
  switch: 'M1.5 5h13v6h-13zM4 8h1M7.5 8h1M11 8h1',
  camera: 'M1.5 4.5h8.5v7H1.5zM10 7.2l4.5-2v5.6l-4.5-2',
  server: 'M3 2h10v5H3zM3 9h10v5H3zM5.5 4.5h1M5.5 11.5h1',
}

export function kindSign(kind: Device['kind']): SVGElement {
  return svg('svg', { class: 'kind', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: outlines[kind] }))
}

/** Up: a dot. Down: a triangle with a stroke in it, hollow while it hides. Flapping: a saw. Off: a dash. Unknown: a question. Care: a diamond. */
export function stateSign(state: Sign): SVGElement {
  const shapes: Readonly<Record<Sign, () => SVGElement[]>> = {
    up: () => [svg('circle', { cx: 8, cy: 8, r: 4 })],
    down: () => [svg('path', { d: 'M8 1 15.2 14H.8z' }), svg('path', { class: 'cut', d: 'M8 5.6v4M8 11.4v1' })],
    hidden: () => [
      svg('path', { class: 'open', d: 'M8 2.4 14 13.2H2z' }),
      svg('path', { class: 'open', d: 'M8 6.4v3' }),
    ],
    care: () => [
      svg('path', { class: 'open', d: 'M8 1.6 14.4 8 8 14.4 1.6 8z' }),
      svg('path', { class: 'open', d: 'M8 5.2v3M8 10.6v.3' }),
    ],
    flapping: () => [svg('path', { class: 'open thick', d: 'M1 10.5 4.5 5l3.5 6 3.5-6 3.5 5.5' })],
    off: () => [svg('path', { class: 'open', d: 'M4.5 8h7' })],
    unknown: () => [svg('path', { class: 'open', d: 'M5.4 6.1a2.6 2.6 0 1 1 3.9 2.3c-.9.5-1.3.9-1.3 1.8M8 12.3v.9' })],
  }
  return svg('svg', { class: `sign ${state}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, ...shapes[state]())
}

export function signOf({ state, fault, care }: Device): Sign {
  if (fault !== null && (state === 'off' || state === 'unknown')) return 'hidden'
  return care !== null && state !== 'down' && state !== 'flapping' ? 'care' : state
}

export const isAtFault = (device: Device) => device.fault !== null || device.state === 'flapping'
export const needsCare = (device: Device) => device.care !== null && !isAtFault(device)

export const kindName = (kind: Device['kind']) => say(`kind_${kind}`)
export const roomName = (room: Room) => (room.id === 'none' ? say('room_none') : pick(room.name))

/** What a device is called in its room: one that has only an id, by its kind and what the id adds to it. */
export function deviceName({ id, name, kind }: Device, site: string): string {
  const called = pick(name)
  if (called !== id) return called
  const own = id.startsWith(`${site}-`) ? id.slice(site.length + 1) : id
  const bare = own.startsWith(kind) ? own.slice(kind.length).replace(/^[-_ ]+/, '') : own
  return `${kindName(kind)} ${bare}`.trim()
}

/** The hour of today, the day of before. */
export function shortSince(since: string, now: string): string {
  return day(since) === day(now) ? clock(since) : day(since)
}

export function sinceWords(since: string | null, atLeast = false): string {
  return since === null ? '' : say(atLeast ? 'since_at_least' : 'since', { time: dateTime(since) })
}

export function howLong(since: string, now: string): string {
  return say('for_long', { time: duration((Date.parse(now) - Date.parse(since)) / 1000) })
}

/** Why it is as it is, where the state alone does not say it. */
export function whyWords(device: Device): string {
  const name = `why_${device.reason}`
  const why = name in strings ? say(name as StringName) : ''
  const gone = device.state === 'down' || signOf(device) === 'hidden'
  const answered = gone && device.answered_at !== null && say('answered_last', { time: dateTime(device.answered_at) })
  return [why, answered].filter((text) => text !== '' && text !== false).join(' · ')
}

/** All that is known of it, for the pointer and for those who listen. */
export function deviceWords(device: Device, site: string): string {
  const { kind, state, since, since_at_least, expectation, fault } = device
  const parts = [
    deviceName(device, site),
    kindName(kind),
    say(`device_${state}`),
    sinceWords(since, since_at_least),
    whyWords(device),
    fault === null ? '' : say('fault_since', { time: dateTime(fault.since) }),
    careWords(device),
    say(`expected_${expectation}`),
  ]
  return parts.filter((text) => text !== '').join(' · ')
}

/** Why a room cannot be used: what of it is missing, and which devices that is. */
export function roomWords(room: Room, site: string): string {
  if (room.state === 'none') return ''
  const name = (id: string) => {
    const device = room.terminals.find((each) => each.id === id)
    return device === undefined ? id : deviceName(device, site)
  }
  const roles = room.state === 'down' ? room.roles.map((role) => say(`room_role_${role}`)) : []
  const listed = (names: readonly string[]) => names.join(say('list_comma'))
  const why = room.reason === 'not_equipped' ? say('room_not_equipped') : listed(roles)
  return [say(`room_${room.state}`), sinceWords(room.since), why, listed(room.causes.map(name))]
    .filter((text) => text !== '')
    .join(' · ')
}

export function legendEntry(sign: Sign, words: string): HTMLElement {
  return h('span', {}, stateSign(sign), words)
}
