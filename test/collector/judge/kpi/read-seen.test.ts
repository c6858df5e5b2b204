import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSeen } from '../../../../collector/judge/kpi/read-seen.ts'
import type { Bucket } from '../../../../collector/judge/terminals/availability.ts'
import { createRegistry } from '../../../../collector/registry.ts'
import { registrySchema } from '../../../../core/registry.ts'
import { openTestStore, type TestStore } from '../../../store/sqlite/sqlite-store.ts'
import { districtData, standard } from '../../district.ts'

const dayMs = 86_400_000
const day = Date.parse('2026-11-18T00:00:00+08:00')
const span = { from: day, to: day + dayMs, utcOffsetSeconds: 28_800 }
/** 150 devices at the first school: more than a question names, and few enough missing that they are asked for by name. */
const many = Array.from({ length: 150 }, (_, i) => ({ id: `s1-${i}`, kind: 'pc', site: 's1' }))
const registry = createRegistry(
  registrySchema.parse(
    districtData({
      sites: ['s1', 's2', 's3'].map((id) => ({ id, name: id, town: 't1', category: 'rural' })),
      terminals: [...many, { id: 's2-0', kind: 'pc', site: 's2' }, { id: 's3-0', kind: 'pc', site: 's3' }],
    }),
  ),
  standard,
)

let held: TestStore
beforeEach(async () => {
  held = await openTestStore({ retention: { raw_days: 40 } })
  held.clock.now = day + dayMs
})
afterEach(() => held.remove())

async function write(site: string, devices: readonly string[], daysAgo: number, up: number): Promise<void> {
  const time = day - daysAgo * dayMs + 10 * 3_600_000
  const { rejected, durable } = await held.store.write([
    {
      measurement: 'terminal',
      times: devices.map(() => time),
      tags: {
        district: 'd1',
        town: 't1',
        category: 'rural',
        site,
        agent: site,
        terminal: [...devices],
        kind: 'pc',
        room: 'none',
      },
      fields: { up: devices.map(() => up) },
    },
  ])
  expect([...rejected.values()]).toEqual([])
  await durable
}
const idsOf = (from: number, to = from + 1) => many.slice(from, to).map(({ id }) => id)
const seen = (hours = new Map<string, Bucket[]>()) =>
  readSeen(held.store, registry, { sites: registry.sites(day), day: span, hours })

test('a device was seen when it answered within thirty days, however many are silent on the day', async () => {
  await write('s1', idsOf(0, 150), 0, 0)
  await write('s1', idsOf(0, 100), 2, 1)
  await write('s1', idsOf(100, 140), 12, 1)
  await write('s1', idsOf(140), 29, 1)
  await write('s1', idsOf(141), 30, 1)
  await held.store.rollUp()
  expect([...((await seen()).get('s1') ?? [])].toSorted()).toEqual(idsOf(0, 141).toSorted())
})

test('few that did not answer while they were expected are found in the days before', async () => {
  await write('s1', idsOf(147), 20, 1)
  await write('s1', idsOf(148), 20, 0)
  const hours = idsOf(0, 149).map((terminal, i) => ({ terminal, from: day, mean: i < 147 ? 0.5 : 0, count: 2 }))
  const answered = (await seen(new Map([['s1', hours]]))).get('s1')
  expect(idsOf(146, 150).map((id) => answered?.has(id))).toEqual([true, true, false, false])
})

test('of a school where nobody looked nothing is said; one whose devices have left the registry was looked at', async () => {
  await write('s1', idsOf(0, 150), 0, 1)
  await write('s2', ['old'], 9, 1)
  const found = await seen()
  expect([...(found.get('s2') ?? ['nobody looked'])]).toEqual(['old'])
  expect(found.has('s3')).toBe(false)
})
