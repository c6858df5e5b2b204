import { request } from 'node:http'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { testpointSchema } from '../../testpoint/config.ts'
import { ndt7Protocol } from '../../testpoint/ndt7.ts'
import { createTestpoint, type Testpoint } from '../../testpoint/testpoint.ts'

const log = pino({ level: 'silent' })
let testpoint: Testpoint
let url: string

beforeEach(async () => {
  testpoint = createTestpoint({ config: testpointSchema.parse({ listen: { port: 0 } }), version: '1', log })
  url = (await testpoint.start()).url
})
afterEach(() => testpoint.stop())

const headers = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Status of an upgrade request, made by hand. */
function upgrade(
  path: string,
  extra: Record<string, string> = { 'Sec-WebSocket-Protocol': ndt7Protocol },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { headers: { ...headers, ...extra } })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.headers['sec-websocket-protocol'] === ndt7Protocol ? (response.statusCode ?? 0) : 0)
    })
    sent.on('response', (response) => resolve(response.statusCode ?? 0))
    sent.on('error', reject)
    sent.end()
  })
}

type Seen = { sizes: number[]; texts: Record<string, Record<string, unknown>>[]; code: number }

/** Takes part in a test until it is over, or enough was seen. */
async function take(path: string, enough: (seen: Seen) => boolean, upload = 0): Promise<Seen> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, ndt7Protocol, { perMessageDeflate: false })
  const seen: Seen = { sizes: [], texts: [], code: 0 }
  const over = new Promise<void>((resolve) => {
    socket.on('message', (data, isBinary) => {
      if (isBinary) seen.sizes.push((data as Buffer).length)
      else seen.texts.push(JSON.parse((data as Buffer).toString()))
      if (enough(seen)) resolve()
    })
    socket.on('close', (code) => resolve(void (seen.code = code)))
  })
  socket.on('open', () => {
    for (let i = 0; i < upload; i++) socket.send(Buffer.alloc(65_536))
  })
  await over
  socket.terminate()
  return seen
}

describe('handshake', () => {
  it.each(['/ndt/v7/download', '/ndt/v7/upload', '/ndt/v7/download?early_exit=250&client_name=x'])(
    'accepts %s',
    async (path) => {
      expect(await upgrade(path)).toBe(101)
    },
  )

  it.each([
    '/ndt/v7/download?early_exit=100',
    '/ndt/v7/upload?early_exit=250',
    '/ndt/v7/download?a=1&a=2',
    '/ndt/v7/download?a=',
    `/ndt/v7/download?a=${'x'.repeat(5000)}`,
  ])('refuses %s', async (path) => {
    expect(await upgrade(path)).toBe(400)
  })

  it('wants exactly its own subprotocol', async () => {
    expect(await upgrade('/ndt/v7/download', {})).toBe(400)
    expect(await upgrade('/ndt/v7/download', { 'Sec-WebSocket-Protocol': `${ndt7Protocol}, other` })).toBe(400)
  })

  it('does not know other paths', async () => {
    await expect(upgrade('/elsewhere')).rejects.toThrow()
  })
})

describe('download', () => {
  it('begins small, doubles, and stays below its limit', async () => {
    const { sizes } = await take(
      '/ndt/v7/download',
      ({ sizes: taken }) => taken.filter((size) => size === 2 ** 20).length > 9,
    )
    expect(sizes[0]).toBe(8192)
    expect(Math.max(...sizes)).toBe(2 ** 20)
    expect(sizes.every((size, i) => size === sizes[i - 1] || size === 2 * (sizes[i - 1] ?? 4096))).toBe(true)
  })

  it('tells how far it is, and who is talking', async () => {
    const { texts } = await take('/ndt/v7/download', (seen) => seen.texts.length > 1)
    expect(texts[0]).toMatchObject({
      AppInfo: { ElapsedTime: expect.any(Number), NumBytes: expect.any(Number) },
      ConnectionInfo: { Client: expect.stringMatching(/^127\.0\.0\.1:\d+$/), UUID: expect.any(String) },
      Origin: 'server',
      Test: 'download',
    })
  })

  it('ends at 250 MB when asked to', async () => {
    const { sizes, code } = await take('/ndt/v7/download?early_exit=250', () => false)
    const sum = sizes.reduce((a, b) => a + b, 0)
    expect(code).toBe(1000)
    expect(sum).toBeGreaterThanOrEqual(250e6)
    expect(sum).toBeLessThan(252e6)
  })
})

describe('upload', () => {
  it('counts what arrives', async () => {
    const counted = ({ texts }: Seen) => texts.at(-1)?.['AppInfo'] as { NumBytes: number } | undefined
    const seen = await take('/ndt/v7/upload', (now) => counted(now)?.NumBytes === 6_553_600, 100)
    expect(counted(seen)?.NumBytes).toBe(6_553_600)
    expect(testpoint.totals().receivedBytes).toBe(6_553_600)
  })
})
