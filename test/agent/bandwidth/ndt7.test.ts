import { createServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { openNdt7 } from '../../../agent/bandwidth/ndt7.ts'
import type { Session } from '../../../agent/bandwidth/session.ts'
import { now, type TransferOptions } from '../../../agent/bandwidth/transfer.ts'
import { isAppError } from '../../../core/errors.ts'
import { testpointSchema } from '../../../testpoint/config.ts'
import { createTestpoint } from '../../../testpoint/testpoint.ts'
import { has } from '../../services/capabilities.ts'
import { createTlsProxy, selfSigned } from './tls.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})
const { signal } = new AbortController()
const target = (url: string) => ({ id: 'tp', type: 'ndt7', url, level: 'district', priority: 0 }) as const
const options = (given: Partial<TransferOptions> = {}): TransferOptions => ({
  streams: 4,
  maxBytes: 20e6,
  deadlineSeconds: now() + 10,
  inFlightBytes: 1e6,
  signal,
  ...given,
})

async function ours() {
  const testpoint = createTestpoint({
    config: testpointSchema.parse({ listen: { port: 0 } }),
    version: '1',
    log: pino({ level: 'silent' }),
  })
  closers.push(() => testpoint.stop())
  const { url } = await testpoint.start()
  return { url, session: await openNdt7(target(url.replace('http', 'ws')), signal), totals: testpoint.totals }
}

async function listen(server: Server): Promise<string> {
  const connections = new Set<Socket>()
  server.on('connection', (socket) => connections.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => server.close(),
    () => connections.forEach((socket) => socket.destroy()),
  )
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that reports as the reference server does: TCPInfo, no AppInfo. */
async function reference(): Promise<Session> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, handleProtocols: (offered) => [...offered][0] ?? false })
  closers.push(() => sockets.clients.forEach((client) => client.terminate()))
  sockets.on('connection', (socket) => {
    let received = 0
    const begun = performance.now()
    const timer = setInterval(() => {
      const micros = Math.round((performance.now() - begun) * 1000)
      socket.send(JSON.stringify({ TCPInfo: { BytesReceived: received, ElapsedTime: micros }, Origin: 'server' }))
    }, 50)
    socket.on('close', () => clearInterval(timer))
    socket.on('message', (data, isBinary) => {
      if (isBinary) received += (data as Buffer).length
    })
  })
  return openNdt7(target(await listen(http)), signal)
}

describe('download', () => {
  it('ends at its byte cap', async () => {
    const { session } = await ours()
    const transfer = session.start('down', options())
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeGreaterThanOrEqual(20e6)
    // One read of the connection may pass it.
    expect(transfer.usedBytes() ?? 0).toBeLessThan(20e6 + 2 ** 18)
  })

  it('ends when told to', async () => {
    const { session } = await ours()
    const transfer = session.start('down', options({ maxBytes: 1e9 }))
    while ((transfer.usedBytes() ?? 0) < 1e6) await new Promise((resolve) => setImmediate(resolve))
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeLessThan(1e9)
  })
})

describe('upload', () => {
  it('counts what our testpoint says it has received', async () => {
    const { session, totals } = await ours()
    const transfer = session.start('up', options({ maxBytes: 40e6, paceBps: 200e6 }))
    await transfer.done
    const counted = transfer.marks().at(-1)?.bytes ?? 0
    expect(counted).toBeGreaterThan(0)
    expect(counted).toBeLessThanOrEqual(totals().receivedBytes)
    expect(totals().receivedBytes).toBeLessThanOrEqual(40e6)
  })

  it('counts what the reference server says', async () => {
    const session = await reference()
    const transfer = session.start('up', options({ paceBps: 100e6 }))
    await transfer.done
    expect(transfer.marks().at(-1)?.bytes).toBeGreaterThan(10e6)
  })
})

/** A server of the protocol that does as `behave` says. */
async function odd(behave: (socket: WebSocket) => void): Promise<Session> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, handleProtocols: (offered) => [...offered][0] ?? false })
  closers.push(() => sockets.clients.forEach((client) => client.terminate()))
  sockets.on('connection', (socket) => {
    socket.on('error', () => {})
    behave(socket)
  })
  return openNdt7(target(await listen(http)), signal)
}

describe('a server that does as it likes', () => {
  it('ends at the cap in the middle of a message of 16 MiB', async () => {
    const session = await odd((socket) => {
      const message = Buffer.alloc(2 ** 24)
      const more = () => socket.readyState === socket.OPEN && socket.send(message, more)
      more()
    })
    const transfer = session.start('down', options({ maxBytes: 5e6 }))
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes() ?? 0).toBeGreaterThanOrEqual(5e6)
    expect(transfer.usedBytes() ?? 0).toBeLessThan(5.25e6)
  })

  it('is held to a pace by not being read', async () => {
    const session = await odd((socket) => {
      const message = Buffer.alloc(2 ** 16)
      const more = () => socket.readyState === socket.OPEN && socket.send(message, more)
      more()
    })
    const begun = now()
    const transfer = session.start('down', options({ maxBytes: 1e9, paceBps: 40e6 }))
    await new Promise((resolve) => setTimeout(resolve, 500))
    transfer.stop()
    await transfer.done
    expect((transfer.usedBytes() ?? 0) * 8).toBeLessThan(40e6 * (now() - begun + 0.2))
    expect(transfer.usedBytes() ?? 0).toBeGreaterThan(0)
  })

  it('fails when it says that it has received what was never sent', async () => {
    const session = await odd((socket) => {
      const begun = performance.now()
      const timer = setInterval(() => {
        const seconds = (performance.now() - begun) / 1000
        socket.send(JSON.stringify({ AppInfo: { ElapsedTime: Math.round(seconds * 1e6), NumBytes: seconds * 1e9 } }))
      }, 20)
      socket.on('close', () => clearInterval(timer))
    })
    const failure = await session.start('up', options({ paceBps: 40e6, maxBytes: 1e9 })).done
    expect(isAppError(failure, 'testpoint_failed')).toBe(true)
    expect(failure?.message).toContain('more than was sent')
  })
})

describe('over TLS', () => {
  it.skipIf(!has('openssl')).each(['down', 'up'] as const)('%s ends when told to', async (direction) => {
    const identity = selfSigned()
    setDefaultCACertificates([identity.cert.toString()])
    closers.push(() => setDefaultCACertificates(getCACertificates('bundled')))
    const { url } = await ours()
    const behind = await listen(createTlsProxy(identity, Number(new URL(url).port)))
    const session = await openNdt7(target(behind.replace('ws://127.0.0.1', 'wss://localhost')), signal)
    const transfer = session.start(direction, options({ maxBytes: 1e9, paceBps: 100e6 }))
    while ((transfer.usedBytes() ?? 0) < 1e6) await new Promise((resolve) => setTimeout(resolve, 5))
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
  })
})

describe('openNdt7', () => {
  it('asks our testpoint for leases, and no other', async () => {
    const { session } = await ours()
    const wish = { direction: 'down', rateBps: 1e8, seconds: 5, maxWaitSeconds: 1, signal } as const
    const lease = await session.admit(wish)
    expect(lease?.id).toMatch(/^[0-9a-f]+$/)
    await lease?.release()
    expect(await (await reference()).admit(wish)).toBeUndefined()
  })

  it('times a round trip without any request', async () => {
    const { session } = await ours()
    expect(await session.ping(signal)).toBeGreaterThan(0)
  })

  it('says when nobody is there', async () => {
    await expect(openNdt7(target('ws://127.0.0.1:9'), signal)).rejects.toThrow(/Testpoint tp .*ECONNREFUSED/)
  })

  it('fails when the server does not speak the protocol', async () => {
    const session = await openNdt7(
      target(await listen(createServer((_request, response) => response.end('hello')))),
      signal,
    )
    const failure = await session.start('down', options()).done
    expect(isAppError(failure, 'testpoint_failed')).toBe(true)
  })
})
