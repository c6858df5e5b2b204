import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { openEndpoint } from '../../../agent/bandwidth/endpoint.ts'
import {
  now,
  startDownload,
  startPacedDownload,
  startUpload,
  type TransferOptions,
} from '../../../agent/bandwidth/transfer.ts'
import { isAppError } from '../../../core/errors.ts'
import { testpointSchema } from '../../../testpoint/config.ts'
import { createTestpoint } from '../../../testpoint/testpoint.ts'

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

async function options(url: string, given: Partial<TransferOptions> = {}): Promise<TransferOptions> {
  const signal = new AbortController().signal
  const target = { id: 'tp', type: 'librespeed', url, level: 'district', priority: 0 } as const
  const endpoint = await openEndpoint(target, signal)
  return { endpoint, streams: 2, maxBytes: 8e6, deadlineSeconds: now() + 10, signal, ...given }
}

describe('download', () => {
  it('ends at its byte cap, not more than 5 % above', async () => {
    const { url } = await testpoint()
    const transfer = startDownload(await options(url, { maxBytes: 20e6, streams: 4 }))
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes()).toBeGreaterThanOrEqual(20e6)
    expect(transfer.usedBytes()).toBeLessThan(21e6)
  })

  it('asks again when the server sends less than it was asked for', async () => {
    const url = await odd((_request, response) => void response.end(Buffer.alloc(300_000)))
    const transfer = startDownload(await options(url, { maxBytes: 2e6 }))
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes()).toBeGreaterThanOrEqual(2e6)
  })

  it('cuts off a server that sends forever', async () => {
    const url = await odd((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    })
    const transfer = startDownload(await options(url, { maxBytes: 5e6 }))
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes()).toBeLessThan(5.25e6)
  })

  it.each<[string, RequestListener]>([
    ['500', (_request, response) => void response.writeHead(500).end('no')],
    ['web page', (_request, response) => void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>hello')],
    ['without an answer', (request) => void request.socket.destroy()],
  ])('fails when the testpoint answers with %s', async (what, behave) => {
    const transfer = startDownload(await options(await odd(behave)))
    const failure = await transfer.done
    expect(isAppError(failure, 'testpoint_failed')).toBe(true)
    expect(failure?.message).toContain(what)
    expect(transfer.usedBytes()).toBe(0)
  })

  it('ends when told to, in the middle of a body', async () => {
    const { url } = await testpoint()
    const transfer = startDownload(await options(url, { maxBytes: 1e9 }))
    while (transfer.usedBytes() < 1e6) await new Promise((resolve) => setImmediate(resolve))
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes()).toBeLessThan(1e9)
  })
})

describe('upload', () => {
  it('counts what the server has answered, and no more than it received', async () => {
    const { url, totals } = await testpoint()
    const transfer = startUpload({ ...(await options(url, { maxBytes: 10e6 })), postBytes: 250_000 })
    expect(await transfer.done).toBeUndefined()
    expect(transfer.bytesAt(now())).toBe(10e6)
    expect(totals().receivedBytes).toBe(10e6)
  })

  it('never starts a request that would pass its cap', async () => {
    const { url, totals } = await testpoint()
    const transfer = startUpload({ ...(await options(url, { maxBytes: 1e6 })), postBytes: 300_000 })
    await transfer.done
    expect(totals().receivedBytes).toBe(900_000)
  })

  it.each<[string, RequestListener]>([
    ['413', (request, response) => void request.resume().on('end', () => response.writeHead(413).end())],
    ['a page of its own', (request, response) => void request.resume().on('end', () => response.end('<p>too large'))],
  ])('counts nothing when the testpoint answers %s', async (what, behave) => {
    const transfer = startUpload({ ...(await options(await odd(behave))), postBytes: 100_000 })
    const failure = await transfer.done
    expect(failure?.message).toContain(what)
    expect(transfer.bytesAt(now())).toBe(0)
  })

  it('has a curve without steps that never falls', async () => {
    const { url } = await testpoint()
    const transfer = startUpload({ ...(await options(url, { maxBytes: 20e6, paceBps: 200e6 })), postBytes: 500_000 })
    const begun = now()
    await transfer.done
    const until = transfer.knownUntil()
    const curve = Array.from({ length: 50 }, (_, i) => transfer.bytesAt(begun + ((until - begun) * i) / 49))
    expect(curve.every((value, i) => i === 0 || value >= (curve[i - 1] as number))).toBe(true)
    expect(curve.at(-1)).toBeLessThanOrEqual(20e6)
  })
})

describe('pace', () => {
  it('holds both directions to it', async () => {
    const { url } = await testpoint()
    for (const begin of [
      async () => startPacedDownload(await options(url, { maxBytes: 1e9, paceBps: 80e6 })),
      async () => startUpload({ ...(await options(url, { maxBytes: 1e9, paceBps: 80e6 })), postBytes: 100_000 }),
    ]) {
      const transfer = await begin()
      const begun = now()
      await new Promise((resolve) => setTimeout(resolve, 500))
      transfer.stop()
      await transfer.done
      // What may be in flight beyond the pace: one request of each stream.
      expect(transfer.usedBytes() * 8).toBeLessThanOrEqual(80e6 * (now() - begun) + 3 * 8 * 1_048_576)
    }
  })
})

describe('openEndpoint', () => {
  const target = (url: string) => ({ id: 'tp', type: 'librespeed', url, level: 'district', priority: 0 }) as const
  const { signal } = new AbortController()

  it('finds the paths of other LibreSpeed servers', async () => {
    const url = await listen(
      createServer((request, response) =>
        response.writeHead(request.url?.startsWith('/speed/backend/empty.php') ? 200 : 404).end(),
      ),
    )
    const endpoint = await openEndpoint(target(`${url}/speed`), signal)
    expect(endpoint).toMatchObject({
      uploadPath: '/speed/backend/empty.php',
      downloadPath: '/speed/backend/garbage.php',
      self: true,
    })
  })

  it('knows what one of ours can carry', async () => {
    const { url } = await testpoint()
    expect(await openEndpoint(target(url), signal)).toMatchObject({ capacityBps: 1e9, interface: 'lo' })
  })

  it('says what a server that is none answered', async () => {
    const url = await listen(createServer((_request, response) => response.end('<html>welcome')))
    await expect(openEndpoint(target(url), signal)).rejects.toThrow(
      /Testpoint tp .* does not speak LibreSpeed: it answered 200/,
    )
  })

  it('says when nobody is there, or the name is unknown', async () => {
    const server = createTcpServer()
    const url = await listen(server)
    await closers.pop()?.()
    await expect(openEndpoint(target(url), signal)).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/)
    await expect(openEndpoint(target('http://no-such-host.invalid'), signal)).rejects.toSatisfy((error) =>
      isAppError(error, 'testpoint_failed'),
    )
  })
})
