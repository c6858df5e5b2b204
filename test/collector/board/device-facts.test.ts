import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDeviceFacts } from '../../../collector/board/device-facts.ts'
import { openTestStore, type TestStore } from '../../store/sqlite/sqlite-store.ts'
import { batchOf } from './samples.ts'

const now = Date.parse('2026-11-23T04:10:00Z')
const place = { district: 'd', town: 't', category: 'town', site: 's1', agent: 'gw' }
const row = (minutesAgo: number, terminal: string, fields: Record<string, number>) => ({
  time: now - minutesAgo * 60_000,
  tags: { terminal, kind: 'projector' },
  fields,
})

let kept: TestStore
beforeAll(async () => {
  kept = await openTestStore({})
  kept.clock.now = now
})
afterAll(() => kept.remove())

test('what a device tells by SNMP, by PJLink and by its own agent is one, and only the newest of each holds', async () => {
  const rows = [
    row(12, 'p1', { snmp: 0, uptime_seconds: 60, cpu_ratio: 0.5 }),
    row(8, 'p1', { pjlink: 0, power: 1, lamp_seconds: 3600, fault: 0 }),
    row(7, 'p1', { snmp: 0, uptime_seconds: 360 }),
    row(3, 'p1', { temperature_celsius: 40 }),
    row(8, 'p2', { snmp: 0, cpu_ratio: 0.1 }),
    row(3, 'p2', { snmp: 1 }),
    row(40, 'p3', { snmp: 0, cpu_ratio: 0.1 }),
  ]
  await (await kept.store.write([batchOf('device', rows, place)])).durable
  const facts = await readDeviceFacts(kept.store, 's1', 3, now)
  expect(facts.get('p1')).toEqual({
    time: now - 3 * 60_000,
    fields: {
      snmp: 0,
      uptime_seconds: 360,
      pjlink: 0,
      power: 1,
      lamp_seconds: 3600,
      fault: 0,
      temperature_celsius: 40,
    },
  })
  // It answers no more: what it told before is over.
  expect(facts.get('p2')).toMatchObject({ fields: { snmp: 1 } })
  expect(facts.get('p2')?.fields['cpu_ratio']).toBeUndefined()
  expect(facts.has('p3')).toBe(false)
})
