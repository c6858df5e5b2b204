import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { openLibreSpeed } from '../../../agent/bandwidth/librespeed.ts'
import type { Session } from '../../../agent/bandwidth/session.ts'
import { now, type Transfer, type TransferOptions } from '../../../agent/bandwidth/transfer.ts'
import { isAppError } from '../../../core/errors.ts'
import type { Direction } from '../../../core/standard.ts'
import { testpointSchema } from '../../../testpoint/config.ts'
import { createTestpoint } from '../../../testpoint/testpoint.ts'
import { has } from '../../services/capabilities.ts'
import { createTlsProxy, selfSigned } from './tls.ts'

const log = pino({ level: 'silent' })
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function testpoint() {
  const server = createTestpoint({ config: testpointSchema.parse({ listen: { port: 0 } }), version: '1', log })
  closers.push(() => server.stop())
  return { ...(await server.start()), totals: server.totals }
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that looks like LibreSpeed until the test begins, and then does `behave`. */
function odd(behave: RequestListener): Promise<string> {
  return listen(
    createServer((request, response) => {
      if (request.method === 'GET' && request.url?.includes('empty')) response.end()
      else if (request.url === '/') response.writeHead(404).end()
      else behave(request, response)
    }),
  )
}

async function open(url: string): Promise<Session> {
  const target = { id: 'tp', type: 'librespeed', url, level: 'district', priority: 0 } as const
  const session = await openLibreSpeed(target, new AbortController().signal)
  closers.push(() => session.close())
  return session
}

async function start(url: string, direction: Direction, given: Partial<TransferOptions> = {}): Promise<Transfer> {
  const session = await open(url)
  const { signal } = new AbortController()
  return session.start(direction, {
    streams: 2,
    maxBytes: 8e6,
    deadlineSeconds: now() + 10,
    inFlightBytes: 500_000,
    signal,
    ...given,
  })
}

const acknowledged = (transfer: Transfer) => transfer.marks().at(-1)?.bytes ?? 0

describe('download', () => {
  it('ends at its byte cap, not more than 5 % above', async () => {
    const { url } = await testpoint()
    const transfer = await start(url, 'down', { maxBytes: 20e6, streams: 4 })
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeGreaterThanOrEqual(20e6)
    expect(transfer.usedBytes() ?? 0).toBeLessThan(21e6)
  })

  it('asks again when the server sends less than it was asked for', async () => {
    const url = await odd((_request, response) => void response.end(Buffer.alloc(300_000)))
    const transfer = await start(url, 'down', { maxBytes: 2e6 })
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeGreaterThanOrEqual(2e6)
  })

  it('cuts off a server that sends forever', async () => {
    const url = await odd((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    })
    const transfer = await start(url, 'down', { maxBytes: 5e6 })
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeLessThan(5.25e6)
  })

  it.each<[string, RequestListener]>([
    ['500', (_request, response) => void response.writeHead(500).end('no')],
    ['web page', (_request, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>hello')],
    ['14 bytes', (_request, response) => void response.end('please log in.')],
    ['without an answer', (request) => void request.socket.destroy()],
  ])('fails when the testpoint answers with %s', async (what, behave) => {
    const transfer = await start(await odd(behave), 'down')
    const failure = await transfer.done
    expect(isAppError(failure, 'testpoint_failed')).toBe(true)
    expect(failure?.message).toContain(what)
    expect(transfer.usedBytes() ?? 0).toBeLessThan(100)
  })

  it('ends when told to, in the middle of a body', async () => {
    const { url } = await testpoint()
    const transfer = await start(url, 'down', { maxBytes: 1e9 })
    while ((transfer.usedBytes() ?? 0) < 1e6) await new Promise((resolve) => setImmediate(resolve))
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeLessThan(1e9)
  })
})

describe('upload', () => {
  it('counts what the server has answered, and no more than it received', async () => {
    const { url, totals } = await testpoint()
    const transfer = await start(url, 'up', { maxBytes: 10e6 })
    expect(await transfer.done).toBeUndefined()
    expect(acknowledged(transfer)).toBeGreaterThan(5e6)
    expect(acknowledged(transfer)).toBeLessThanOrEqual(10e6)
    expect(totals()).toMatchObject({ receivedBytes: 10e6, completedUploads: 40 })
  })

  it('never starts a request that would pass its cap', async () => {
    const { url, totals } = await testpoint()
    const transfer = await start(url, 'up', { maxBytes: 1e6, inFlightBytes: 600_000 })
    await transfer.done
    expect(totals().receivedBytes).toBe(900_000)
  })

  it.each<[string, RequestListener]>([
    ['413', (request, response) => void request.resume().on('end', () => response.writeHead(413).end())],
    ['a page of its own', (request, response) => void request.resume().on('end', () => response.end('<p>too large'))],
  ])('counts nothing when the testpoint answers %s', async (what, behave) => {
    const transfer = await start(await odd(behave), 'up')
    const failure = await transfer.done
    expect(failure?.message).toContain(what)
    expect(acknowledged(transfer)).toBe(0)
  })

  it('has a curve that never falls', async () => {
    const { url } = await testpoint()
    const transfer = await start(url, 'up', { maxBytes: 20e6, paceBps: 200e6 })
    await transfer.done
    const curve = transfer.marks()
    expect(curve.length).toBeGreaterThan(5)
    expect(curve.every(({ bytes }, i) => i === 0 || bytes >= (curve[i - 1]?.bytes ?? 0))).toBe(true)
  })

  it('drops what waits in the kernel when told to stop', async () => {
    const { url, totals } = await testpoint()
    const transfer = await start(url, 'up', { maxBytes: 1e9, inFlightBytes: 16e6 })
    while ((transfer.usedBytes() ?? 0) < 50e6) await new Promise((resolve) => setImmediate(resolve))
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
    expect(totals().receivedBytes).toBeLessThanOrEqual(transfer.usedBytes() ?? 0)
  })
})

describe('under a lease', () => {
  const wish = { rateBps: 200e6, seconds: 10, maxWaitSeconds: 1 }
  const { signal } = new AbortController()

  it('learns from the testpoint itself what it has received', async () => {
    const { url, totals } = await testpoint()
    const session = await open(url)
    const lease = await session.admit({ ...wish, direction: 'up', signal })
    const given = {
      streams: 2,
      maxBytes: 4e6,
      deadlineSeconds: now() + 10,
      inFlightBytes: 500_000,
      signal,
      leaseId: lease?.id,
    }
    const transfer = session.start('up', { ...given, paceBps: 40e6 })
    for (let readings = 0; readings < 20; readings++) {
      await session.ping(signal)
      expect(acknowledged(transfer)).toBeLessThanOrEqual(transfer.usedBytes() ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await transfer.done
    // Handed over are whole pieces; with the last of them the connections were cut.
    expect(transfer.usedBytes()).toBeLessThanOrEqual(4e6)
    expect(acknowledged(transfer)).toBeGreaterThan(0.9 * 4e6)
    // What its kernel had acknowledged and not yet handed over went with the connections.
    expect(totals().receivedBytes).toBeGreaterThan(0.9 * acknowledged(transfer))
    await lease?.release()
    await expect(session.ping(signal)).rejects.toThrow(/answered 404/)
  })

  it.skipIf(!has('openssl'))('is counted and cut off over TLS as well', async () => {
    const { key, cert } = selfSigned()
    setDefaultCACertificates([cert.toString()])
    closers.push(() => setDefaultCACertificates(getCACertificates('bundled')))
    const { url, totals } = await testpoint()
    const proxy = createTlsProxy({ key, cert }, Number(new URL(url).port))
    const session = await open((await listen(proxy)).replace('http://127.0.0.1', 'https://localhost'))
    const lease = await session.admit({ ...wish, direction: 'up', signal })
    const common = { streams: 2, deadlineSeconds: now() + 10, inFlightBytes: 500_000, signal, leaseId: lease?.id }
    const transfer = session.start('up', { ...common, maxBytes: 20e6, paceBps: 40e6 })
    for (let readings = 0; readings < 20; readings++) {
      transfer.marks()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
    expect(acknowledged(transfer)).toBeGreaterThan(40e6 / 8 / 5)
    expect(totals().receivedBytes).toBeGreaterThan(40e6 / 8 / 5)
    await lease?.release()
  })

  it('is told to come back, and gives up in time', async () => {
    const { url } = await testpoint()
    const session = await open(url)
    const lease = await session.admit({ ...wish, direction: 'down', rateBps: 900e6, signal })
    await expect(session.admit({ ...wish, direction: 'down', maxWaitSeconds: 0, signal })).rejects.toThrow(/is busy/)
    await lease?.release()
    await session.admit({ ...wish, direction: 'down', signal })
    await expect(session.admit({ ...wish, rateBps: 5e9, direction: 'down', signal })).rejects.toThrow(
      /carries 1000000000/,
    )
  })

  it('gets nothing when the lease is not one', async () => {
    const { url } = await testpoint()
    const transfer = await start(url, 'down', { leaseId: 'none' })
    expect((await transfer.done)?.message).toContain('503')
  })
})

describe('pace', () => {
  it.each(['down', 'up'] as const)('holds %s to it', async (direction) => {
    const { url } = await testpoint()
    const transfer = await start(url, direction, { maxBytes: 1e9, paceBps: 80e6, inFlightBytes: 200_000 })
    const begun = now()
    await new Promise((resolve) => setTimeout(resolve, 500))
    transfer.stop()
    await transfer.done
    // What may be in flight beyond the pace: two requests of each stream.
    expect((transfer.usedBytes() ?? 0) * 8).toBeLessThanOrEqual(80e6 * (now() - begun) + 4 * 8 * 1_048_576)
  })
})

describe('an answer without end', () => {
  it('is cut off when the paths are looked for', async () => {
    let sent = 0
    const url = await listen(
      createServer((_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
        }
        response.on('drain', more)
        more()
      }),
    )
    await expect(open(url)).rejects.toThrow(/answered with more than 65536 bytes/)
    // What the kernel took meanwhile.
    expect(sent).toBeLessThan(20e6)
  })
})

describe('openLibreSpeed', () => {
  const target = (url: string) => ({ id: 'tp', type: 'librespeed', url, level: 'district', priority: 0 }) as const
  const { signal } = new AbortController()

  it('finds the paths of other LibreSpeed servers', async () => {
    const url = await listen(
      createServer((request, response) =>
        response.writeHead(request.url?.startsWith('/speed/backend/empty.php') ? 200 : 404).end(),
      ),
    )
    const endpoint = await openLibreSpeed(target(`${url}/speed`), signal)
    expect(endpoint).toMatchObject({ id: 'tp', self: true, capacityBps: undefined })
    expect(await endpoint.ping(signal)).toBeGreaterThan(0)
    endpoint.close()
  })

  it('knows what one of ours can carry', async () => {
    const { url } = await testpoint()
    const session = await openLibreSpeed(target(url), signal)
    expect(session).toMatchObject({ capacityBps: 1e9, interface: 'lo' })
    session.close()
  })

  it('says what a server that is none answered', async () => {
    const url = await listen(createServer((_request, response) => response.end('<html>welcome')))
    await expect(openLibreSpeed(target(url), signal)).rejects.toThrow(
      /Testpoint tp .* does not speak LibreSpeed: it answered 200/,
    )
  })

  it.skipIf(!has('openssl'))('does not talk to a server whose certificate is not for it', async () => {
    const { key, cert } = selfSigned()
    const url = await listen(createTlsServer({ key, cert }, (_request, response) => response.end()))
    await expect(openLibreSpeed(target(url.replace('http:', 'https:')), signal)).rejects.toThrow(
      /cannot be reached: .*self-signed/,
    )
  })

  it('says when nobody is there, or the name is unknown', async () => {
    const server = createTcpServer()
    const url = await listen(server)
    await closers.pop()?.()
    await expect(openLibreSpeed(target(url), signal)).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/)
    await expect(openLibreSpeed(target('http://no-such-host.invalid'), signal)).rejects.toSatisfy((error) =>
      isAppError(error, 'testpoint_failed'),
    )
  })
})
