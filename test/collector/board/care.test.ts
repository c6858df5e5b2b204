import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCare } from '../../../collector/board/care.ts'
import { readDeviceFacts } from '../../../collector/board/device-facts.ts'
import { openTestStore, type TestStore } from '../../store/sqlite/sqlite-store.ts'
import { batchOf } from './samples.ts'

/** Sunday evening. */
const now = Date.parse('2026-11-22T20:00:00+08:00')
const friday = Date.parse('2026-11-20T16:30:00+08:00')
const minuteMs = 60_000
const place = { district: 'd', town: 't', category: 'town', site: 's1', agent: 'gw' }
const row = (time: number, terminal: string, kind: string, fields: Record<string, number>) => ({
  time,
  tags: { terminal, kind },
  fields,
})

let kept: TestStore
beforeAll(async () => {
  kept = await openTestStore({})
  kept.clock.now = now
  const rows = [
    row(friday - 10 * minuteMs, 'worn', 'projector', { pjlink: 0, fault: 2, fault_part: 3, lamp_seconds: 100 }),
    row(friday, 'worn', 'projector', { pjlink: 0, fault: 1, fault_part: 2, lamp_seconds: 7_200_000 }),
    // Off since: that it does not answer says nothing of its lamp.
    row(friday + 5 * minuteMs, 'worn', 'projector', { pjlink: 1 }),
    row(friday, 'mended', 'projector', { pjlink: 0, fault: 2, fault_part: 1 }),
    row(friday + 5 * minuteMs, 'mended', 'projector', { pjlink: 0, fault: 0, fault_part: 0 }),
    row(friday, 'low', 'printer', { snmp: 0, supply_left_ratio: 0.07, fault: 0 }),
    row(friday, 'full', 'printer', { snmp: 0, supply_left_ratio: 0.6, fault: 0 }),
    row(now - 4 * minuteMs, 'jammed', 'printer', { snmp: 0, supply_left_ratio: 0.6, fault: 2, fault_part: 8 }),
    // A computer that is off is asked again when it is on.
    row(friday, 'pc', 'pc', { snmp: 0, fault: 2, fault_part: 9 }),
  ]
  await (await kept.store.write([batchOf('device', rows, place)])).durable
})
afterAll(() => kept.remove())

test('lamps and toner are told of devices that were switched off for the weekend, by the last they said', async () => {
  const devices = [
    ...['worn', 'mended'].map((id) => ({ id, kind: 'projector' as const })),
    ...['low', 'full', 'jammed'].map((id) => ({ id, kind: 'printer' as const })),
    { id: 'pc', kind: 'pc' as const },
  ]
  const facts = await readDeviceFacts(kept.store, 's1', devices.length, now)
  const care = await readCare(kept.store, 's1', devices, facts, now)
  expect(Object.fromEntries(care)).toEqual({
    worn: { severity: 'warning', time: friday, faultPart: 2, supplyLeftRatio: null, lampSeconds: 7_200_000 },
    low: { severity: 'warning', time: friday, faultPart: null, supplyLeftRatio: 0.07, lampSeconds: null },
    jammed: { severity: 'error', time: now - 4 * minuteMs, faultPart: 8, supplyLeftRatio: 0.6, lampSeconds: null },
  })
})
