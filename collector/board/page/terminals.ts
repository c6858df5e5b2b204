/** The devices of a school's rooms. Off is not a fault: only what is expected to be on, and is not, counts as missing. */
import { measurements } from '../../../core/catalog.ts'
import { type StringName, strings } from '../strings.ts'
import type { SiteDetail } from '../schemas.ts'
import { type Child, h, replace, svg } from './dom.ts'
import { count, currentLanguage, dateTime, milliseconds, pick, say } from './words.ts'

type Room = SiteDetail['terminals']['rooms'][number]
type Device = Room['terminals'][number]

const states = ['missing', 'down', 'on', 'off', 'unknown'] as const
type State = (typeof states)[number]

/** Without `expected` (no calendar is known) a device that is down is told as that, not as a fault. */
function stateOf({ latest }: Device): State {
  const { up, expected } = latest?.fields ?? {}
  if (up === null || up === undefined) return 'unknown'
  if (up === 1) return 'on'
  if (expected === null || expected === undefined) return 'down'
  return expected === 1 ? 'missing' : 'off'
}

const outlines: Readonly<Record<string, string>> = {
  panel: 'M1.5 2.5h13v8.5h-13zM5.5 11 4 14M10.5 11l1.5 3',
  pc: 'M3.5 3h9v7h-9zM1 13h14',
  projector: 'M1.5 5h13v6.5h-13zM3.5 11.5V13M12.5 11.5V13M12.2 8.2a2 2 0 1 1-4 0 2 2 0 0 1 4 0',
  printer: 'M4.5 6V2.5h7V6M4.5 11.5H2V6h12v5.5h-2.5M4.5 9.5h7v4.5h-7z',
  ap: 'M8 12.5v.5M5 9.6a4.2 4.2 0 0 1 6 0M2.5 6.8a7.8 7.8 0 0 1 11 0',
  switch: 'M1.5 5h13v6h-13zM4 8h1M7.5 8h1M11 8h1',
  camera: 'M1.5 4.5h8.5v7H1.5zM10 7.2l4.5-2v5.6l-4.5-2',
  server: 'M3 2h10v5H3zM3 9h10v5H3zM5.5 4.5h1M5.5 11.5h1',
}

function kindSign(kind: string): SVGElement {
  const d = outlines[kind] ?? 'M3 3h10v10H3z'
  return svg('svg', { class: 'kind', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d }))
}

function kindName(kind: string): string {
  const name = `kind_${kind}`
  return name in strings ? say(name as StringName) : kind
}

/** `ql-034-panel-1` beside the sign of a panel in the page of ql-034: 1. */
function shortName(name: string, site: string, kind: string): string {
  const own = name.startsWith(`${site}-`) ? name.slice(site.length + 1) : name
  const bare = own.startsWith(kind) ? own.slice(kind.length).replace(/^[-_ ]+/, '') : own
  return bare === '' ? own : bare
}

const roomName = (room: Room) => (room.id === 'none' ? say('room_none') : pick(room.name))

export type TerminalsCard = { element: HTMLElement; update: (site: SiteDetail) => void }

/** Drawn again only when something changed: what the pointer rests on keeps its words. */
export function createTerminals(): TerminalsCard {
  const summary = h('div')
  const table = h('div', { class: 'scroll' })
  const details = h('details', { class: 'evidence' }, h('summary', {}, say('terminals_table')), table)
  const element = h('section', { class: 'panel terminals', hidden: true }, summary, details)
  let rooms: readonly Room[] = []
  let drawn = ''
  // A table of a hundred rows is made for those who open it.
  const drawTable = () => replace(table, details.open && deviceTable(rooms))
  details.addEventListener('toggle', drawTable)
  return {
    element,
    update: ({ id, terminals }) => {
      const key = currentLanguage() + JSON.stringify(terminals)
      if (key === drawn) return
      drawn = key
      element.hidden = terminals.terminals_count === 0
      rooms = worstFirst(terminals.rooms)
      replace(summary, ...overview(rooms, id))
      drawTable()
    },
  }
}

function worstFirst(rooms: readonly Room[]): Room[] {
  const rank = ({ terminals }: Room) => (terminals.some((device) => stateOf(device) === 'missing') ? 0 : 1)
  return [...rooms].sort((a, b) => rank(a) - rank(b))
}

function overview(rooms: readonly Room[], site: string): HTMLElement[] {
  const devices = rooms.flatMap(({ terminals }) => terminals)
  const tally = new Map<State, number>()
  for (const device of devices) tally.set(stateOf(device), (tally.get(stateOf(device)) ?? 0) + 1)
  const of = (state: State) => tally.get(state) ?? 0
  const calendar = devices.some(({ latest }) => typeof latest?.fields['expected'] === 'number')
  const kinds = [...new Set(devices.map(({ kind }) => kind))]
  const number = (kind: string) => devices.filter((device) => device.kind === kind).length
  return [
    h(
      'h2',
      {},
      say('terminals'),
      h('small', {}, say('terminals_note', { up: count(of('on')), all: count(devices.length) })),
      calendar &&
        h(
          'small',
          { class: of('missing') > 0 ? 'bad' : '' },
          say('terminals_missing', { count: count(of('missing')) }),
        ),
    ),
    h(
      'div',
      { class: 'keys' },
      h(
        'p',
        { class: 'legend' },
        ...states
          .filter((state) => of(state) > 0)
          .map((state) => h('span', {}, swatch(state), `${say(`device_${state}`)} ${count(of(state))}`)),
      ),
      h(
        'p',
        { class: 'legend' },
        ...kinds.map((kind) => h('span', {}, kindSign(kind), `${kindName(kind)} ${count(number(kind))}`)),
      ),
    ),
    h('ul', { class: 'rooms' }, ...rooms.map((room) => roomEntry(room, site))),
  ]
}

const swatch = (state: State) => h('i', { class: `device ${state}`, 'aria-hidden': 'true' }, warning(state))
/** The sign of a fault, beside its colour. */
const warning = (state: State): Child => state === 'missing' && h('b', { 'aria-hidden': 'true' }, '!')

function roomEntry(room: Room, site: string): HTMLElement {
  const name = roomName(room)
  const missing = room.terminals.some((device) => stateOf(device) === 'missing')
  return h(
    'li',
    { class: missing ? 'room bad' : 'room' },
    h('span', { class: 'name', title: name }, name),
    h('ul', {}, ...room.terminals.map((device) => deviceEntry(device, site))),
  )
}

function deviceEntry(device: Device, site: string): HTMLElement {
  const { name, kind, latest } = device
  const state = stateOf(device)
  const rtt = latest?.fields['rtt_seconds']
  const words = [
    pick(name),
    kindName(kind),
    say(`device_${state}`),
    ...(typeof rtt === 'number' ? [milliseconds(rtt)] : []),
    ...(latest === null ? [] : [dateTime(latest.time)]),
  ].join(' · ')
  return h(
    'li',
    { class: `device ${state}`, title: words },
    warning(state),
    kindSign(kind),
    h('span', { class: 'short', 'aria-hidden': 'true' }, shortName(pick(name), site, kind)),
    h('span', { class: 'unseen' }, words),
  )
}

function deviceTable(rooms: readonly Room[]): HTMLElement {
  const { rtt_seconds } = measurements.terminal.fields
  const heads = [say('room'), say('device'), say('kind'), say('state')]
  const row = (room: Room, device: Device) => {
    const state = stateOf(device)
    const rtt = device.latest?.fields['rtt_seconds']
    return h(
      'tr',
      {},
      h('td', {}, roomName(room)),
      h('th', { scope: 'row' }, pick(device.name)),
      h('td', {}, kindName(device.kind)),
      h('td', { class: state === 'missing' ? 'bad' : '' }, say(`device_${state}`)),
      h('td', { class: 'number' }, typeof rtt === 'number' ? milliseconds(rtt) : '–'),
    )
  }
  return h(
    'table',
    {},
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...heads.map((head) => h('th', { scope: 'col' }, head)),
        h('th', { scope: 'col', class: 'number' }, pick(rtt_seconds.title)),
      ),
    ),
    h('tbody', {}, ...rooms.flatMap((room) => room.terminals.map((device) => row(room, device)))),
  )
}
