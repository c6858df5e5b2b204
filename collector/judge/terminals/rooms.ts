/** A room from its devices: it works when a display and a computer work. */
import type { TerminalRow } from '../../registry.ts'
import type { Fault } from './faults.ts'
import { type DeviceState, type Role, roles } from './states.ts'

/** A panel has a computer of its own. */
export const kindsOf: Readonly<Record<Role, readonly TerminalRow['kind'][]>> = {
  display: ['panel', 'projector'],
  computer: ['panel', 'pc'],
}

/** `not_equipped`: no computer in the inventory; `none`: not a classroom, or none that has a display, and not judged. */
export type RoomState = {
  state: DeviceState | 'none'
  reason: 'works' | 'not_equipped' | 'not_judged' | 'devices'
  /** What the state comes from where it is not `up`. */
  roles: Role[]
  causes: string[]
  since: number | undefined
}
type Device = { id: string; kind: TerminalRow['kind']; state: DeviceState; since: number | undefined }

export const notJudged: RoomState = { state: 'none', reason: 'not_judged', roles: [], causes: [], since: undefined }

/** Of several that could do it, the first of these that one is: one that works is enough. */
const bestFirst: readonly DeviceState[] = ['up', 'flapping', 'unknown', 'down', 'off']
/** Of display and computer, the first of these that one is. */
const worstFirst: readonly DeviceState[] = ['down', 'flapping', 'unknown', 'off', 'up']

export function roomStateOf(devices: readonly Device[]): RoomState {
  const found = roles.map((role) => ({ role, ...roleOf(devices.filter(({ kind }) => kindsOf[role].includes(kind))) }))
  const [display, computer] = found.map(({ devices: list }) => list.length > 0)
  if (display !== true) return notJudged
  if (computer !== true)
    return { state: 'unknown', reason: 'not_equipped', roles: ['computer'], causes: [], since: undefined }
  const state = worstFirst.find((each) => found.some((role) => role.state === each)) ?? 'unknown'
  const deciding = found.filter((role) => role.state === state)
  const times = deciding.flatMap(({ since }) => since ?? [])
  // It works since the last of the two came; it fails since the first of them went.
  const since = times.length === 0 ? undefined : state === 'up' ? Math.max(...times) : Math.min(...times)
  if (state === 'up') return { state, reason: 'works', roles: [], causes: [], since }
  const causes = [...new Set(deciding.flatMap(({ devices: list }) => list.map(({ id }) => id)))]
  return { state, reason: 'devices', roles: deciding.map(({ role }) => role), causes, since }
}

function roleOf(devices: readonly Device[]) {
  const state = bestFirst.find((each) => devices.some((device) => device.state === each)) ?? 'unknown'
  const deciding = devices.filter((device) => device.state === state)
  const times = deciding.flatMap(({ since }) => since ?? [])
  // Up since the first came; down since the last of them went.
  const since = times.length === 0 ? undefined : state === 'up' ? Math.min(...times) : Math.max(...times)
  return { state, since, devices: deciding }
}

type Span = { from: number; to: number | undefined }

/** When a room could not be used: all that could show, or all that could compute, was at fault. */
export function roomFaultsOf(devices: readonly { kind: TerminalRow['kind']; faults: readonly Fault[] }[]): Span[] {
  const spans = roles.flatMap((role) => {
    const able = devices.filter(({ kind }) => kindsOf[role].includes(kind))
    return able.map(({ faults }): Span[] => [...faults]).reduce((a, b) => both(a, b), [{ from: 0, to: undefined }])
  })
  // Without any device of a role the whole time is left: such a room is not judged.
  return united(spans.filter(({ from }) => from > 0))
}

function both(a: readonly Span[], b: readonly Span[]): Span[] {
  return a.flatMap((one) =>
    b.flatMap((other) => {
      const from = Math.max(one.from, other.from)
      const to = Math.min(one.to ?? Infinity, other.to ?? Infinity)
      return from < to ? [{ from, to: to === Infinity ? undefined : to }] : []
    }),
  )
}

function united(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last === undefined || (last.to !== undefined && last.to < span.from)) result.push({ ...span })
    else if (last.to !== undefined) last.to = span.to === undefined ? undefined : Math.max(last.to, span.to)
  }
  return result
}
