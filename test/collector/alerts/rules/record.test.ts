import { expect, test } from 'vitest'
import { evaluate } from '../../../../collector/alerts/rules/evaluate.ts'
import type { Facts } from '../../../../collector/alerts/rules/facts.ts'
import { createAlertRecord } from '../../../../collector/alerts/rules/record.ts'
import { rulesFileSchema, rulesOf } from '../../../../collector/alerts/rules/schema.ts'
import { openTestStore } from '../../../store/sqlite/sqlite-store.ts'

const own = (id: string, rest: object) => ({
  ...{ id, title: { zh: id, en: id }, severity: 'warning', for_seconds: 0 },
  ...rest,
})
const lamps = { type: 'measurement', measurement: 'device', field: 'lamp_seconds', is: 'above', value: '3000h' }

test('faults of equipment are those that rules of rooms and kinds of devices find, and those that a rule says are', async () => {
  const held = await openTestStore()
  const time = held.clock.now
  const text = { en: 'x', zh: 'x' }
  const site = { id: 's1', name: text, town: 't1', townName: text, category: 'rural', lesson: true, schoolDay: true }
  const down = [1, 2, 3, 4, 5].map((i) => ({ id: `pc${i}`, kind: 'pc' as const, state: 'down' as const }))
  const facts: Facts = {
    time,
    sites: new Map([['s1', site]]),
    silence: new Map(),
    agents: [],
    verdicts: new Map(),
    paths: new Map(),
    rooms: new Map([['s1', [{ room: 'r1', name: text, state: 'down', causes: [] }]]]),
    devices: new Map([['s1', down]]),
    parts: new Map(),
    calendars: [],
    registered: () => [],
    readings: new Map(['lamps', 'lamps-too'].map((id) => [id, [{ tags: { site: 's1' }, value: 4_000 * 3_600 }]])),
  }
  const rules = rulesOf(
    rulesFileSchema.parse({
      rules: [
        own('room', { when: { type: 'room' } }),
        own('kind', { when: { type: 'devices' } }),
        own('power', { when: { type: 'devices', by: 'site' } }),
        own('lamps', { when: lamps, fault: 'equipment' }),
        own('lamps-too', { when: lamps }),
        own('room-too', { when: { type: 'room' }, fault: 'none' }),
      ],
    }),
  )
  const { changed, states } = evaluate(rules, facts, new Map())
  const record = createAlertRecord(held.store, 'd1')
  const stored = () => held.store.rows({ measurement: 'alert', from: 0, to: time + 1, limit: 100 })
  // While one call writes, the next one leaves what it has to the one after it.
  const none = new Map()
  await Promise.all([record(changed.slice(0, 2), none, facts), record(changed.slice(2), none, facts)])
  expect(await stored()).toHaveLength(2)
  await record([], states, facts)
  const rows = await stored()
  const faults = Object.fromEntries(rows.map(({ tags, fields }) => [tags['rule'], fields['fault']]))
  expect(faults).toEqual({ room: 1, kind: 1, power: 0, lamps: 1, 'lamps-too': 0, 'room-too': 0 })
  await held.remove()
})
