import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../core/errors.ts'
import { testpointSchema } from '../../testpoint/config.ts'
import { runTestpoint } from '../../testpoint/main.ts'
import { createTestpoint, type Testpoint } from '../../testpoint/testpoint.ts'

const log = pino({ level: 'silent' })
const running: Testpoint[] = []

async function start(config: object = {}): Promise<{ url: string; port: number; testpoint: Testpoint }> {
  const parsed = testpointSchema.parse({ listen: { port: 0 }, ...config })
  const testpoint = createTestpoint({ config: parsed, version: '1.2.3', log })
  running.push(testpoint)
  return { ...(await testpoint.start()), testpoint }
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((testpoint) => testpoint.stop()))
})

describe('download', () => {
  it.each(['/garbage', '/garbage.php', '/backend/garbage', '/backend/garbage.php'])('answers on %s', async (path) => {
    const { url } = await start()
    const response = await fetch(`${url}${path}?r=0.5&ckSize=1`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(response.headers.get('cache-control')).toContain('no-store')
    expect((await response.bytes()).length).toBe(1_048_576)
  })

  it.each([
    ['', 4],
    ['ckSize=0', 4],
    ['ckSize=-1', 4],
    ['ckSize=abc', 4],
    ['ckSize=2', 2],
    ['ckSize=5000', 1024],
  ])('takes %j for %i chunks', async (query, chunks) => {
    const { url } = await start()
    const response = await fetch(`${url}/garbage?${query}`, { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe(String(chunks * 1_048_576))
  })

  it('sends data that does not compress', async () => {
    const { url } = await start()
    const body = await (await fetch(`${url}/garbage?ckSize=1`)).bytes()
    expect(new Set(body.subarray(0, 4096)).size).toBeGreaterThan(200)
  })

  it('stops sending when the client goes away in the middle', async () => {
    const { url, testpoint } = await start()
    const abort = new AbortController()
    const response = await fetch(`${url}/garbage?ckSize=1024`, { signal: abort.signal })
    await response.body?.getReader().read()
    abort.abort()
    let before = -1
    while (testpoint.totals().sentBytes !== before) {
      before = testpoint.totals().sentBytes
      await sleep(100)
    }
    expect(before).toBeLessThan(1024 * 1_048_576)
    expect((await fetch(`${url}/empty`)).status).toBe(200)
  })
})

describe('upload', () => {
  it('swallows the body, answers empty, and counts what it got', async () => {
    const { url, testpoint } = await start()
    const body = Buffer.alloc(20 * 1024 * 1024, 7)
    const response = await fetch(`${url}/backend/empty.php?r=1`, { method: 'POST', body })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
    expect(testpoint.totals()).toMatchObject({ receivedBytes: body.length, completedUploads: 1 })
  })
})

describe('the rest of the protocol', () => {
  it('tells the caller its address', async () => {
    const { url } = await start()
    const body = await (await fetch(`${url}/getIP.php?isp=true&distance=km`)).json()
    expect(body).toEqual({ processedString: '127.0.0.1', rawIspInfo: '' })
  })

  it('allows other origins only when asked to', async () => {
    const { url } = await start()
    const origin = 'access-control-allow-origin'
    expect((await fetch(`${url}/empty`)).headers.get(origin)).toBeNull()
    expect((await fetch(`${url}/empty?cors=true`)).headers.get(origin)).toBe('*')
    expect((await fetch(`${url}/empty?cors=true`, { method: 'OPTIONS' })).headers.get(origin)).toBe('*')
  })

  it('accepts telemetry and forgets it', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/results/telemetry.php`, { method: 'POST', body: 'dl=1' })
    expect(await response.text()).toBe('id 0')
  })

  it('describes itself', async () => {
    const { url } = await start({ capacity_bps: '2G' })
    expect(await (await fetch(url)).json()).toMatchObject({
      name: 'linkbell-testpoint',
      version: '1.2.3',
      capacity_bps: 2e9,
      congestion_control: expect.any(String),
    })
    expect((await fetch(`${url}/nothing`)).status).toBe(404)
  })
})

/** Writes a body piece by piece until all of it is gone or the other side closes; how much has left this process. */
async function pour(url: string, method: string, size: number): Promise<number> {
  const sent = request(url, { method, headers: { 'Content-Length': size } })
  const closed = new Promise<void>((resolve) => sent.on('close', resolve))
  sent.on('error', () => {}).on('response', (response) => response.on('error', () => {}).resume())
  const piece = Buffer.alloc(256 * 1024)
  let gone = 0
  let isClosed = false
  void closed.then(() => (isClosed = true))
  for (; gone < size && !isClosed; gone += piece.length) {
    if (!sent.write(piece)) await Promise.race([once(sent, 'drain').catch(() => {}), closed])
  }
  sent.end()
  await closed
  return gone
}

describe('a body', () => {
  const size = 32 * 1024 * 1024

  it.each(['PUT', 'GET', 'DELETE'])('is an upload on /empty whatever the method, such as %s', async (method) => {
    const { url, testpoint } = await start()
    await pour(`${url}/empty`, method, size)
    expect(testpoint.totals().receivedBytes).toBe(size)
  })

  it('gets nothing in without a lease where one is demanded', async () => {
    const { url, testpoint } = await start({ unadmitted: 'refuse' })
    expect(await pour(`${url}/empty`, 'PUT', size)).toBeLessThan(size)
    expect(testpoint.totals().receivedBytes).toBe(0)
  })

  it.each([
    ['POST', '/getIP'],
    ['GET', '/garbage'],
    ['OPTIONS', '/empty'],
    ['POST', '/'],
    ['PUT', '/nothing'],
    ['GET', '/linkbell/v1/lease/1'],
  ])('is not read on %s %s', async (method, path) => {
    const { url } = await start()
    expect(await pour(`${url}${path}`, method, size)).toBeLessThan(size)
    expect((await fetch(`${url}/empty`)).status).toBe(200)
  })
})

describe('limits', () => {
  it('refuses addresses outside the allowed ranges', async () => {
    const { url } = await start({ allowed_ranges: ['10.0.0.0/8'] })
    await expect(fetch(url)).rejects.toThrow()
  })

  it('bounds the connections of one address', async () => {
    const { port } = await start({ max_client_connections: 2 })
    const sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1').on('error', () => {}))
    await once(sockets[2] as NodeJS.EventEmitter, 'close')
    expect(sockets.map((socket) => socket.destroyed)).toEqual([false, false, true])
    for (const socket of sockets) socket.destroy()
  })

  it('closes a connection that says nothing', async () => {
    const { port } = await start({ idle_timeout_seconds: 1 })
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'close')
    expect(socket.bytesWritten).toBe(0)
  })

  it.each(['10.0.0.0', '10.0.0.0/33', 'school.example/8', '::/200'])('does not take %s for a range', (range) => {
    expect(testpointSchema.safeParse({ allowed_ranges: [range] }).success).toBe(false)
  })
})

describe('program', () => {
  it('runs until it is told to stop', async () => {
    const stop = new AbortController()
    let url = ''
    const done = runTestpoint(testpointSchema.parse({ listen: { port: 0 } }), {
      signal: stop.signal,
      log,
      version: '1.2.3',
      onReady: (address) => {
        url = address
      },
    })
    while (url === '') await sleep(5)
    expect((await fetch(url)).status).toBe(200)
    stop.abort()
    await done
    await expect(fetch(url)).rejects.toThrow()
  })

  it('says when its port is taken', async () => {
    const { port } = await start()
    const second = createTestpoint({ config: testpointSchema.parse({ listen: { port } }), version: '1', log })
    await expect(second.start()).rejects.toSatisfy((error) => isAppError(error, 'port_in_use'))
  })
})
