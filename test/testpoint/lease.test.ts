import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testpointSchema } from '../../testpoint/config.ts'
import { createTestpoint, type Testpoint } from '../../testpoint/testpoint.ts'

const log = pino({ level: 'silent' })
let testpoint: Testpoint
let url: string

async function start(config: object): Promise<void> {
  testpoint = createTestpoint({ config: testpointSchema.parse({ listen: { port: 0 }, ...config }), version: '1', log })
  url = (await testpoint.start()).url
}
beforeEach(() => start({ capacity_bps: '100M' }))
afterEach(() => testpoint.stop())

const ask = (body: unknown) =>
  fetch(`${url}/linkbell/v1/lease`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
const wish = { direction: 'down', rate_bps: 50e6, seconds: 5 }
async function lease(given: object = {}): Promise<string> {
  return ((await (await ask({ ...wish, ...given })).json()) as { lease: string }).lease
}

describe('leases over HTTP', () => {
  it('are given, counted under, and given back', async () => {
    const id = await lease({ direction: 'up' })
    await fetch(`${url}/empty?lease=${id}`, { method: 'POST', body: Buffer.alloc(1_000_000) })
    const progress = await (await fetch(`${url}/linkbell/v1/lease/${id}`)).json()
    expect(progress).toMatchObject({ received_bytes: 1_000_000, sent_bytes: 0, seconds: expect.any(Number) })
    expect((await fetch(`${url}/linkbell/v1/lease/${id}`, { method: 'DELETE' })).status).toBe(200)
    expect((await fetch(`${url}/linkbell/v1/lease/${id}`)).status).toBe(404)
  })

  it('come to an end: 503, when to ask again, and a ticket', async () => {
    await lease({ rate_bps: 80e6 })
    const response = await ask(wish)
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await response.json()).toMatchObject({ error: 'busy', ticket: expect.any(String), retry_after_seconds: 1 })
  })

  it('are at most two for one address, and two more that wait, unless told otherwise', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask({ ...wish, rate_bps: 1e6 })))
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as object[]
    expect(bodies.map((body) => ('lease' in body ? 'lease' : 'ticket' in body ? 'ticket' : 'none')).sort()).toEqual([
      'lease',
      'lease',
      'none',
      'ticket',
      'ticket',
    ])
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 201, 503, 503, 503])
    await testpoint.stop()
    await start({ max_client_leases: 3 })
    const more = await Promise.all([1, 2, 3, 4].map(() => ask({ ...wish, rate_bps: 1e6 })))
    expect(more.map((answer) => answer.status).sort()).toEqual([201, 201, 201, 503])
  })

  it('are refused where they can never be', async () => {
    expect((await ask({ ...wish, rate_bps: 101e6 })).status).toBe(409)
  })

  it('are no smaller than a rate that a transfer can be held to', async () => {
    const refused = await ask({ ...wish, rate_bps: 99_999 })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ reason: expect.stringContaining('rate_bps') })
    expect((await ask({ ...wish, rate_bps: 100_000 })).status).toBe(201)
  })

  it.each(['', 'nonsense', '[]', '{"direction":"sideways"}', 'x'.repeat(10_000)])(
    'take %j for no request',
    async (body) => {
      const response = await ask(body)
      expect(response.status).toBe(400)
    },
  )

  it('hold a download to their rate', async () => {
    const id = await lease({ rate_bps: 40e6 })
    const begun = performance.now()
    await (await fetch(`${url}/garbage?ckSize=4&lease=${id}`)).bytes()
    // 4 MiB at 40 Mbit/s on the wire; the first 20 ms come at once.
    expect((performance.now() - begun) / 1000).toBeGreaterThan(0.8)
  })
})

describe('without a lease', () => {
  it('a transfer gets what leases leave over', async () => {
    await lease({ rate_bps: 90e6 })
    const begun = performance.now()
    await (await fetch(`${url}/garbage?ckSize=1`)).bytes()
    // 1 MiB at 10 Mbit/s; after its last piece nothing waits.
    expect((performance.now() - begun) / 1000).toBeGreaterThan(0.6)
  })

  it('gets nothing where leases are demanded', async () => {
    await testpoint.stop()
    await start({ unadmitted: 'refuse' })
    const response = await fetch(`${url}/garbage`)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('10')
    expect((await fetch(`${url}/empty`)).status).toBe(200)
  })
})

describe('byte budgets', () => {
  it('end an address for the day', async () => {
    await testpoint.stop()
    await start({ daily_client_bytes: '1MB' })
    await (await fetch(`${url}/garbage?ckSize=1`)).bytes().catch(() => undefined)
    const response = await fetch(`${url}/garbage?ckSize=1`)
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(80_000)
    expect((await ask(wish)).status).toBe(429)
  })

  it('end a transfer in its middle', async () => {
    await testpoint.stop()
    await start({ daily_bytes: '2MB' })
    await expect(fetch(`${url}/garbage?ckSize=100`).then((response) => response.bytes())).rejects.toThrow()
    expect(testpoint.totals().sentBytes).toBeLessThan(2.2e6)
  })
})
