/** What only VictoriaMetrics does: answers that are not durable, settings that lose data, windows instead of buckets. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { shareBelow } from '../../../store/share.ts'
import { rangePromql, sharePromql } from '../../../store/victoriametrics/promql.ts'
import { has } from '../../services/capabilities.ts'
import { createVictoriametrics } from '../../services/victoriametrics.ts'
import { openForTest, startForTest } from '../for-test.ts'
import { insist, numbered } from '../remote.ts'
import { openVictoriametrics } from './victoriametrics-store.ts'

const minute = 60_000
const hour = 60 * minute

describe.skipIf(!has('victoria-metrics'))('VictoriaMetrics', () => {
  it('calls a batch durable after the time to settle, not before', async () => {
    const server = await startForTest(createVictoriametrics())
    const { store } = await openForTest(openVictoriametrics(server.url, { settle_seconds: 2 }))
    const { retry, durable } = await store.write([numbered(1, Date.now())])
    expect(retry).toEqual([])
    const state = () => Promise.race([durable.then(() => 'durable'), Promise.resolve('settling')])
    expect(await state()).toBe('settling')
    expect((await store.health()).facts).toMatchObject({ settling_rows: 5 })
    await durable
    expect((await store.health()).facts).toMatchObject({ settling_rows: 0 })
  })

  it('takes for lost what had not settled when it was started anew', async () => {
    const server = await startForTest(createVictoriametrics())
    const { store } = await openForTest(openVictoriametrics(server.url, { settle_seconds: 60 }))
    const { durable } = await store.write([numbered(1, Date.now())])
    // Its start is told in whole seconds.
    await sleep(1100)
    await server.kill()
    await server.start()
    await expect(durable).rejects.toMatchObject({ message: expect.stringContaining('was started anew') })
  })

  it('takes nothing from a wrong user, and says why', async () => {
    const server = await startForTest(
      createVictoriametrics({ flags: ['-httpAuth.username=u', '-httpAuth.password=right-secret'] }),
    )
    const wrong = await openForTest(openVictoriametrics(server.url, { username: 'u', password: 'wrong' }))
    expect((await wrong.store.write([numbered(1, Date.now())])).retry).toEqual([0])
    expect((await wrong.store.health()).problems.join()).toMatch(/401.*check username, password or token/)
    const right = await openForTest(openVictoriametrics(server.url, { username: 'u', password: 'right-secret' }))
    await insist(right.store, numbered(1, Date.now()))
  })

  it.each([
    [['-dedup.minScrapeInterval='], /without -dedup.minScrapeInterval: .* Start it with -dedup.minScrapeInterval=1ms/],
    [['-dedup.minScrapeInterval=30s'], /-dedup.minScrapeInterval=30s: of samples closer together only the last/],
    [['-retentionPeriod=1'], /keeps 31 days .* and 1096 are asked for/],
    [['-influxTrimTimestamp=1s'], /-influxTrimTimestamp=1s: times are cut/],
    [['-influxMeasurementFieldSeparator=.'], /under names that no query asks for/],
  ])('says at the start what %s would lose', async (flags, text) => {
    const server = await startForTest(createVictoriametrics({ flags }))
    const { store, warnings } = await openForTest(openVictoriametrics(server.url, { retention_days: 1096 }))
    expect(warnings()).toEqual([expect.stringMatching(text)])
    expect((await store.health()).ok).toBe(false)
  })

  it('gives buckets of seconds up to now as they are', async () => {
    const server = await startForTest(createVictoriametrics())
    const { store } = await openForTest(openVictoriametrics(server.url))
    const now = Math.floor(Date.now() / 1000) * 1000
    for (let n = 20; n > 0; n--) await store.write([numbered(n, now - n * 1000, 1)])
    await server.flush()
    const query = { measurement: 'terminal', field: 'rtt_seconds', from: now - 20_000, to: now } as const
    const [series] = await store.range({ ...query, everySeconds: 1, aggregate: 'max' })
    expect(series?.points).toEqual(Array.from({ length: 20 }, (_, i) => [now - (20 - i) * 1000, (20 - i) / 1000]))
  })

  it('answers for more sites than its query length allows', async () => {
    const server = await startForTest(createVictoriametrics())
    const { store } = await openForTest(openVictoriametrics(server.url))
    const time = Date.now() - minute
    await insist(store, numbered(7, time))
    await server.flush()
    const site = ['s1', ...Array.from({ length: 1000 }, (_, i) => `school-number-${i}`)]
    const query = {
      measurement: 'terminal',
      field: 'rtt_seconds',
      match: { site },
      from: time,
      to: time + minute,
    } as const
    const [series] = await store.range({ ...query, everySeconds: 3600, aggregate: 'max' })
    expect(series?.points.map(([, value]) => value)).toEqual([0.007])
    const day = { measurement: 'terminal', match: { site }, from: time - 24 * hour, to: time + minute } as const
    expect(await store.last(day)).toHaveLength(5)
    expect(await store.last({ measurement: 'terminal', match: { site }, from: time, to: time + minute })).toHaveLength(
      5,
    )
    const rows = await store.rows({ measurement: 'terminal', match: { site }, from: time, to: time + minute, limit: 9 })
    expect(rows).toHaveLength(5)
  })

  it('understands the texts of panels, and gives the same shares', async () => {
    const server = await startForTest(createVictoriametrics())
    const { store } = await openForTest(openVictoriametrics(server.url))
    const from = Math.floor((Date.now() - 3 * hour) / hour) * hour
    const [to, limit] = [from + 2 * hour, 0.04]
    await store.write(Array.from({ length: 120 }, (_, n) => numbered(n % 70, from + n * minute)))
    await server.flush()
    const share = {
      measurement: 'terminal',
      field: 'rtt_seconds',
      aggregate: 'mean',
      by: ['site'],
      of: ['terminal'],
    } as const
    type Answer = { status: string; data: { result: { values: [number, string][] }[] } }
    const ask = async (query: string) => {
      const span = { start: String(from / 1000 + 600), end: String(to / 1000), step: '600', nocache: '1' }
      const parameters = new URLSearchParams({ query, ...span })
      return (await (await fetch(`${server.url}/api/v1/query_range?${parameters}`)).json()) as Answer
    }
    const { data } = await ask(sharePromql({ ...share, below: limit }, { window: '600s', offset: '1ms' }))
    const [wanted] = await shareBelow(store, { ...share, below: limit, from, to, everySeconds: 600 })
    expect(data.result[0]?.values.map(([time, value]) => [(time - 600) * 1000, Number(value)])).toEqual(wanted?.points)
    const texts = (['mean', 'min', 'max', 'sum', 'last', 'count', { quantile: 0.1 }, { quantile: 0.9 }] as const).map(
      (aggregate) => rangePromql({ ...share, aggregate, match: { site: ['s1', 'x'] } }, { window: '600s' }),
    )
    for (const text of texts) expect((await ask(text)).data.result, text).toHaveLength(1)
  })
})
