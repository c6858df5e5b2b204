import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../../core/batch.ts'
import type { RangeQuery } from '../../../store/query.ts'
import { expectSeries, terminals } from '../conformance.ts'
import { createModel } from '../model.ts'
import { noon, openTestStore, type TestStore } from './sqlite-store.ts'

const hour = 3_600_000
const day = 24 * hour

describe('retention of the sqlite store', () => {
  let test: TestStore
  beforeEach(async () => {
    test = await openTestStore({ retention: { raw_days: 2, long_days: 60 } })
  })
  afterEach(() => test.remove())

  const files = async () =>
    (await readdir(test.directory)).filter((name) => /^(raw|hourly|evidence).*e$/.test(name)).sort()

  /** The clock comes to `time` with samples of that day and the one before. */
  const goOn = async (time: number) => {
    test.clock.now = time
    await test.store.write([...terminals(time - day, 1, ['s-1']), ...terminals(time, 1, ['s-1'])])
  }

  it('deletes whole days of samples and keeps their roll-ups, made before if need be', async () => {
    const model = createModel()
    const batches = [...terminals(noon - 26 * hour, 60), ...terminals(noon - 2 * hour, 60)]
    for (const batch of batches) model.write(batch)
    await test.store.write(batches)
    expect(await files()).toEqual(['raw-2026-11-22.sqlite', 'raw-2026-11-23.sqlite'])

    test.clock.now = noon + 2 * day
    await test.store.retain()
    expect(await files()).toEqual(['hourly-2026-11.sqlite', 'raw-2026-11-23.sqlite'])

    const query: RangeQuery = {
      measurement: 'terminal',
      field: 'rtt_seconds',
      from: noon - 2 * day,
      to: noon,
      everySeconds: 3600,
      aggregate: 'mean',
      by: ['terminal'],
    }
    for (const aggregate of ['mean', 'min', 'max', 'sum', 'count', 'last'] as const) {
      expectSeries(await test.store.range({ ...query, aggregate }), model.range({ ...query, aggregate }))
    }
    const expected = { ...query, field: 'up', aggregate: 'mean', expectedOnly: true } as const
    expectSeries(await test.store.range(expected), model.range(expected))
  })

  it('counts an hour whole, where it starts, once its samples are gone, and leaves out its quantile', async () => {
    await test.store.write(terminals(noon - 26 * hour, 60, ['s-1']))
    await goOn(noon + 2 * day)
    await test.store.retain()
    const query = { measurement: 'terminal', field: 'up', from: noon - 26 * hour, to: noon, everySeconds: 600 } as const
    const [series] = await test.store.range({ ...query, aggregate: 'count' })
    expect(series?.points).toEqual([[noon - 26 * hour, 240]])
    expect(await test.store.range({ ...query, aggregate: { quantile: 0.5 } })).toEqual([])
  })

  it('keeps evidence and roll-ups for the long time, and then deletes whole months', async () => {
    const evidence: Batch = {
      measurement: 'compliance',
      times: [noon - 40 * day],
      tags: { district: 'qc', town: 'east', category: 'town', site: 's-1', link: 'wan', direction: 'down' },
      fields: { verdict: [1] },
    }
    await test.store.write([evidence, ...terminals(noon, 1, ['s-1'])])
    await goOn(noon + 40 * day)
    await test.store.retain()
    expect(await files()).toEqual(['hourly-2026-11.sqlite', 'raw-2027-01-01.sqlite', 'raw-2027-01-02.sqlite'])
    await goOn(noon + 70 * day)
    await test.store.retain()
    expect(await files()).toEqual(['hourly-2027-01.sqlite', 'raw-2027-01-31.sqlite', 'raw-2027-02-01.sqlite'])
  })

  it('deletes by itself when it is opened', async () => {
    await test.store.write(terminals(noon - 26 * hour, 1))
    await goOn(noon + 2 * day)
    await test.reopen()
    await expect
      .poll(files, { timeout: 10_000 })
      .toEqual(['hourly-2026-11.sqlite', 'raw-2026-11-24.sqlite', 'raw-2026-11-25.sqlite'])
  })

  it('deletes nothing by a clock that is years ahead, says so, and does not believe samples of that hour', async () => {
    const years = 4 * 365 * day
    await test.store.write([...terminals(noon - day, 1), ...terminals(noon, 1)])
    const before = await files()
    test.clock.now = noon + years
    await test.store.retain()
    expect(await files()).toEqual(before)
    expect((await test.store.health()).problems.join()).toContain('nothing is deleted')
    await test.store.write(terminals(noon + years, 1))
    await test.store.retain()
    expect(await files()).toEqual(expect.arrayContaining(before))
    expect(test.errors()).toHaveLength(1)

    await goOn(noon + 2 * day)
    await test.store.retain()
    expect((await test.store.health()).problems.join()).not.toContain('nothing is deleted')
    expect(await files()).not.toContain('raw-2026-11-22.sqlite')
  })

  it('refuses a batch older than what is kept, and one from a clock that is far ahead', async () => {
    const old = terminals(noon - 4 * day, 1, ['s-1'])
    const ahead = terminals(noon + 25 * hour, 1, ['s-1'])
    const { rejected, retry } = await test.store.write([...old, ...terminals(noon, 1, ['s-1']), ...ahead])
    expect(retry).toEqual([])
    expect([...rejected]).toEqual([
      [0, 'its time 2026-11-19T12:00:00.000Z is older than the 2 days that terminal is kept'],
      [
        2,
        'its time 2026-11-24T13:00:00.000Z is more than 24 hours ahead of the clock here; check the clock of the sender',
      ],
    ])
  })

  it('keeps the rows of a batch that are in time, and says how many were not', async () => {
    const [batch] = terminals(noon, 1, ['s-1']) as [Batch]
    batch.times[1] = noon - 10 * day
    const { rejected, retry } = await test.store.write([batch])
    expect([rejected.size, retry]).toEqual([0, []])
    expect(await test.store.last({ measurement: 'terminal', from: noon - day, to: noon + hour })).toHaveLength(3)
    expect((await test.store.health()).facts['left_out_rows']).toBe(1)
  })
})
