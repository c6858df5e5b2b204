import { readdirSync, readlinkSync } from 'node:fs'
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../../core/batch.ts'
import type { MeasurementName } from '../../../core/catalog.ts'
import type { RangeQuery } from '../../../store/query.ts'
import { createReaderMethods } from '../../../store/sqlite/reader-methods.ts'
import { terminals } from '../conformance.ts'
import { noon, openTestStore, type TestStore } from './sqlite-store.ts'

const hour = 3_600_000
const day = 24 * hour

describe('the sqlite store', () => {
  let test: TestStore
  beforeEach(async () => {
    test = await openTestStore()
  })
  afterEach(() => test.remove())

  const file = (name: string) => join(test.directory, name)
  const countQuery = (from: number): RangeQuery => ({
    measurement: 'terminal',
    field: 'up',
    from,
    to: noon + hour,
    everySeconds: 3600,
    aggregate: 'count',
  })
  const count = async (from = noon - 2 * day) =>
    (await test.store.range(countQuery(from))).flatMap(({ points }) => points).reduce((sum, [, n]) => sum + n, 0)

  describe('with a damaged file', () => {
    const expectSetAside = async (name: string) => {
      const aside = (await readdir(test.directory)).filter((entry) => entry.startsWith(`${name}.sqlite.corrupt-`))
      expect(aside.length).toBeGreaterThan(0)
      expect(test.errors().map(({ partition }) => partition)).toEqual([name])
      expect(test.errors()[0]).toMatchObject({ path: file(aside[0] as string) })
      expect((await test.store.health()).problems.join()).toContain(aside[0])
    }

    /** Sound at its head, torn further on, as after a bad sector. */
    const tear = async (name: string, from: number) => {
      const handle = await open(file(name), 'r+')
      const { size } = await handle.stat()
      await handle.write(Buffer.alloc(size - from, 0xff), 0, size - from, from)
      await handle.close()
    }

    it('sets it aside when it is no database, and goes on with the other days', async () => {
      await test.store.write([...terminals(noon - day, 1), ...terminals(noon, 1)])
      await test.store.close()
      await writeFile(file('raw-2026-11-22.sqlite'), 'x'.repeat(8192))
      await test.reopen()
      expect(await count()).toBe(12)
      await expectSetAside('raw-2026-11-22')
    })

    it('sets it aside when a write meets the damage, and stores the batch in a fresh one', async () => {
      await test.store.write(terminals(noon, 1))
      await test.store.close()
      await writeFile(file('raw-2026-11-23.sqlite'), 'x'.repeat(8192))
      await test.reopen()
      const { rejected, retry } = await test.store.write(terminals(noon, 2))
      expect([rejected.size, retry]).toEqual([0, []])
      expect(await count()).toBe(24)
      await expectSetAside('raw-2026-11-23')
    })

    it('answers a query from the others when damage comes while it runs', async () => {
      await test.store.write([...terminals(noon - day, 400, ['s-1']), ...terminals(noon, 1)])
      await test.reopen()
      // The writer has looked through the file and found it sound.
      await test.store.rollUp()
      await tear('raw-2026-11-22.sqlite', 24_576)
      const rows = await test.store.rows({
        measurement: 'terminal',
        from: noon - 2 * day,
        to: noon + hour,
        limit: 10_000,
      })
      expect(rows).toHaveLength(12)
      await expectSetAside('raw-2026-11-22')
      expect(await count()).toBe(1612)
    })

    it('makes lost roll-ups again from the samples there are', async () => {
      await test.store.write(terminals(noon, 30))
      await test.store.rollUp()
      await test.store.close()
      await writeFile(file('hourly-2026-11.sqlite'), 'x'.repeat(8192))
      await test.reopen()
      expect(await count()).toBe(360)
      await test.store.rollUp()
      expect(await count()).toBe(360)
      await expectSetAside('hourly-2026-11')
    })

    it('lays damage of roll-ups to their own file, not to that of the samples', async () => {
      await test.store.write(terminals(noon - 11 * hour, 600))
      await test.store.rollUp()
      await test.store.close()
      await tear('hourly-2026-11.sqlite', 16_384)
      await test.reopen()
      await test.store.write(terminals(noon - 11 * hour, 700))
      await test.store.rollUp()
      expect(await count()).toBe(8400)
      await expectSetAside('hourly-2026-11')
    })

    it('keeps roll-ups whose samples were lost, though some come again', async () => {
      await test.store.write(terminals(noon, 30))
      await test.store.rollUp()
      await test.store.close()
      await writeFile(file('raw-2026-11-23.sqlite'), 'x'.repeat(8192))
      await test.reopen()
      await test.store.write(terminals(noon, 3))
      await test.store.rollUp()
      expect(await count()).toBe(360)
    })
  })

  it('makes its lock anew when that file is damaged, and names it when it cannot be opened', async () => {
    await test.store.close()
    await writeFile(file('lock.sqlite'), 'x'.repeat(8192))
    await test.reopen()
    expect((await test.store.write(terminals(noon, 1))).retry).toEqual([])
    await test.store.close()
    await rm(file('lock.sqlite'))
    await mkdir(file('lock.sqlite'))
    await expect(test.reopen()).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('lock.sqlite') })
  })

  it('asks for a batch again while another program holds the file', async () => {
    await test.store.write(terminals(noon, 1))
    const other = new DatabaseSync(file('raw-2026-11-23.sqlite'))
    other.exec('begin immediate')
    const blocked = await test.store.write([
      ...terminals(noon + hour, 1, ['s-1']),
      ...terminals(noon - day, 1, ['s-1']),
    ])
    expect([blocked.rejected.size, blocked.retry]).toEqual([0, [0]])
    expect(await test.store.health()).toMatchObject({ ok: false })
    other.exec('rollback')
    other.close()
    expect((await test.store.write(terminals(noon + hour, 1, ['s-1']))).retry).toEqual([])
    expect(await test.store.health()).toMatchObject({ ok: true })
    expect(test.errors()).toHaveLength(1)
  })

  it('refuses what the catalog does not know, and stores the rest of the call', async () => {
    const [good] = terminals(noon, 1, ['s-1']) as [Batch]
    const bad: [Batch, string][] = [
      [{ ...good, measurement: 'weather' as MeasurementName }, 'measurement weather is not in the catalog'],
      [{ ...good, fields: { mood: [1, 1, 1, 1] } }, 'field mood is not in the catalog'],
      [{ ...good, fields: { up: [1] } }, 'field up has 1 values for 4 rows'],
      [{ ...good, tags: { ...good.tags, floor: '1' } }, 'tag floor is not in the catalog'],
      [{ ...good, tags: { ...good.tags, kind: ['pc'] } }, 'tag kind does not have a text for each of 4 rows'],
      [{ ...good, tags: { ...good.tags, room: 'a\u001fb' } }, 'a tag carries a control character'],
      [{ ...good, times: [noon, noon + 0.5, noon, noon] }, `time ${noon + 0.5} is not a whole number of milliseconds`],
      [{ ...good, times: [], fields: {} }, 'it has no rows'],
    ]
    const { rejected, retry } = await test.store.write([...bad.map(([batch]) => batch), good])
    expect([...rejected.values()]).toEqual(bad.map(([, reason]) => reason))
    expect(retry).toEqual([])
    expect(await count()).toBe(4)
  })

  it('stores what is no finite number as missing', async () => {
    const [batch] = terminals(noon, 1, ['s-1']) as [Batch]
    batch.fields['up'] = [Number.NaN, Number.POSITIVE_INFINITY, null, 1]
    await test.store.write([batch])
    const rows = await test.store.rows({
      measurement: 'terminal',
      fields: ['up'],
      from: noon,
      to: noon + hour,
      limit: 9,
    })
    expect(rows.map(({ fields }) => fields['up'])).toEqual([null, null, null, 1])
  })

  it.each<[string, Partial<RangeQuery>]>([
    ['has no field mood', { field: 'mood' }],
    ['has no tag floor', { by: ['floor'] }],
    ['quantile 95 is not within 0..1', { aggregate: { quantile: 95 } }],
    ['everySeconds 0 is not a positive whole number', { everySeconds: 0 }],
    ['expectedOnly goes with mean, sum and count only', { aggregate: 'max', expectedOnly: true }],
  ])('refuses a query: %s', async (reason, change) => {
    await expect(test.store.range({ ...countQuery(noon), ...change })).rejects.toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining(reason),
    })
  })

  it('computes no more groups than a query allows, and none beyond its time', async () => {
    await test.store.write(terminals(noon, 1))
    const query = { ...countQuery(noon), by: ['terminal'] }
    expect(await test.store.range({ ...query, maxGroups: 12 })).toHaveLength(12)
    await expect(test.store.range({ ...query, maxGroups: 11 })).rejects.toMatchObject({
      code: 'query_invalid',
      facts: { parameter: 'by' },
    })
    await expect(test.store.range({ ...query, maxSeconds: 0 })).rejects.toMatchObject({ code: 'timeout' })
    expect(await test.store.range(query)).toHaveLength(12)
  })

  it('reads a file that is older than a field and a tag, and adds them when it writes', async () => {
    await test.store.write(terminals(noon, 1, ['s-1']))
    await test.store.close()
    const old = new DatabaseSync(file('raw-2026-11-23.sqlite'))
    old.exec('alter table sample_terminal drop column rtt_seconds; alter table series_terminal drop column room')
    old.close()
    await test.reopen()
    const query = { measurement: 'terminal', match: { terminal: 's-1:t_1' }, from: noon, to: noon + hour } as const
    const [before] = await test.store.last(query)
    expect(before).toMatchObject({ tags: { room: '', kind: 'screen' }, fields: { rtt_seconds: null } })
    expect(await test.store.range({ ...query, field: 'rtt_seconds', everySeconds: 60, aggregate: 'mean' })).toEqual([])

    const [later] = terminals(noon + 60_000, 1, ['s-1']) as [Batch]
    await test.store.write([{ ...later, fields: { rtt_seconds: [0.01, 0.02, 0.03, 0.04] } }])
    const [after] = await test.store.last({ ...query, match: { ...query.match, room: 'r1' } })
    expect(after?.fields['rtt_seconds']).toBe(0.02)
  })

  it('takes a file that the writer is just making for an empty day', async () => {
    await test.store.write(terminals(noon, 1))
    await writeFile(file('raw-2026-11-22.sqlite'), '')
    const reader = createReaderMethods({ directory: test.directory })
    const counted = reader.range({ query: countQuery(noon - 2 * day), aggregates: ['count'] })
    expect(counted.values.map((column) => [...column])).toEqual([[12]])
    const query = { measurement: 'terminal', from: noon - 2 * day, to: noon + hour } as const
    expect(reader.last(query).times).toHaveLength(12)
    expect(reader.rows({ ...query, limit: 20 }).times).toHaveLength(12)
    reader.close()
  })

  it('answers queries while it writes, each from whole batches', { timeout: 60_000 }, async () => {
    let writing = true
    const writer = (async () => {
      for (let m = 0; m < 300; m++) await test.store.write(terminals(noon + m * 60_000, 1, ['s-1']))
      writing = false
    })()
    let last = 0
    while (writing) {
      const rows = await test.store.rows({ measurement: 'terminal', from: noon, to: noon + day, limit: 10_000 })
      expect(rows.length % 4).toBe(0)
      expect(rows.length).toBeGreaterThanOrEqual(last)
      last = rows.length
    }
    await writer
    expect(await test.store.rows({ measurement: 'terminal', from: noon, to: noon + day, limit: 10_000 })).toHaveLength(
      1200,
    )
  })

  it.skipIf(process.platform !== 'linux')('keeps few files open, however long the range', async () => {
    const months = Array.from(
      { length: 35 },
      (_, m): Batch => ({
        measurement: 'compliance',
        times: [noon - m * 30 * day],
        tags: { district: 'qc', town: 'east', category: 'town', site: 's-1', link: 'wan', direction: 'down' },
        fields: { verdict: [1] },
      }),
    )
    await test.store.write(months)
    const query = { measurement: 'compliance', field: 'verdict', from: 0, to: noon + day } as const
    const [series] = await test.store.range({ ...query, everySeconds: 86_400, aggregate: 'count' })
    expect(series?.points).toHaveLength(35)
    const targets = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return ''
      }
    })
    expect(
      new Set(targets.filter((target) => target.startsWith(test.directory) && target.endsWith('.sqlite'))).size,
    ).toBeLessThan(30)
  })
})
