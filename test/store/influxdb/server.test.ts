/** What only InfluxDB does: rights, databases, types of fields, and texts for panels that it must understand. */
import { describe, expect, it } from 'vitest'
import { rangeInfluxql, shareInfluxql } from '../../../store/influxdb/influxql.ts'
import { shareBelow } from '../../../store/share.ts'
import { has } from '../../services/capabilities.ts'
import { administrator, createInfluxdb } from '../../services/influxdb.ts'
import { openForTest, startForTest } from '../for-test.ts'
import { insist, numbered } from '../remote.ts'
import { openInfluxdb } from './influxdb-store.ts'

const minute = 60_000
const hour = 60 * minute

describe.skipIf(!has('influxd'))('InfluxDB', () => {
  it('takes nothing from a wrong user, says why, and takes it from the right one', async () => {
    const server = await startForTest(createInfluxdb({ auth: true }))
    const wrong = await openForTest(openInfluxdb(server.url, { ...administrator, password: 'wrong' }))
    expect((await wrong.store.write([numbered(1, Date.now())])).retry).toEqual([0])
    expect((await wrong.store.health()).problems.join()).toMatch(/401.*check username, password or token/)
    await expect(wrong.store.last({ measurement: 'terminal', from: 0, to: 1 })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('check username, password or token'),
    })
    const right = await openForTest(openInfluxdb(server.url, administrator))
    await insist(right.store, numbered(1, Date.now()))
    expect((await right.store.health()).problems).toEqual([])
  })

  it('says what an administrator must run when the user may not make the database', async () => {
    const server = await startForTest(createInfluxdb({ auth: true }))
    await server.query("CREATE USER small WITH PASSWORD 'small-secret'")
    const { store, warnings } = await openForTest(
      openInfluxdb(server.url, { username: 'small', password: 'small-secret' }),
    )
    expect((await store.write([numbered(1, Date.now())])).retry).toEqual([0])
    expect(warnings().join()).toContain('CREATE DATABASE "linkbell" WITH DURATION INF REPLICATION 1 NAME "autogen"')
    await server.query('CREATE DATABASE linkbell')
    await server.query('GRANT ALL ON linkbell TO small')
    await insist(store, numbered(1, Date.now()))
  })

  it('makes the database with the retention that is asked for, and again when it was dropped', async () => {
    const server = await startForTest(createInfluxdb())
    const { store } = await openForTest(openInfluxdb(server.url, { retention_days: 400 }))
    const time = Date.now() - minute
    await insist(store, numbered(1, time))
    expect(JSON.stringify(await server.query('SHOW RETENTION POLICIES ON linkbell'))).toContain('"9600h0m0s"')
    await server.query('DROP DATABASE linkbell')
    expect((await store.write([numbered(1, time)])).retry).toEqual([0])
    await insist(store, numbered(1, time))
    expect(await store.last({ measurement: 'terminal', from: time, to: time + minute })).toHaveLength(5)
  })

  it('leaves out what is older than the retention, and rejects a batch of nothing else', async () => {
    const server = await startForTest(createInfluxdb())
    const { store } = await openForTest(openInfluxdb(server.url, { retention_days: 30 }))
    const old = Date.now() - 40 * 24 * hour
    const mixed = numbered(1, Date.now() - minute)
    mixed.times[0] = old
    const { rejected, durable } = await store.write([mixed, numbered(2, old)])
    await durable
    expect([...rejected]).toEqual([[1, expect.stringContaining('older than the 30 days')]])
    expect((await store.health()).facts).toMatchObject({ left_out_rows: 1 })
  })

  it('rejects the one batch whose line has a field of an older type, and stores all others', async () => {
    const server = await startForTest(createInfluxdb())
    await server.query('CREATE DATABASE linkbell')
    await server.write('linkbell', `terminal,site=old rtt_seconds=1i ${Date.now() - hour}\n`)
    const { store } = await openForTest(openInfluxdb(server.url))
    const time = Date.now() - minute
    const without = { up: [1, 1, 1, 1, 1], rtt_seconds: [null, null, null, null, null] }
    const batches = Array.from({ length: 40 }, (_, n) => ({ ...numbered(n, time + n * 10), fields: without }))
    const one = { ...batches[17], fields: { ...without, rtt_seconds: [null, null, 0.1, null, null] } }
    const { rejected, retry, durable } = await store.write(
      batches.map((batch, n) => (n === 17 ? { ...batch, ...one } : batch)),
    )
    await durable
    expect(retry).toEqual([])
    expect([...rejected]).toEqual([
      [
        17,
        expect.stringMatching(
          /^the server refuses 1 of 5 samples, the others are stored: .*field type conflict.*rtt_seconds/,
        ),
      ],
    ])
    const rows = await store.rows({ measurement: 'terminal', from: time, to: time + minute, limit: 1000 })
    expect(rows).toHaveLength(40 * 5 - 1)
    expect((await store.health()).problems.join()).toMatch(/rtt_seconds of terminal .* is of type integer/)
  })

  it('understands the texts of panels, and gives the same shares', async () => {
    const server = await startForTest(createInfluxdb())
    const { store } = await openForTest(openInfluxdb(server.url))
    const from = Math.floor((Date.now() - 3 * hour) / hour) * hour
    const [to, limit] = [from + 2 * hour, 0.04]
    await store.write(Array.from({ length: 120 }, (_, n) => numbered(n % 70, from + n * minute)))
    const share = {
      measurement: 'terminal',
      field: 'rtt_seconds',
      aggregate: 'mean',
      by: ['site'],
      of: ['terminal'],
    } as const
    const window = { time: `time >= ${from}ms AND time < ${to}ms`, every: '600s' }
    type Answer = { results: [{ error?: string; series: [{ values: [number, number][] }] }] }
    const ask = async (text: string) => (await server.query(text, 'linkbell')) as Answer
    const { results } = await ask(shareInfluxql({ ...share, below: limit }, window))
    const [wanted] = await shareBelow(store, { ...share, below: limit, from, to, everySeconds: 600 })
    expect(new Set(wanted?.points.map(([, value]) => value))).toEqual(new Set([0, 1]))
    expect(results[0].series[0].values).toEqual(wanted?.points)
    const texts = (['mean', 'min', 'max', 'sum', 'last', 'count', { quantile: 0.1 }, { quantile: 0.9 }] as const).map(
      (aggregate) => rangeInfluxql({ ...share, aggregate, match: { site: ['s1', 'x'] } }, { time: window.time }),
    )
    for (const text of texts) expect((await ask(text)).results[0].series[0].values, text).toHaveLength(1)
  })
})
