/** The rooms of a school and their devices: what is at fault first, then every room with state, since when, and why. */
import type { SiteDetail } from '../schemas.ts'
import {
  type Device,
  deviceName,
  deviceWords,
  howLong,
  isAtFault,
  kindName,
  kindSign,
  legendEntry,
  needsCare,
  type Room,
  roomName,
  roomWords,
  shortSince,
  signOf,
  sinceWords,
  stateSign,
  whyWords,
} from './device-marks.ts'
import { careWords, factWords } from './device-facts.ts'
import { h, replace } from './dom.ts'
import { count, currentLanguage, dateTime, fullTime, milliseconds, percent, say } from './words.ts'

type Terminals = SiteDetail['terminals']
/** What entries are drawn from, beside their device. */
type About = { site: string; now: string }

const states = ['up', 'down', 'flapping', 'off', 'unknown'] as const
const roomStates = ['up', 'down', 'flapping', 'unknown', 'off'] as const
/** Differ each minute, and nothing that is drawn depends on them. */
const quiet = ['latest', 'tells', 'told_at', 'availability_window']
/** Faults that are told in words above the rooms. */
const mostTold = 6

export type TerminalsCard = { element: HTMLElement; update: (site: SiteDetail) => void }

/** Drawn again only when something changed: what the pointer rests on keeps its words. */
export function createTerminals(): TerminalsCard {
  const summary = h('div')
  const table = h('div', { class: 'scroll' })
  const details = h('details', { class: 'evidence' }, h('summary', {}, say('terminals_table')), table)
  const element = h('section', { class: 'panel terminals', hidden: true }, summary, details)
  let shown: { rooms: readonly Room[]; about: About } | undefined
  let drawn = ''
  // A table of a hundred rows is made for those who open it.
  const drawTable = () => replace(table, details.open && shown && deviceTable(shown.rooms, shown.about))
  details.addEventListener('toggle', drawTable)
  return {
    element,
    update: ({ id, terminals, generated_at: now }) => {
      // Newest samples differ each minute, and nothing here shows them; the table takes them along.
      const key = JSON.stringify(terminals, (name, value: unknown) => (quiet.includes(name) ? 0 : value))
      if (currentLanguage() + key === drawn) return
      drawn = currentLanguage() + key
      element.hidden = terminals.terminals_count === 0
      const about = { site: id, now }
      const rooms = worstFirst(terminals.rooms)
      shown = { rooms, about }
      replace(
        summary,
        ...heading(terminals),
        attention(rooms, about),
        h('ul', { class: 'rooms' }, ...rooms.map((room) => roomEntry(room, about))),
      )
      drawTable()
    },
  }
}

function worstFirst(rooms: readonly Room[]): Room[] {
  const rank = ({ state, terminals }: Room) => {
    if (state === 'down') return 0
    if (state === 'none') return 4
    if (state === 'flapping') return 1
    return terminals.some((device) => isAtFault(device) || needsCare(device)) ? 2 : 3
  }
  return [...rooms].sort((a, b) => rank(a) - rank(b))
}

function heading(terminals: Terminals): HTMLElement[] {
  const { rooms, terminals_count: all, availability_ratio: share, availability_window: window, day } = terminals
  const days = Math.round((Date.parse(window.to) - Date.parse(window.from)) / 86_400_000)
  const kinds = Map.groupBy(
    rooms.flatMap((room) => room.terminals),
    ({ kind }) => kind,
  )
  const needy = rooms.flatMap((room) => room.terminals.filter((device) => signOf(device) === 'care')).length
  const inState = (state: Room['state']) => rooms.filter((room) => room.state === state).length
  const roomTexts = {
    up: 'rooms_works',
    down: 'rooms_down',
    flapping: 'rooms_flapping',
    unknown: 'rooms_unknown',
    off: 'rooms_off',
  } as const
  return [
    h(
      'h2',
      {},
      say('terminals'),
      h('small', {}, say('terminals_note', { up: count(terminals.up_count), all: count(all) })),
      share !== null && h('small', {}, say('availability_note', { share: percent(share), days })),
      day !== 'school' && h('small', { class: 'day' }, say(`day_${day}`)),
    ),
    h(
      'div',
      { class: 'keys' },
      h(
        'p',
        { class: 'legend tally' },
        ...roomStates.flatMap((state) =>
          inState(state) > 0 ? legendEntry(state, say(roomTexts[state], { count: count(inState(state)) })) : [],
        ),
      ),
      h(
        'p',
        { class: 'legend' },
        ...states.flatMap((state) => {
          const number = terminals[`${state}_count`]
          return number > 0 ? legendEntry(state, `${say(`device_${state}`)} ${count(number)}`) : []
        }),
        needy > 0 && legendEntry('care', `${say('device_care')} ${count(needy)}`),
        ...[...kinds].map(([kind, within]) =>
          h('span', { class: 'faint' }, kindSign(kind), `${kindName(kind)} ${count(within.length)}`),
        ),
      ),
    ),
  ]
}

/** What does not work first, the oldest at the top: it has waited longest. Then what works and asks for something. */
function attention(rooms: readonly Room[], about: About): HTMLElement {
  const faults = rooms.flatMap((room) =>
    room.terminals.filter(isAtFault).map((device) => ({ room, device, since: sinceOf(device) })),
  )
  const cares = rooms.flatMap((room) => room.terminals.filter(needsCare).map((device) => ({ room, device })))
  if (faults.length + cares.length === 0) return h('p', { class: 'calm' }, stateSign('up'), say('attention_none'))
  const told = faults.toSorted((a, b) => a.since.localeCompare(b.since)).slice(0, mostTold)
  const errorsFirst = cares.toSorted((a, b) => careRank(a.device) - careRank(b.device)).slice(0, mostTold)
  const rest = faults.length + cares.length - told.length - errorsFirst.length
  return h(
    'div',
    { class: faults.length === 0 ? 'attention mild' : 'attention' },
    h('h3', {}, say('attention'), h('small', {}, count(faults.length + cares.length))),
    h(
      'ul',
      {},
      ...told.map(({ room, device, since }) => faultEntry(room, device, since, about)),
      ...errorsFirst.map(({ room, device }) => careEntry(room, device, about)),
    ),
    rest > 0 && h('p', { class: 'note' }, say('attention_more', { count: count(rest) })),
  )
}

const careRank = ({ care }: Device) => (care?.severity === 'error' ? 0 : 1)

function careEntry(room: Room, device: Device, { site }: About): HTMLElement {
  const told = device.care?.told_at
  return h(
    'li',
    {},
    stateSign('care'),
    h('b', {}, `${roomName(room)} · ${deviceName(device, site)}`),
    h('span', { class: 'says care' }, careWords(device)),
    told !== undefined && h('small', { title: fullTime(told) }, say('told_at', { time: dateTime(told) })),
  )
}

const sinceOf = ({ fault, since }: Device) => fault?.since ?? since ?? ''

function faultEntry(room: Room, device: Device, since: string, { site, now }: About): HTMLElement {
  const sign = signOf(device)
  const state = sign === 'hidden' ? say('fault_hidden') : say(`device_${device.state}`)
  return h(
    'li',
    {},
    stateSign(sign),
    h('b', {}, `${roomName(room)} · ${deviceName(device, site)}`),
    h('span', { class: `says ${sign}` }, state),
    since !== '' &&
      h('span', { title: fullTime(since) }, `${say('since', { time: dateTime(since) })} · ${howLong(since, now)}`),
    h(
      'small',
      {},
      [
        room.state === 'down' ? say('room_lost') : '',
        device.reason === 'not_expected' ? '' : whyWords(device),
        careWords(device),
      ]
        .filter((text) => text !== '')
        .join(' · '),
    ),
  )
}

function roomEntry(room: Room, about: About): HTMLElement {
  const name = roomName(room)
  const words = roomWords(room, about.site)
  const bad = room.state === 'down' || room.state === 'flapping'
  return h(
    'li',
    { class: `room ${room.state}` },
    h(
      'p',
      { class: 'head', title: [name, words].filter((text) => text !== '').join(' · ') },
      room.state !== 'none' && stateSign(room.state),
      h('b', {}, name),
      room.state !== 'none' &&
        h(
          'small',
          {},
          h('span', {}, say(`room_${room.state}`)),
          !bad && room.since !== null && ` ${shortSince(room.since, about.now)}`,
        ),
    ),
    bad && h('p', { class: 'why' }, words.split(' · ').slice(1).join(' · ')),
    h('ul', {}, ...room.terminals.map((device) => deviceEntry(device, about))),
  )
}

function deviceEntry(device: Device, { site, now }: About): HTMLElement {
  const words = deviceWords(device, site)
  const sign = signOf(device)
  const since = device.state === 'down' ? sinceOf(device) : device.since
  // Since then or longer; the words say it in full.
  const atLeast = device.since_at_least ? '≤ ' : ''
  return h(
    'li',
    { class: `device ${sign}`, title: words },
    stateSign(sign),
    kindSign(device.kind),
    h('span', { class: 'name', 'aria-hidden': 'true' }, deviceName(device, site)),
    h('time', { 'aria-hidden': 'true' }, since === null || since === '' ? '' : `${atLeast}${shortSince(since, now)}`),
    h('span', { class: 'unseen' }, words),
  )
}

function deviceTable(rooms: readonly Room[], { site }: About): HTMLElement {
  const heads = ['room', 'device', 'kind', 'state', 'since_head'] as const
  const row = (room: Room, device: Device) => {
    const { state, since, since_at_least, availability_ratio: share, latest } = device
    const rtt = latest?.fields['rtt_seconds']
    const sign = signOf(device)
    return h(
      'tr',
      {},
      h('td', {}, roomName(room)),
      h('th', { scope: 'row' }, deviceName(device, site)),
      h('td', {}, kindName(device.kind)),
      h(
        'td',
        { class: `says ${sign}` },
        stateSign(sign),
        ` ${say(`device_${state}`)}`,
        h('small', {}, ` ${[whyWords(device), careWords(device)].filter((text) => text !== '').join(' · ')}`),
      ),
      h('td', {}, sinceWords(since, since_at_least)),
      h('td', { class: 'number' }, share === null ? '–' : percent(share)),
      h('td', { class: 'number' }, typeof rtt === 'number' ? milliseconds(rtt) : '–'),
      h('td', {}, h('small', {}, factWords(device))),
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
        ...heads.map((head) => h('th', { scope: 'col' }, say(head))),
        h('th', { scope: 'col', class: 'number' }, say('availability')),
        h('th', { scope: 'col', class: 'number' }, say('round_trip')),
        h('th', { scope: 'col' }, say('tells_head')),
      ),
    ),
    h('tbody', {}, ...rooms.flatMap((room) => room.terminals.map((device) => row(room, device)))),
  )
}
