import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { healthOf, type HealthInput } from '../../../store/sqlite/check-health.ts'
import { terminals } from '../conformance.ts'
import { noon, openTestStore, type TestStore } from './sqlite-store.ts'

const hour = 3_600_000
const query = { measurement: 'terminal', from: noon - hour, to: noon + hour } as const

describe('a sqlite store that is opened and closed', () => {
  let test: TestStore
  beforeEach(async () => {
    test = await openTestStore({ threads: 'workers' })
  })
  afterEach(() => test.remove())

  it('has on its next start what it was given', async () => {
    await test.store.write(terminals(noon, 5))
    await test.reopen()
    expect(await test.store.last(query)).toHaveLength(12)
  })

  it('stores what is on its way when it is closed', async () => {
    const writes = terminals(noon, 20, ['s-1']).map((batch) => test.store.write([batch]))
    await test.reopen()
    for (const { rejected, retry } of await Promise.all(writes)) expect([rejected.size, retry]).toEqual([0, []])
    expect(await test.store.rows({ ...query, limit: 1000 })).toHaveLength(80)
  })

  it('answers questions at once, and lets go of what one of them found damaged', async () => {
    await test.store.write([...terminals(noon - 24 * hour, 5), ...terminals(noon, 5)])
    const ask = () => test.store.last({ ...query, from: noon - 30 * hour })
    expect((await Promise.all([ask(), ask(), ask()])).map((rows) => rows.length)).toEqual([12, 12, 12])
    await test.store.close()
    await writeFile(join(test.directory, 'raw-2026-11-23.sqlite'), 'x'.repeat(8192))
    await test.reopen()
    expect((await Promise.all([ask(), ask(), ask()])).map((rows) => rows.length)).toEqual([12, 12, 12])
    await test.store.write(terminals(noon, 5))
    expect((await Promise.all([ask(), ask()])).map((rows) => Math.max(...rows.map(({ time }) => time)) > noon)).toEqual(
      [true, true],
    )
  })

  it('can be closed twice, and asks for batches again afterwards', async () => {
    const closing = test.store.close()
    await test.store.close()
    await closing
    expect((await test.store.write(terminals(noon, 1, ['s-1']))).retry).toEqual([0])
    await expect(test.store.last(query)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('says which folder cannot be made', async () => {
    const path = join(test.directory, 'file')
    await writeFile(path, '')
    await expect(openTestStore({ directory: join(path, 'store'), threads: 'workers' })).rejects.toMatchObject({
      code: 'io',
    })
    await expect(openTestStore({ directory: path, threads: 'workers' })).rejects.toMatchObject({ code: 'io' })
  })

  it('counts its files and days', async () => {
    await test.store.write([...terminals(noon - 30 * hour, 1), ...terminals(noon, 1)])
    const { ok, facts } = await test.store.health()
    expect(ok).toBe(true)
    expect(facts).toMatchObject({ raw_days: 2, oldest_raw_day: '2026-11-22', left_out_rows: 0 })
    expect(facts['bytes']).toBeGreaterThan(0)
    expect(facts['free_bytes']).toBeGreaterThan(0)
  })
})

describe('health of a sqlite store', () => {
  const well: HealthInput = {
    disk: { bytes: 1, freeBytes: 50 * 1024 ** 3, rawDays: 1, oldestRaw: '2026-11-23', setAside: [] },
    waitingHours: 0,
    directory: '/data',
    fault: undefined,
    leftOutRows: 0,
    rolledUpAt: noon,
    clockDoubtful: false,
    now: noon,
  }
  it.each<[string, Partial<HealthInput>]>([
    ['Nothing can be stored: disk I/O error.', { fault: 'disk I/O error' }],
    [
      'The disk of /data is nearly full: 100 MiB are free; free space or lower the retention.',
      { disk: { ...well.disk, freeBytes: 100 * 1024 ** 2 } },
    ],
    [
      'Hourly roll-ups are behind since 2026-11-23T09:00:00.000Z; charts of many days are slow until they catch up.',
      { rolledUpAt: noon - 3 * hour },
    ],
    [
      'The clock here says 2026-11-23T12:00:00.000Z, days after the newest samples in /data: nothing is deleted. Check the clock; when it is right, this ends by itself with two days of new samples.',
      { clockDoubtful: true },
    ],
  ])('says: %s', (sentence, change) => {
    expect(healthOf({ ...well, ...change })).toMatchObject({ ok: false, problems: [sentence] })
  })
  it('has nothing to say when all is well', () => {
    expect(healthOf(well)).toMatchObject({ ok: true, problems: [] })
  })
})
