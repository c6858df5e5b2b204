/**
 * Monday 4 and Tuesday 5 May 2026 are holidays, Saturday the 9th is made up for them, and on Friday there are
 * examinations. What must come out is worked out by hand: sweeps run 20 s after the minute, and after a bell there are
 * five minutes of grace.
 */
import { describe, expect, test } from 'vitest'
import { availabilityOf } from '../../../../collector/judge/terminals/availability.ts'
import { judgeDevices } from '../../../../collector/judge/terminals/faults.ts'
import { roomFaultsOf } from '../../../../collector/judge/terminals/rooms.ts'
import type { Registry } from '../../../../collector/registry.ts'
import type { Row } from '../../../../store/query.ts'
import { at, devices, type Event, type Moment, schoolOf, seen, week } from './school.ts'

const down = (device: string, from: Moment, to: Moment): Event => ({ device, from, to, up: false })
const on = (device: string, from: Moment, to: Moment): Event => ({ device, from, to, up: true })
const end: Moment = 'sun 23:59'

/** No fault: what happens in every school. */
const ordinary: Event[] = [
  // One that is left on over night, and one that is off at noon.
  on('pc-6', 'wed 17:00', 'thu 08:00'),
  down('panel-8', 'thu 12:01', 'thu 13:59'),
  // Switched on within the grace of the first lesson; off in the ten minutes of a break.
  down('panel-2', 'wed 07:50', 'wed 08:05'),
  down('pc-2', 'wed 09:40', 'wed 09:50'),
  down('pc-2', 'sat 09:40', 'sat 09:50'),
  // A restart; lost sweeps.
  down('pc-12', 'thu 10:20', 'thu 10:26'),
  down('switch-1', 'wed 10:30', 'wed 10:32'),
  down('ap-1', 'mon 03:00', 'mon 03:01'),
  // The gateway is cut off for an hour, and is away for half of one.
  { from: 'wed 15:00', to: 'wed 16:00', cutOff: true },
  { from: 'thu 10:40', to: 'thu 11:10', silent: true },
]
const wrong: Event[] = [
  down('panel-3', 'wed 10:12', 'thu 09:31'),
  down('switch-2', 'tue 02:00', 'tue 02:40'),
  { device: 'projector-1', from: 'thu 14:30', to: 'thu 15:30', up: false, every: (m) => Math.floor(m / 2) % 2 === 1 },
  down('pc-9', 'sat 07:50', end),
  down('ap-4', 'sun 12:00', end),
  down('switch-3', 'fri 09:00', 'fri 09:30'),
  down('pc-20', 'fri 09:00', 'fri 10:00'),
  // It failed before the gateway was cut off and is still down after.
  down('panel-14', 'wed 14:40', 'wed 15:00'),
  down('panel-14', 'wed 16:00', 'wed 16:30'),
]
const examFriday = { exams: [{ from: '2026-05-08', name: 'Mid-term' }] }

function faultsOf(registry: Registry, rows: readonly Row[]) {
  const site = registry.sites(week.to).find(({ id }) => id === 's1')!
  return judgeDevices(registry, site, rows, week.to)
    .flatMap(({ terminal, faults }) => faults.map((fault) => ({ device: terminal.id, ...fault })))
    .toSorted((a, b) => a.from - b.from || a.device.localeCompare(b.device))
}
const fault = (device: string, from: Moment, to?: Moment, reason = 'no_answer') => ({
  device,
  reason,
  from: at(from),
  to: to === undefined ? undefined : at(to),
})

describe('a week of a school with 60 devices', () => {
  test('has 60 devices', () => {
    expect(devices).toHaveLength(60)
  })

  test('without a fault has none: nights, holidays, the make-up Saturday, examinations, breaks', () => {
    expect(faultsOf(schoolOf(examFriday), seen(ordinary))).toEqual([])
  })

  const rows = seen([...ordinary, ...wrong])
  const expected = [
    fault('switch-2', 'tue 02:00', 'tue 02:40'),
    fault('panel-3', 'wed 10:12', 'thu 09:31'),
    fault('panel-14', 'wed 14:40', 'wed 16:30'),
    fault('projector-1', 'thu 14:30', 'thu 15:28', 'changes'),
    fault('pc-20', 'fri 09:00', 'fri 10:00'),
    fault('switch-3', 'fri 09:00', 'fri 09:30'),
    fault('pc-9', 'sat 08:05'),
    fault('ap-4', 'sun 12:00'),
  ]

  test('has exactly the faults that there were', () => {
    expect(faultsOf(schoolOf(examFriday), rows)).toEqual(expected)
  })

  test('has the same faults in whatever order the samples came', () => {
    const late = rows.filter((_, i) => i % 3 === 0)
    const mixed = [...late.toReversed(), ...rows.filter((_, i) => i % 3 !== 0), ...late.slice(0, 500)]
    expect(faultsOf(schoolOf(examFriday), mixed)).toEqual(expected)
  })

  test('is judged anew when the school turns out to have been closed on Saturday', () => {
    const closed = schoolOf({ ...examFriday, holidays: [{ from: '2026-05-09', name: 'Storm' }] })
    expect(faultsOf(closed, rows)).toEqual(expected.filter(({ device }) => device !== 'pc-9'))
  })

  test('is judged anew when the examinations turn out to have been lessons: all that was dark is a fault', () => {
    const found = faultsOf(schoolOf({}), rows).filter(({ from }) => from === at('fri 08:05'))
    // 20 panels, 19 computers (one is used in examinations), 3 projectors that are expected at all; two off already.
    expect(found.map(({ device }) => device)).toHaveLength(42)
    expect(new Set(found.map(({ to }) => to))).toEqual(new Set([at('sat 07:50'), undefined]))
  })

  test('has a room fault only where nothing is left to show or to compute with', () => {
    const site = schoolOf(examFriday)
    const judged = judgeDevices(site, site.sites(week.to)[0]!, rows, week.to)
    const rooms = Map.groupBy(judged, ({ terminal }) => terminal.room)
    const found = [...rooms].flatMap(([room, within]) =>
      roomFaultsOf(within.map(({ terminal: { kind }, faults }) => ({ kind, faults }))).map((span) => ({
        room,
        ...span,
      })),
    )
    // The panel of room 9 computes while its computer is gone; room 1 has a panel beside its projector.
    expect(found).toEqual([{ room: 'r14', from: at('wed 14:40'), to: at('wed 16:30') }])
  })

  test('has an availability that counts expected time only', () => {
    const registry = schoolOf(examFriday)
    const times = registry.calendars.expectedOf('s1', 'rural', 'lessons')
    const buckets = rows.flatMap(({ time, tags, fields: { up } }) =>
      up === undefined || !times.at(time) ? [] : [{ terminal: tags['terminal']!, from: time, mean: up!, count: 1 }],
    )
    const { devices: of, rooms } = availabilityOf(registry.terminalsOf('s1', week.to), buckets)
    // Three days of 235 + 205 minutes, less 60 cut off and 30 away; all of Saturday's 440 are missing.
    expect(of.get('pc-9')).toBeCloseTo((1230 - 440) / 1230, 10)
    expect(of.get('panel-8')).toBe(1)
    expect(rooms.get('r9')).toBe(1)
    expect(of.get('panel-14')).toBeCloseTo((1230 - 50) / 1230, 10)
    expect(rooms.get('r14')).toBeCloseTo((1230 - 50) / 1230, 10)
  })
})
