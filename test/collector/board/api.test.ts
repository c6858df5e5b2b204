import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { routes } from '../../../collector/board/api/routes.ts'
import { siteDetailSchema, siteListSchema } from '../../../collector/board/schemas.ts'
import { type Json, type Running, startBoard } from './setup.ts'

const now = Date.parse('2026-11-23T04:10:00Z')
let board: Running
beforeAll(async () => {
  board = await startBoard({ now })
})
afterAll(() => board.stop())

const get = async (path: string) => (await board.get(path)).body
const siteOf = async (id: string) => (await get('/api/v1/sites')).sites.find((site: Json) => site.id === id)

describe('the list of sites', () => {
  test('shows every site with newest samples of host, path, wan and bandwidth each way', async () => {
    const list = await get('/api/v1/sites')
    expect(siteListSchema.parse(list)).toMatchObject({
      district: { id: 'qc', timezone: 'Asia/Shanghai' },
      simulated: false,
      generated_at: '2026-11-23T04:10:00.000Z',
      total: 12,
      standard: { threshold_ratio: 0.95, directions: ['down'] },
    })
    const site = list.sites[1]
    expect(site).toMatchObject({
      id: 'qc-002',
      name: { en: 'Phoenix Village School 1', zh: '凤城第1村小学' },
      town: { id: 't2', name: { en: 'Phoenix', zh: '凤城街道' } },
      category: 'rural',
      presence: { state: 'online', last_batch_at: '2026-11-23T04:09:40.000Z' },
      verdict: 'below',
      self_test: false,
    })
    const { latest } = site
    expect(latest.host).toHaveLength(1)
    expect(latest.path.map(({ tags }: Json) => tags.level).toSorted()).toEqual([
      'city',
      'district',
      'internet',
      'province',
      'site',
    ])
    expect(latest.wan[0]).toMatchObject({ tags: { link: 'wan', agent: 'gw-qc-002' }, fields: { up: 1 } })
    expect(latest.bandwidth.map(({ tags, outcome, method }: Json) => [tags.direction, outcome, method])).toEqual([
      ['down', 'below', 'counter'],
      ['up', 'below', 'acknowledged'],
    ])
  })

  test('gives each direction of each link its verdict with its counts', async () => {
    const { links } = await siteOf('qc-002')
    expect(links).toHaveLength(1)
    const { down, up } = links[0].directions
    expect(down).toMatchObject({ verdict: 'below', reason: null, decides: true, target_bps: 1e8, met_count: 0 })
    expect(down.trials_count).toBeGreaterThan(20)
    expect(down.latest).toMatchObject({ outcome: 'below', counted: true, self_test: false })
    expect(up).toMatchObject({ decides: false })
  })

  test('labels a self-test and never judges it', async () => {
    const site = await siteOf('qc-005')
    expect(site).toMatchObject({ verdict: 'unknown', reason: 'self_test_only', self_test: true })
    expect(site.links[0].directions.down).toMatchObject({
      trials_count: 0,
      latest: { self_test: true, counted: false },
    })
    expect(site.latest.bandwidth.every(({ self_test }: Json) => self_test)).toBe(true)
  })

  test('keeps presence apart from the verdict', async () => {
    expect(await siteOf('qc-004')).toMatchObject({ verdict: 'met', presence: { state: 'offline' } })
  })

  test.each([
    ['town=t1', ['qc-001', 'qc-009']],
    ['verdict=unknown', ['qc-005', 'qc-006', 'qc-007']],
    ['category=rural&verdict=below', ['qc-002']],
    ['limit=2&offset=3', ['qc-004', 'qc-005']],
    ['town=nowhere', []],
  ])('filters and pages by %s', async (query, expected) => {
    const { sites } = await get(`/api/v1/sites?${query}`)
    expect(sites.map(({ id }: Json) => id)).toEqual(expected)
  })

  test('sums up what passes the filter, whatever the page', async () => {
    const { summary, total } = await get('/api/v1/sites?limit=1')
    expect(total).toBe(12)
    const { sites, met, below, unknown } = summary
    expect({ sites, sum: met + below + unknown }).toEqual({ sites: 12, sum: 12 })
    expect(summary.compliance_ratio).toBeCloseTo(met / (met + below))
    expect(summary.by_town).toHaveLength(8)
    expect(summary.by_category.reduce((sum: number, group: Json) => sum + group.sites, 0)).toBe(12)
  })

  test('leaves the samples out when asked', async () => {
    const { sites } = await get('/api/v1/sites?latest=false')
    expect(sites[0].latest).toBeNull()
  })
})

describe('one site', () => {
  test('tells whether a live class can be held, and where the path degrades', async () => {
    const readinessOf = async (id: string) => siteDetailSchema.parse(await get(`/api/v1/sites/${id}`)).readiness
    const ready = await readinessOf('qc-001')
    expect(ready).toMatchObject({ state: 'good', level: 'province', reasons: [], degraded_level: null })
    expect(ready.free_down_bps).toBeGreaterThan(8e6)
    expect(await readinessOf('qc-004')).toMatchObject({ state: 'unknown', level: null, degraded_level: null })
  })

  test('tells links, evidence, agents, services and terminals', async () => {
    const site = siteDetailSchema.parse(await get('/api/v1/sites/qc-001'))
    expect(site.links.map(({ id, carrier }) => [id, carrier])).toEqual([
      ['fibre', 'China Telecom'],
      ['backup', null],
    ])
    expect(site.window).toEqual({ from: '2026-11-15T16:00:00.000Z', to: '2026-11-23T04:10:00.001Z' })
    const evidence = site.links[0]?.evidence.down ?? []
    expect(evidence.length).toBeGreaterThan(20)
    expect(evidence.map(({ time }) => time)).toEqual(
      evidence
        .map(({ time }) => time)
        .toSorted()
        .toReversed(),
    )
    expect(site.agents).toMatchObject([{ id: 'gw-qc-001', registered: true, version: '0.1.0', refused: null }])
    expect(site.agents[0]?.revision).toBe(site.agents[0]?.wanted_revision)
    expect(site.services.map(({ id, latest }) => [id, latest?.fields['status_code']])).toEqual([
      ['platform', 200],
      ['smartedu', 200],
    ])
    const counts = { terminals_count: 9, up_count: 6, down_count: 1, off_count: 1, unknown_count: 1, faults_count: 1 }
    expect(site.terminals).toMatchObject({ ...counts, day: 'school' })
    expect(site.terminals.rooms.map(({ id, state, faults_count }) => [id, state, faults_count])).toEqual([
      ['r101', 'up', 0],
      ['r102', 'up', 1],
      ['r103', 'up', 0],
    ])
  })

  test('tells of each device what it is, since when, and why', async () => {
    const { terminals } = siteDetailSchema.parse(await get('/api/v1/sites/qc-001'))
    const device = (id: string) => terminals.rooms.flatMap((room) => room.terminals).find((each) => each.id === id)
    const since = '2026-11-23T04:05:00.000Z'
    expect(device('panel-101')).toMatchObject({ state: 'up', reason: 'answers', since, fault: null })
    expect(device('pc-102')).toMatchObject({
      expectation: 'always',
      expected: true,
      state: 'down',
      reason: 'no_answer',
      since,
      since_at_least: true,
      answered_at: null,
      fault: { reason: 'no_answer', since },
    })
    expect(device('ap-102')).toMatchObject({ expected: false, state: 'off', reason: 'not_expected', fault: null })
    expect(device('pc-103')).toMatchObject({ state: 'unknown', reason: 'cut_off' })
    expect(device('panel-103')).toMatchObject({ expectation: 'lessons', expected: false })
  })

  test('says why a trial was left out', async () => {
    const { links } = await get('/api/v1/sites/qc-006')
    expect(links[0].evidence.down[0]).toMatchObject({
      counted: false,
      left_out: 'inconclusive',
      outcome: 'inconclusive',
      cause: 'busy_line',
    })
  })

  test('that does not exist is a 404', async () => {
    expect(await board.get('/api/v1/sites/qc-999')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', message: 'There is no site "qc-999" in the registry.' } },
    })
  })

  test('lists its bandwidth tests of a time', async () => {
    const from = '2026-11-21T00:00:00Z'
    const { tests } = await get(`/api/v1/sites/qc-002/bandwidth?from=${from}&to=2026-11-22T00:00:00Z`)
    expect(tests).toHaveLength(6)
    expect(tests[0].time > '2026-11-21').toBe(true)
    expect(tests.map(({ time }: Json) => time)).toEqual(tests.map(({ time }: Json) => time).toSorted())
  })
})

describe('series', () => {
  test('are bucketed, aggregated and grouped', async () => {
    const body = await get(
      '/api/v1/series?measurement=wan&field=rx_mean_bps&site=qc-001&by=link&every_seconds=3600&aggregate=max' +
        '&from=2026-11-22T12:00:00%2B08:00&to=2026-11-22T18:00:00%2B08:00',
    )
    expect(body).toMatchObject({ unit: 'bps', every_seconds: 3600, from: '2026-11-22T04:00:00.000Z' })
    expect(body.series.map(({ tags }: Json) => tags.link)).toEqual(['backup', 'fibre'])
    expect(body.series[0].points).toHaveLength(6)
    expect(body.series[0].points[0][0]).toBe(Date.parse('2026-11-22T04:00:00Z'))
  })

  test('count days from local midnight', async () => {
    const body = await get(
      '/api/v1/series?measurement=path&field=rtt_mean_seconds&site=qc-001&level=district&level=city&every_seconds=86400' +
        '&aggregate=p95&from=2026-11-21T16:00:00Z&to=2026-11-23T04:10:00Z',
    )
    expect(body.series[0].points.map(([time]: [number]) => new Date(time).toISOString())).toEqual([
      '2026-11-21T16:00:00.000Z',
      '2026-11-22T16:00:00.000Z',
    ])
  })

  test('choose an interval that a chart has room for', async () => {
    const body = await get('/api/v1/series?measurement=host&field=cpu_ratio&site=qc-001')
    expect(body).toMatchObject({ every_seconds: 240, aggregate: 'mean', from: '2026-11-22T04:10:00.000Z' })
    expect(body.series[0].points.length).toBeGreaterThan(300)
  })

  test.each([
    ['', 'measurement', 'Invalid option'],
    ['measurement=nothing&field=x', 'measurement', 'Invalid option'],
    ['measurement=wan&field=rtt', 'field', 'wan has no field "rtt"; it has rx_mean_bps'],
    [
      'measurement=wan&field=up&level=city',
      'level',
      'wan has no such tag; it has district, town, category, site, agent, link',
    ],
    ['measurement=wan&field=up&site=a%20b', 'site', 'not an id'],
    ['measurement=wan&field=up&by=room', 'by', 'wan has no tag "room"'],
    ['measurement=wan&field=up&from=yesterday', 'from', '"yesterday" is no time'],
    ['measurement=wan&field=up&from=2026-11-23T00:00:00', 'from', 'is no time'],
    ['measurement=wan&field=up&from=2026-11-24&to=2026-11-23', 'from', 'it must be before "to"'],
    ['measurement=wan&field=up&from=0', 'from', 'more than 1200 days before'],
    ['measurement=wan&field=up&every_seconds=1', 'every_seconds', '86400 points; at most 2000: give 44 or more'],
    ['measurement=wan&field=up&aggregate=median', 'aggregate', 'give mean, min, max'],
    ['measurement=wan&field=up&colour=red', 'colour', 'There is no parameter "colour"'],
  ])('refuse %s by naming %s', async (query, parameter, message) => {
    const { status, body } = await board.get(`/api/v1/series?${query}`)
    expect({ status, ...body.error }).toMatchObject({ status: 400, code: 'query_invalid', parameter })
    expect(body.error.message).toContain(message)
  })
})

describe('the rest', () => {
  test('agents are listed with what they run', async () => {
    const { agents } = await get('/api/v1/agents')
    expect(agents).toHaveLength(12)
    expect(agents[3]).toMatchObject({
      id: 'gw-qc-004',
      site: 'qc-004',
      presence: { state: 'offline' },
      quarantined: null,
    })
  })

  test('what was refused for good is listed with its reason, the newest first', async () => {
    expect(await get('/api/v1/dead-letters')).toEqual({ dead_letters: [] })
    const letter = { agent: 'gw-qc-004', topic: 'linkbell/v1/qc/gw-qc-004/batch/path', payload: Buffer.from('{') }
    board.holding.bury({ ...letter, reason: 'payload is not JSON' }, 1_000)
    board.holding.bury({ ...letter, reason: 'n 0 is not within 1..20000' }, 2_000)
    const { dead_letters: letters } = await get('/api/v1/dead-letters?limit=1')
    expect(letters).toEqual([
      {
        time: '1970-01-01T00:00:02.000Z',
        agent: letter.agent,
        topic: letter.topic,
        reason: 'n 0 is not within 1..20000',
        bytes: 1,
      },
    ])
  })

  test('alerts say that there are none yet', async () => {
    expect(await get('/api/v1/alerts')).toEqual({ judged: false, alerts: [], maintenance: [], rules: [] })
  })

  test('metrics count the sites', async () => {
    const text: string = await get('/metrics')
    expect(text).toContain('linkbell_sites{verdict="unknown"} 3')
    expect(text).toContain('linkbell_sites_present{presence="offline"} 1')
  })

  test('an address that is none is a 404 that says where to look', async () => {
    expect(await board.get('/api/v2/sites')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', message: 'There is no GET /api/v2/sites; see /api/v1/openapi.json.' } },
    })
  })

  test('a bad page is a 400 that names the parameter', async () => {
    const { status, body } = await board.get('/api/v1/sites?limit=0')
    expect({ status, parameter: body.error.parameter }).toEqual({ status: 400, parameter: 'limit' })
  })

  test('long answers are compressed for those who can read it', async () => {
    const { headers } = await board.get('/api/v1/sites', { 'accept-encoding': 'gzip' })
    expect(headers.get('content-encoding')).toBe('gzip')
    const plain = await board.get('/api/v1/sites', { 'accept-encoding': 'identity' })
    expect(plain.headers.get('content-encoding')).toBeNull()
  })

  test('every answer is what its schema says', async () => {
    const examples: Record<string, string> = {
      '/api/v1/sites/{id}': '/api/v1/sites/qc-002',
      '/api/v1/sites/{id}/bandwidth': '/api/v1/sites/qc-002/bandwidth',
      '/api/v1/sites/{id}/inventory': '/api/v1/sites/qc-002/inventory',
      '/api/v1/series': '/api/v1/series?measurement=bandwidth&field=link_rate_bps&by=direction',
    }
    for (const { path, method, response } of routes) {
      // What changes something has tests of its own.
      if (method === 'POST') continue
      const body = await get(examples[path] ?? path)
      const strict = z.strictObject((response.schema as z.ZodObject).shape)
      expect(strict.safeParse(body).error, path).toBeUndefined()
    }
  })
})

describe('a part that is not well', () => {
  test('makes health a 503 that names it', async () => {
    const sick = await startBoard(
      { sites: 1 },
      {
        health: {
          broker: () => ({ ok: false, problems: ['Not connected.'], facts: {} }),
          clock: () => Promise.reject(new Error('stopped')),
        },
      },
    )
    try {
      expect(await sick.get('/api/v1/health')).toMatchObject({
        status: 503,
        body: {
          ok: false,
          version: '0.1.0',
          parts: {
            store: { ok: true, problems: [] },
            broker: { ok: false, problems: ['Not connected.'] },
            clock: { ok: false, problems: ['It does not answer: stopped.'] },
          },
        },
      })
    } finally {
      await sick.stop()
    }
  })
})
