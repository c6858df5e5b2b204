/** Stretches of devices to faults: what somebody should look at. */
import type { Expectation } from '../../../core/calendar.ts'
import type { Registry, SiteRow, TerminalRow } from '../../registry.ts'
import type { Row } from '../../../store/query.ts'
import type { faultReasons } from './states.ts'
import { type Point, type Stretch, stretchesOf } from './stretches.ts'

/** `to`: when it answered again; undefined while it lasts. */
export type Fault = { reason: (typeof faultReasons)[number]; from: number; to: number | undefined }

const minuteMs = 60_000
/**
 * A device that is used in lessons must be gone for so long of expected time: one that is off in a break which the calendar
 * does not list is no fault. What should run day and night has no breaks.
 */
const usedLeastMs = 15 * minuteMs

export const leastFaultMs = (expectation: Expectation) => (expectation === 'always' ? 0 : usedLeastMs)

/**
 * A fault begins with the first miss in expected time and ends with the next answer: neither the night nor a gateway that is
 * cut off repairs anything.
 */
export function faultsIn(stretches: readonly Stretch[], until: number, leastMs: number): Fault[] {
  const faults: Fault[] = []
  let open: (Fault & { lasted: number }) | undefined
  const close = (to: number | undefined) => {
    if (open !== undefined && (open.reason === 'changes' || open.lasted >= leastMs))
      faults.push({ reason: open.reason, from: open.from, to })
    open = undefined
  }
  stretches.forEach(({ state, from }, i) => {
    if (state === 'up') close(from)
    if (state !== 'down' && state !== 'flapping') return
    const reason = state === 'down' ? 'no_answer' : 'changes'
    if (open !== undefined && open.reason !== reason) close(from)
    open ??= { reason, from, to: undefined, lasted: 0 }
    open.lasted += (stretches[i + 1]?.from ?? until) - from
  })
  close(undefined)
  return faults
}

/** One device of a site: its row, its stretches and faults within the samples that were given. */
export type JudgedDevice = {
  terminal: TerminalRow
  expectation: Expectation
  points: Point[]
  stretches: Stretch[]
  faults: Fault[]
}

/**
 * All devices of a site, judged by the registry and the calendar as they are now: what is stored of `expected` was true when
 * it was written, and is not asked.
 */
export function judgeDevices(registry: Registry, site: SiteRow, rows: readonly Row[], until: number): JudgedDevice[] {
  const byTerminal = Map.groupBy(rows, ({ tags }) => tags['terminal'] ?? '')
  return registry.terminalsOf(site.id, until).map((terminal) => {
    const { id, kind } = terminal
    const expectationAt = (time: number) => registry.expectationOf(site.id, id, kind, time)
    const expected = (time: number) =>
      registry.calendars.expectedOf(site.id, site.category, expectationAt(time)).at(time)
    const points = (byTerminal.get(id) ?? []).map(pointOf)
    const stretches = stretchesOf(points, expected, until)
    const expectation = expectationAt(until)
    const faults = faultsIn(stretches, until, leastFaultMs(expectation))
    return { terminal, expectation, points, stretches, faults }
  })
}

/** `up` is missing where the gateway was cut off. */
export function pointOf({ time, fields: { up } }: Row): Point {
  return { time, up: up === null || up === undefined ? undefined : up === 1 }
}
