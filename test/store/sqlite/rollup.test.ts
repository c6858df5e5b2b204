import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../../../core/batch.ts'
import type { Aggregate, RangeQuery } from '../../../store/query.ts'
import { expectSeries } from '../conformance.ts'
import { createModel } from '../model.ts'
import { noon, openTestStore, type TestStore } from './sqlite-store.ts'

const hour = 3_600_000

type Sample = {
  time: number
  terminal: string
  up: number | null
  rtt_seconds: number | null
  expected: number | null
}

/** A few samples of two terminals at random times of six hours (two UTC days), with values missing at random. */
const sample: fc.Arbitrary<Sample> = fc.record({
  time: fc.integer({ min: 0, max: 6 * 3600 - 1 }),
  terminal: fc.constantFrom('t-1', 't-2'),
  up: fc.option(fc.constantFrom(0, 1)),
  rtt_seconds: fc.option(fc.integer({ min: 0, max: 100_000 }).map((value) => value / 100_000)),
  expected: fc.option(fc.constantFrom(0, 1)),
})
const step = fc.oneof(
  { weight: 3, arbitrary: fc.array(sample, { minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constant('roll up' as const) },
)

describe('roll-ups', () => {
  let test: TestStore
  let site = 0
  const from = noon - 15 * hour
  beforeAll(async () => {
    test = await openTestStore()
  })
  afterAll(() => test.remove())

  function batchOf(samples: readonly Sample[], name: string): Batch {
    const column = (field: 'up' | 'rtt_seconds' | 'expected') => samples.map((one) => one[field])
    return {
      measurement: 'terminal',
      times: samples.map(({ time }) => from + time * 1000),
      tags: {
        district: 'qc',
        town: 'east',
        category: 'town',
        site: name,
        agent: name,
        terminal: samples.map(({ terminal }) => terminal),
        kind: 'pc',
        room: 'r1',
      },
      fields: { up: column('up'), rtt_seconds: column('rtt_seconds'), expected: column('expected') },
    }
  }

  it('give what the samples give, whatever was rolled up before what was written', { timeout: 120_000 }, async () => {
    const aggregates: Aggregate[] = ['mean', 'min', 'max', 'sum', 'count', 'last']
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.constantFrom(...aggregates), async (steps, aggregate) => {
        const model = createModel()
        const name = `s-${++site}`
        for (const one of steps) {
          if (one === 'roll up') {
            await test.store.rollUp()
            continue
          }
          const batch = batchOf(one, name)
          model.write(batch)
          await test.store.write([batch])
        }
        const query: RangeQuery = {
          measurement: 'terminal',
          field: 'rtt_seconds',
          match: { site: name },
          from: from + 10 * 60_000,
          to: from + 5.5 * hour,
          everySeconds: 7200,
          utcOffsetSeconds: 8 * 3600,
          aggregate,
          by: ['terminal'],
        }
        expectSeries(await test.store.range(query), model.range(query))
        const expected = { ...query, field: 'up', aggregate: 'sum', expectedOnly: true } as const
        expectSeries(await test.store.range(expected), model.range(expected))
        const newest = { measurement: 'terminal', match: { site: name }, from, to: from + 4 * hour } as const
        const sorted = (rows: { tags: Record<string, string> }[]) =>
          rows.toSorted((a, b) => String(a.tags['terminal']).localeCompare(String(b.tags['terminal'])))
        expect(sorted(await test.store.last(newest))).toEqual(sorted(model.last(newest)))
      }),
      { numRuns: 150 },
    )
  })

  it('of one device among many are as its samples, whatever is asked of it in the same breath', async () => {
    const model = createModel()
    const samples = Array.from({ length: 20 * 300 }, (_, i) => ({
      time: Math.floor(i / 20) * 60 + (i % 20),
      terminal: `t-${i % 20}`,
      up: (i * 7) % 13 > 2 ? 1 : 0,
      rtt_seconds: ((i * 31) % 997) / 1000,
      expected: 1,
    }))
    for (const name of ['many-1', 'many-2']) {
      const batch = batchOf(samples, name)
      model.write(batch)
      await test.store.write([batch])
    }
    await test.store.rollUp()
    const query = {
      measurement: 'terminal',
      field: 'rtt_seconds',
      match: { site: ['many-1', 'many-2'], terminal: 't-7' },
      from: from + 10 * 60_000,
      to: from + 4.5 * hour,
      everySeconds: 3600,
      by: ['site'],
    } as const
    const aggregates: Aggregate[] = ['mean', 'count', 'sum', 'mean', 'max', 'last']
    const answers = await Promise.all(aggregates.map((aggregate) => test.store.range({ ...query, aggregate })))
    for (const [i, aggregate] of aggregates.entries()) {
      const wanted = model.range({ ...query, aggregate })
      expect(wanted).toHaveLength(2)
      expectSeries(answers[i] ?? [], wanted)
    }
  })

  it('take in samples that come late, once each', async () => {
    const query = {
      measurement: 'terminal',
      field: 'up',
      from,
      to: noon,
      everySeconds: 3600,
      aggregate: 'count',
    } as const
    const at = (time: number) => ({ time, terminal: 't-1', up: 1, rtt_seconds: null, expected: null }) as const
    const count = async () =>
      (await test.store.range({ ...query, match: { site: 'late' } })).flatMap(({ points }) => points)
    await test.store.write([batchOf([at(10), at(3700)], 'late')])
    await test.store.rollUp()
    await test.store.write([batchOf([at(20), at(10)], 'late')])
    expect(await count()).toEqual([
      [from, 2],
      [from + hour, 1],
    ])
    await test.store.rollUp()
    expect(await count()).toEqual([
      [from, 2],
      [from + hour, 1],
    ])
  })

  it('are made by themselves once an hour is over', async () => {
    await test.store.write([batchOf([{ time: 0, terminal: 't-1', up: 1, rtt_seconds: 0.5, expected: 1 }], 'alone')])
    await test.reopen()
    await expect.poll(async () => (await test.store.health()).facts['waiting_hours'], { timeout: 10_000 }).toBe(0)
  })
})
