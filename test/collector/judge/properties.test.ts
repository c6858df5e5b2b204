/** What a verdict must not depend on: the order in which results came, how often, and in what pieces they were asked for. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeAt, judgeSites } from '../../../collector/judge/judge-sites.ts'
import { createRegistry } from '../../../collector/registry.ts'
import type { Batch } from '../../../core/batch.ts'
import { causes, outcomes, triggers } from '../../../core/catalog.ts'
import { registrySchema } from '../../../core/registry.ts'
import { presetNames, standardSchema } from '../../../core/standard.ts'
import type { Row } from '../../../store/query.ts'
import { openTestStore, type TestStore } from '../../store/sqlite/sqlite-store.ts'
import { hourMs, M, row, standard } from './rows.ts'

const now = Date.parse('2026-11-23T12:00:00+08:00')
const data = registrySchema.parse({
  district: { id: 'd1', name: 'D' },
  towns: [{ id: 't1', name: 'T' }],
  sites: [{ id: 's1', name: 'S', town: 't1', category: 'rural' }],
  links: [
    { id: 'wan', site: 's1', target_down_bps: '100M' },
    { id: 'wan', site: 's1', target_down_bps: '200M', valid_from: '2026-11-20' },
  ],
})
const registries = presetNames.map((preset) =>
  createRegistry(data, standardSchema.parse({ ...standard, rule: { preset, min_trials: 4 } })),
)
const registry = fc.constantFrom(...registries)
const site = data.sites[0] as (typeof data.sites)[number]

/** Ten days: some lie before the window. Times are keys, so each comes once. */
const results = fc
  .uniqueArray(
    fc.record({
      minute: fc.integer({ min: 0, max: 10 * 24 * 60 }),
      rate: fc.integer({ min: 20, max: 210 }),
      target: fc.constantFrom(100, 200),
      outcome: fc.constantFrom(...(Object.keys(outcomes) as (keyof typeof outcomes)[])),
      cause: fc.constantFrom(...(['none', 'marginal', 'busy_line'] as const satisfies (keyof typeof causes)[])),
      trigger: fc.constantFrom(...(['scheduled', 'confirmation'] as const satisfies (keyof typeof triggers)[])),
    }),
    { selector: ({ minute }) => minute, maxLength: 40 },
  )
  .map((list) =>
    list.map(({ minute, rate, target, ...said }) =>
      row({ ...said, time: now - minute * 60_000, rate: rate * M, target: target * M }),
    ),
  )
const shuffled = results.chain((rows) =>
  fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
)

describe('a verdict', () => {
  test('does not depend on the order of arrival', () => {
    fc.assert(
      fc.property(registry, shuffled, (known, [rows, other]) => {
        expect(judgeAt(known, site, other, now)).toEqual(judgeAt(known, site, rows, now))
      }),
    )
  })

  test('agrees however the window was split to be read, and however much more was read', () => {
    fc.assert(
      fc.property(
        registry,
        results,
        fc.array(fc.integer({ min: 0, max: 240 }), { maxLength: 4 }),
        (known, rows, cuts) => {
          const from = Date.parse('2026-11-16T00:00:00+08:00')
          const within = rows.filter(({ time }) => time >= from)
          const edges = [0, ...cuts.map((hours) => now - hours * hourMs), Infinity].sort((a, b) => a - b)
          const pieces = edges
            .slice(1)
            .map((to, i) => rows.filter(({ time }) => time >= (edges[i] as number) && time < to))
          expect(judgeAt(known, site, pieces.toReversed().flat(), now)).toEqual(judgeAt(known, site, within, now))
        },
      ),
    )
  })
})

describe('from the store', () => {
  let held: TestStore
  beforeAll(async () => {
    held = await openTestStore()
    held.clock.now = now
  })
  afterAll(() => held.remove())

  test('the same results twice change nothing', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(registry, shuffled, async (known, [rows, again]) => {
        const id = `s${++run}`
        const sites = [{ ...site, id }]
        const write = async (batch: Row[]) => {
          const { durable } = await held.store.write(batch.map((one) => batchOf(id, one)))
          await durable
        }
        await write(rows)
        const first = await judgeSites(held.store, known, sites, now)
        await write(again)
        expect(await judgeSites(held.store, known, sites, now)).toEqual(first)
      }),
      { numRuns: 20 },
    )
  })
})

function batchOf(site: string, { time, tags, fields }: Row): Batch {
  const place = { district: 'd1', town: 't1', category: 'rural', agent: 'a-gw1' }
  const columns = Object.entries(fields).map(([name, value]) => [name, [value]])
  return {
    measurement: 'bandwidth',
    times: [time],
    tags: { ...place, ...tags, site },
    fields: Object.fromEntries(columns),
  }
}
