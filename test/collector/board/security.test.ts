import { request } from 'node:http'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBoard } from '../../../collector/board/server.ts'
import { checkExposure } from '../../../collector/board/security.ts'
import { isAppError } from '../../../core/errors.ts'
import { httpConfig, type Running, startBoard } from './setup.ts'

let board: Running
beforeAll(async () => {
  board = await startBoard(
    { sites: 1 },
    { config: httpConfig({ allowed_hosts: ['board.example', 'proxy.example:8443'] }) },
  )
})
afterAll(() => board.stop())

/** fetch sets Host by itself; this sends what it is told. */
function ask(
  url: string,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, url), { headers, method, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

const status = async (headers: Record<string, string>, method = 'GET') =>
  (await ask(board.url, '/api/v1/health', headers, method)).status

describe('the Host header', () => {
  test.each([
    'localhost:8420',
    'LOCALHOST',
    '127.0.0.1:8420',
    '[::1]:8420',
    '192.168.1.7:8420',
    'board.localhost',
    'board.example',
    'Board.Example:8420',
    'proxy.example:8443',
  ])('%s is taken', async (host) => {
    expect(await status({ host })).toBe(200)
  })

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'proxy.example:1', 'a b', '[::1'])(
    '"%s" is refused',
    async (host) => {
      expect(await status({ host })).toBe(403)
    },
  )
})

describe('requests of other sites', () => {
  const host = 'localhost:8420'
  test.each([
    [{ origin: 'http://localhost:8420' }, 200],
    [{ origin: 'http://localhost:9999' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, 200],
    [{ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 200],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 200],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }, 403],
  ])('%j is answered with %i', async (headers, expected) => {
    expect(await status({ host, ...headers } as Record<string, string>)).toBe(expected)
  })

  test('behind a proxy that speaks TLS, the own origin is taken', async () => {
    expect(await status({ host: 'board.example', origin: 'https://board.example' })).toBe(200)
    expect(await status({ host: 'board.example:443', origin: 'https://board.example' })).toBe(200)
  })
})

test('every answer forbids inline scripts, sniffing and framing, and allows no other origin', async () => {
  for (const path of ['/', '/api/v1/health', '/nothing']) {
    const { headers } = await board.get(path)
    expect(headers.get('content-security-policy')).toContain("script-src 'self';")
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('a URL beyond measure is refused', async () => {
  expect((await ask(board.url, `/api/v1/sites?town=${'x'.repeat(3_000)}`, {})).status).toBe(414)
  expect((await ask(board.url, `/api/v1/sites?town=${'x'.repeat(30_000)}`, {})).status).toBe(431)
})

test('nothing but reading is offered', async () => {
  expect(await status({ host: 'localhost' }, 'POST')).toBe(404)
  expect(await status({ host: 'localhost' }, 'DELETE')).toBe(404)
})

describe('with a password', () => {
  const auth = { username: 'bureau', password: 'correct horse: battery' }
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  let guarded: Running
  beforeAll(async () => {
    guarded = await startBoard({ sites: 1 }, { config: httpConfig({ auth }) })
  })
  afterAll(() => guarded.stop())

  test.each(['/', '/api/v1/sites', '/api/v1/live', '/metrics', '/api/v1/openapi.json'])(
    '%s asks for it',
    async (path) => {
      const { status: code, headers } = await guarded.get(path)
      expect(code).toBe(401)
      expect(headers.get('www-authenticate')).toContain('Basic')
    },
  )

  test.each([
    ['bureau:correct horse: battery', 200],
    ['bureau:correct horse', 401],
    ['Bureau:correct horse: battery', 401],
    ['', 401],
  ])('"%s" is answered with %i', async (text, expected) => {
    expect((await guarded.get('/api/v1/health', basic(text))).status).toBe(expected)
  })
})

describe('the address', () => {
  test.each(['0.0.0.0', '::', '192.168.1.7', 'board.example'])('%s is not served without a password', (host) => {
    expect(() => checkExposure(httpConfig({ host }))).toThrow(/http.auth/)
  })

  test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('%s may be', (host) => {
    expect(() => checkExposure(httpConfig({ host }))).not.toThrow()
  })

  test('that is taken by another program is told with what to do', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const { district, store, live, holding } = board
    const second = createBoard({
      config: httpConfig({ port }),
      store,
      registry: () => district.registry,
      fleet: district.fleet,
      judge: { verdicts: () => new Map() },
      live,
      holding,
      log: (await import('pino')).pino({ level: 'silent' }),
      now: Date.now,
      version: '0.1.0',
    })
    const failure = await second.start().catch((error: unknown) => error)
    expect(isAppError(failure, 'port_in_use')).toBe(true)
    expect(String(failure)).toContain(
      `http.port ${port} on 127.0.0.1 is in use; stop the other program or set another http.port`,
    )
    await second.stop()
    await new Promise((resolve) => other.close(resolve))
  })
})
