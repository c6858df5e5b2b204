import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { service } from '../../../agent/probes/service.ts'
import { failedPhases } from '../../../agent/probes/service/request.ts'
import { has } from '../../services/capabilities.ts'
import { type Authority, createAuthority } from './certificates.ts'
import { contextOf } from './context.ts'

type Fields = Record<string, number | null>
const servers: { server: Server; sockets: Set<Socket> }[] = []

/** Listens on a free port, keeps hold of every connection, and is closed after the test. */
async function listen<S extends Server>(
  server: S,
  host = '127.0.0.1',
): Promise<{ port: number; connections: () => number }> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, host)
  await once(server, 'listening')
  servers.push({ server, sockets })
  return { port: (server.address() as AddressInfo).port, connections: () => connections }
}
const listenHttp = (answer: RequestListener, host?: string) => listen(createHttpServer(answer), host)
const listenTcp = (onSocket: (socket: Socket) => void) => listen(createTcpServer(onSocket))

afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function check(url: string, more = {}): Promise<Fields> {
  const config = service.config.parse({ services: [{ id: 'platform', url, timeout_seconds: 5, ...more }] })
  const samples = await service.run(config, contextOf().context)
  expect(samples.map(({ measurement, tags }) => ({ measurement, tags }))).toEqual([
    { measurement: 'service', tags: { service: 'platform' } },
  ])
  return samples[0]?.fields as Fields
}

describe('service over HTTP', () => {
  it('gives status and time of each phase', async () => {
    const seen: (string | undefined)[] = []
    const { port } = await listenHttp((request, response) => {
      seen.push(request.method, request.url, request.headers.host)
      response.end('hello')
    })
    const fields = await check(`http://localhost:${port}/login?from=monitor`)
    expect(seen).toEqual(['GET', '/login?from=monitor', `localhost:${port}`])
    expect(fields).toMatchObject({
      up: 1,
      failed_phase: failedPhases.none,
      status_code: 200,
      tls_seconds: null,
      certificate_left_seconds: null,
    })
    const phases = ['dns_seconds', 'connect_seconds', 'first_byte_seconds'].map((name) => fields[name] as number)
    for (const seconds of phases) expect(seconds).toBeGreaterThan(0)
    expect(fields['total_seconds']).toBeGreaterThanOrEqual(phases.reduce((sum, one) => sum + one))
  })

  it('knows no DNS time for an address', async () => {
    const { port } = await listenHttp((_, response) => response.end())
    expect(await check(`http://127.0.0.1:${port}/`)).toMatchObject({ up: 1, dns_seconds: null })
  })

  it('makes a new connection each time', async () => {
    const { port, connections } = await listenHttp((_, response) => response.end())
    await check(`http://127.0.0.1:${port}/`)
    await check(`http://127.0.0.1:${port}/`)
    expect(connections()).toBe(2)
  })

  it.skipIf(!Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1')))(
    'reaches an IPv6 address',
    async () => {
      const { port } = await listenHttp((_, response) => response.end(), '::1')
      expect(await check(`http://[::1]:${port}/`)).toMatchObject({ up: 1, status_code: 200 })
    },
  )

  it('tries the other address of a name that has two', async () => {
    // `localhost` is ::1 as well on many machines, and nobody listens there.
    const { port } = await listenHttp((_, response) => response.end())
    expect(await check(`http://localhost:${port}/`)).toMatchObject({ up: 1 })
  })

  it.each([
    [204, undefined, 1],
    [302, undefined, 1],
    [404, undefined, 0],
    [503, undefined, 0],
    [401, [401, 403], 1],
    [200, [401, 403], 0],
  ])('takes status %i, expected %j, as up=%i', async (status, expected, up) => {
    const { port, connections } = await listenHttp((_, response) => response.writeHead(status, { location: '/' }).end())
    const fields = await check(`http://127.0.0.1:${port}/`, expected && { expect_status: expected })
    expect(fields).toMatchObject({
      up,
      status_code: status,
      failed_phase: up ? failedPhases.none : failedPhases.unexpected,
    })
    expect(connections()).toBe(1)
  })

  it('stops reading a page without end', async () => {
    let sent = 0
    const { port } = await listenHttp((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384))) sent += 16_384
      }
      response.on('drain', more)
      more()
    })
    expect(await check(`http://127.0.0.1:${port}/`)).toMatchObject({ up: 1, status_code: 200 })
    // What it read, and what the buffers in between took.
    expect(sent).toBeLessThan(32 * 1024 * 1024)
  })
})

describe('service that fails', () => {
  it('at DNS', async () => {
    const fields = await check('http://no.such.host.invalid/')
    expect(fields).toMatchObject({
      up: 0,
      failed_phase: failedPhases.dns,
      dns_seconds: null,
      connect_seconds: null,
      total_seconds: null,
    })
  })

  it('at the connection, when nobody listens', async () => {
    const { port } = await listenTcp(() => {})
    await new Promise((resolve) => servers.splice(0)[0]?.server.close(resolve))
    expect(await check(`http://127.0.0.1:${port}/`)).toMatchObject({
      up: 0,
      failed_phase: failedPhases.connect,
      connect_seconds: null,
    })
  })

  it('at TLS, when the server speaks none', async () => {
    const { port } = await listenHttp((_, response) => response.end())
    expect(await check(`https://127.0.0.1:${port}/`)).toMatchObject({
      up: 0,
      failed_phase: failedPhases.tls,
      tls_seconds: null,
    })
  })

  it('at TLS, when the server hangs up or says nothing', async () => {
    const hangsUp = await listenTcp((socket) => socket.end())
    expect(await check(`https://127.0.0.1:${hangsUp.port}/`)).toMatchObject({ failed_phase: failedPhases.tls })
    const silent = await listenTcp(() => {})
    expect(await check(`https://127.0.0.1:${silent.port}/`, { timeout_seconds: 0.3 })).toMatchObject({
      failed_phase: failedPhases.tls,
    })
  })

  it('without an answer, when the server hangs up or says nothing', async () => {
    const hangsUp = await listenTcp((socket) => socket.once('data', () => socket.end()))
    expect(await check(`http://127.0.0.1:${hangsUp.port}/`)).toMatchObject({
      up: 0,
      failed_phase: failedPhases.no_answer,
      status_code: null,
    })
    const silent = await listenTcp(() => {})
    const fields = await check(`http://127.0.0.1:${silent.port}/`, { timeout_seconds: 0.3 })
    expect(fields).toMatchObject({ up: 0, failed_phase: failedPhases.no_answer, first_byte_seconds: null })
  })

  it('with an answer that is no HTTP', async () => {
    const { port } = await listenTcp((socket) => socket.end('220 mail.example ESMTP\r\n'))
    expect(await check(`http://127.0.0.1:${port}/`)).toMatchObject({
      up: 0,
      failed_phase: failedPhases.unexpected,
      status_code: null,
    })
  })

  it('with an answer that breaks off or never ends', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'
    const breaks = await listenTcp((socket) => socket.end(head))
    expect(await check(`http://127.0.0.1:${breaks.port}/`)).toMatchObject({
      up: 0,
      failed_phase: failedPhases.unexpected,
      status_code: 200,
    })
    const hangs = await listenTcp((socket) => socket.write(head))
    expect(await check(`http://127.0.0.1:${hangs.port}/`, { timeout_seconds: 0.3 })).toMatchObject({
      up: 0,
      failed_phase: failedPhases.unexpected,
      status_code: 200,
      total_seconds: null,
    })
  })
})

describe('several services', () => {
  it('are asked side by side, but not all at once, and none holds up another', async () => {
    // What the probe asks at once; the first so many wait for one another, and a moment longer for one too many.
    const limit = 16
    let most = 0
    const waiting: ServerResponse[] = []
    const { port } = await listenHttp((_, response) => {
      waiting.push(response)
      most = Math.max(most, waiting.length)
      if (most >= limit) setTimeout(() => waiting.splice(0).map((each) => each.end()), 30)
    })
    const services = Array.from({ length: 40 }, (_, i) => ({
      id: `s${i}`,
      url: i === 3 ? 'http://no.such.host.invalid/' : `http://127.0.0.1:${port}/`,
    }))
    const samples = await service.run(service.config.parse({ services }), contextOf().context)
    const down = samples.filter(({ fields }) => (fields as Fields)['up'] === 0)
    expect(samples).toHaveLength(40)
    expect(down.map(({ tags }) => tags)).toEqual([{ service: 's3' }])
    expect(most).toBe(limit)
  })

  it('end at once when the run is stopped', async () => {
    const { port } = await listenTcp(() => {})
    const controller = new AbortController()
    const services = ['a', 'b'].map((id) => ({ id, url: `http://127.0.0.1:${port}/` }))
    const run = service.run(service.config.parse({ services }), contextOf({ signal: controller.signal }).context)
    setTimeout(() => controller.abort(), 50)
    await expect(run).rejects.toThrow()
  })
})

describe('configuration', () => {
  it.each([
    ['another protocol', { id: 'a', url: 'ftp://example.org/' }],
    ['a password in the URL', { id: 'a', url: 'https://user:secret@example.org/' }],
    ['a status that is none', { id: 'a', url: 'https://example.org/', expect_status: [99] }],
  ])('refuses %s', (_, one) => {
    expect(service.config.safeParse({ services: [one] }).success).toBe(false)
  })

  it('says which file cannot be read', async () => {
    await expect(check('https://127.0.0.1/', { ca_file: '/no/such/ca.pem' })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/ca_file \/no\/such\/ca\.pem of service platform/),
    })
  })
})

describe.skipIf(!has('openssl'))('service over HTTPS', () => {
  const day = 86_400_000
  /** In the form that openssl wants: 20261123080000Z. */
  const moment = (days: number) =>
    `${new Date(Date.now() + days * day).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  let authority: Authority
  beforeAll(async () => {
    authority = await createAuthority()
  })
  afterAll(() => authority.remove())

  async function listenHttps(name: string, from: number, to: number) {
    let requests = 0
    const certificate = await authority.issue(name, moment(from), moment(to))
    const server = createHttpsServer(certificate, (_, response) => {
      requests++
      response.end()
    })
    return { ...(await listen(server)), requests: () => requests }
  }

  it('gives the TLS time and how long the certificate is valid', async () => {
    const { port } = await listenHttps('DNS:localhost,IP:127.0.0.1', -1, 30)
    for (const host of ['localhost', '127.0.0.1']) {
      const fields = await check(`https://${host}:${port}/`, { ca_file: authority.file })
      expect(fields).toMatchObject({ up: 1, status_code: 200, failed_phase: failedPhases.none })
      expect(fields['tls_seconds']).toBeGreaterThan(0)
      expect((fields['certificate_left_seconds'] as number) / 86_400).toBeCloseTo(30, 1)
    }
  })

  it.each([
    ['of an unknown authority', 'DNS:localhost', -1, 30, false],
    ['that has ended', 'DNS:localhost', -30, -1, true],
    ['that is not valid yet', 'DNS:localhost', 1, 30, true],
    ['for another name', 'DNS:other.example', -1, 30, true],
  ])('refuses a certificate %s, says when it ends, and sends nothing', async (_, name, from, to, known) => {
    const { port, requests } = await listenHttps(name, from, to)
    const fields = await check(`https://localhost:${port}/`, known ? { ca_file: authority.file } : {})
    expect(fields).toMatchObject({ up: 0, failed_phase: failedPhases.tls, status_code: null })
    expect((fields['certificate_left_seconds'] as number) / 86_400).toBeCloseTo(to, 1)
    expect(requests()).toBe(0)
  })
})
