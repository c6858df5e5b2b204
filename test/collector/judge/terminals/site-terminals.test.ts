/** What the board tells of the school of week.test.ts, read from a real store at some moment of the week. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTerminalJudge } from '../../../../collector/judge/terminals/site-terminals.ts'
import type { Registry } from '../../../../collector/registry.ts'
import { openTestStore, type TestStore } from '../../../store/sqlite/sqlite-store.ts'
import { batchOf } from '../../board/samples.ts'
import { at, devices, type Event, type Moment, schoolOf, seen } from './school.ts'

const down = (device: string, from: Moment, to: Moment): Event => ({ device, from, to, up: false })
const examFriday = { exams: [{ from: '2026-05-08' }] }
const rows = seen([
  down('panel-3', 'wed 10:12', 'sun 23:59'),
  down('pc-14', 'thu 10:00', 'sat 07:50'),
  down('panel-14', 'thu 10:05', 'sat 07:50'),
  down('pc-8', 'thu 10:40', 'thu 10:45'),
  { device: 'projector-1', from: 'thu 09:00', to: 'thu 11:30', up: false, every: (m) => Math.floor(m / 2) % 2 === 1 },
  { device: 'panel-12', from: 'thu 10:30', to: 'thu 11:00', cutOff: true },
  { device: 'switch-1', from: 'thu 10:00', to: 'sun 23:59', silent: true },
])
const registry = schoolOf(examFriday)
const agent = { ...registry.placeOf('a-gw1', at('mon 00:00')), agent: 'a-gw1' }
const batchRows = 9_000

let kept: TestStore
beforeAll(async () => {
  kept = await openTestStore({})
  kept.clock.now = at('sun 23:59')
  for (let i = 0; i < rows.length; i += batchRows) {
    const { durable } = await kept.store.write([batchOf('terminal', rows.slice(i, i + batchRows), agent)])
    await durable
  }
  await kept.store.rollUp()
}, 60_000)
afterAll(() => kept.remove())

/** A judge that knows nothing but the store, as after a restart. */
async function judged(moment: Moment, school: Registry = registry) {
  const now = at(moment) + 5_000
  const site = school.sites(now).find(({ id }) => id === 's1')!
  const { devices, rooms, availability } = await createTerminalJudge(
    kept.store,
    () => school,
    () => now,
  ).ofSite(site)
  return {
    availability,
    device: (id: string) => devices.find(({ terminal }) => terminal.id === id)!,
    room: (id: string) => rooms.find((room) => room.id === id)!,
  }
}

describe('in a lesson', () => {
  test('tells what each device is, and since when to the minute', async () => {
    const { device } = await judged('thu 10:43')
    const fault = { reason: 'no_answer', from: at('wed 10:12'), to: undefined }
    expect(device('panel-3')).toMatchObject({ state: 'down', since: at('wed 10:12'), sinceAtLeast: false, fault })
    expect(device('panel-3').answeredAt).toBe(at('wed 10:11'))
    expect(device('panel-1')).toMatchObject({ state: 'up', since: at('thu 07:50'), fault: undefined })
    expect(device('ap-1')).toMatchObject({ state: 'up', sinceAtLeast: true })
    expect(device('projector-1')).toMatchObject({ state: 'flapping', reason: 'changes' })
    expect(device('projector-4')).toMatchObject({ state: 'off', expected: false })
    expect(device('panel-12')).toMatchObject({ state: 'unknown', reason: 'cut_off', since: at('thu 10:30') })
    expect(device('switch-1')).toMatchObject({ state: 'unknown', reason: 'no_samples' })
    expect(device('pc-8')).toMatchObject({ state: 'down', since: at('thu 10:40'), fault: undefined })
  })

  test('tells which rooms can be used, and which devices take one away', async () => {
    const { room } = await judged('thu 10:43')
    expect(room('r14')).toMatchObject({ state: 'down', since: at('thu 10:05'), roles: ['display', 'computer'] })
    expect(room('r14').causes.toSorted()).toEqual(['panel-14', 'pc-14'])
    // A projector shows and a computer computes in place of the panel.
    expect(room('r3')).toMatchObject({ state: 'up' })
    expect(room('none')).toMatchObject({ state: 'none' })
  })
})

test('only classrooms are judged: an office can do without its screen, and a place without a name is no room', async () => {
  const terminals = devices.map((device) => (/^(panel|pc)-3$/.test(device.id) ? { ...device, room: 'none' } : device))
  const { room, device } = await judged('thu 10:43', schoolOf(examFriday, { offices: ['r14'], terminals }))
  const notJudged = { state: 'none', reason: 'not_judged', roles: [], causes: [], since: undefined }
  expect(room('r14')).toMatchObject(notJudged)
  expect(room('none')).toMatchObject(notJudged)
  // Its devices are judged as all others are.
  expect(device('panel-14').state).toBe('down')
})

test('at night a device is off, and what was wrong with it is not forgotten', async () => {
  const { device, room } = await judged('fri 02:00')
  expect(device('panel-1')).toMatchObject({ state: 'off', fault: undefined, since: at('thu 17:40') })
  expect(device('panel-3')).toMatchObject({ state: 'off', fault: { from: at('wed 10:12') } })
  expect(device('pc-8')).toMatchObject({ state: 'off', fault: undefined })
  expect(room('r1').state).toBe('off')
})

test('a calendar that is corrected changes what was stored before', async () => {
  const before = await judged('fri 10:43')
  expect(before.device('panel-1')).toMatchObject({ state: 'off', fault: undefined })
  const after = await judged('fri 10:43', schoolOf({}))
  const from = at('fri 08:05')
  expect(after.device('panel-1')).toMatchObject({ state: 'down', fault: { reason: 'no_answer' } })
  // Found by the hour it has been silent since, and the calendar: the bell and its grace.
  expect(Math.abs(after.device('panel-1').since! - from)).toBeLessThan(60_000)
  expect(after.availability.devices.get('panel-1')!).toBeLessThan(before.availability.devices.get('panel-1')!)
})

test('availability is that of the expected time of the last week', async () => {
  const { availability } = await judged('sun 12:00')
  expect(availability.devices.get('panel-1')).toBe(1)
  // Of Wednesday, Thursday and Saturday, 440 minutes each, the first 127 were before it broke.
  expect(availability.devices.get('panel-3')).toBeCloseTo(127 / 1320, 3)
})
