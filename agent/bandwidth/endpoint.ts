/** The testpoint as this host reaches it: its address, the interface on the way, and what it says about itself. */
import { lookup } from 'node:dns/promises'
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { networkInterfaces } from 'node:os'
import { AppError, messageOf } from '../../core/errors.ts'
import type { TestpointTarget } from './config.ts'

export type Endpoint = {
  id: string
  url: URL
  /** Resolved once: a test and its address check must not meet two hosts behind one name. */
  address: string
  port: number
  /** Interface whose address the connection got; undefined when the system does not tell. */
  interface: string | undefined
  /** The testpoint runs on this very host. */
  self: boolean
  uploadPath: string
  downloadPath: string
  /** What it can carry, when it is one of ours. */
  capacityBps: number | undefined
}

export type Answer = { status: number; contentType: string; bytes: number; body: string; localAddress: string }
export type Exchange = { method?: 'GET' | 'POST'; path: string; body?: Buffer; agent: HttpAgent; signal: AbortSignal }

const answerTimeoutMs = 5000
/** Kept of a body for a look at it; the rest is only counted. */
const keptBodyBytes = 4096
/** Where LibreSpeed servers of different make keep their endpoints. */
const pathForms = ['empty.php', 'backend/empty.php', 'empty', 'backend/empty']

/** An agent of its own for each use, so that destroying it ends exactly those connections. */
export function createAgent(url: URL, maxSockets: number): HttpAgent {
  const options = { keepAlive: true, maxSockets, noDelay: true }
  return url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options)
}

/** One request, its body counted and dropped. Rejects with whatever the network says. */
export function exchange(
  endpoint: Pick<Endpoint, 'url' | 'address' | 'port'>,
  { method = 'GET', path, body, agent, signal }: Exchange,
): Promise<Answer> {
  const { url, address, port } = endpoint
  const headers = {
    Host: url.host,
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/octet-stream', 'Content-Encoding': 'identity', 'Content-Length': body.length }),
  }
  const options = { host: address, port, path, method, headers, agent, signal, servername: url.hostname }
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(options, (response) => {
      readAnswer(response).then(resolve, reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

function readAnswer(response: IncomingMessage): Promise<Answer> {
  const localAddress = response.socket.localAddress ?? ''
  const kept: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    response.on('data', (chunk: Buffer) => {
      if (bytes < keptBodyBytes) kept.push(chunk.subarray(0, keptBodyBytes))
      bytes += chunk.length
    })
    response.on('error', reject)
    response.on('end', () => {
      const contentType = response.headers['content-type'] ?? ''
      resolve({
        status: response.statusCode ?? 0,
        contentType,
        bytes,
        body: Buffer.concat(kept).toString(),
        localAddress,
      })
    })
  })
}

/** Finds out how a LibreSpeed testpoint is reached. Throws `testpoint_failed` with what it answered instead. */
export async function openEndpoint(testpoint: TestpointTarget, signal: AbortSignal): Promise<Endpoint> {
  const url = new URL(testpoint.url)
  const fail = (reason: string, cause?: unknown) =>
    new AppError('testpoint_failed', `Testpoint ${testpoint.id} (${testpoint.url}) ${reason}.`, {
      cause,
      testpoint: testpoint.id,
    })
  const agent = createAgent(url, 1)
  try {
    const hostname = url.hostname.replace(/^\[|\]$/g, '')
    const { address } = await lookup(hostname)
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    const ask = (path: string) =>
      exchange(
        { url, address, port },
        { path, agent, signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]) },
      )
    const base = url.pathname.replace(/\/*$/, '/')
    let last: Answer | undefined
    for (const form of pathForms) {
      const uploadPath = base + form
      last = await ask(uploadPath)
      // Pages that answer everything with 200 and a text are no testpoint: `empty` is empty.
      if (last.status !== 200 || last.bytes > 0) continue
      return {
        id: testpoint.id,
        url,
        address,
        port,
        uploadPath,
        downloadPath: base + form.replace('empty', 'garbage'),
        interface: interfaceOf(last.localAddress),
        self: isOwnAddress(address),
        capacityBps: capacityOf(await ask(base)),
      }
    }
    throw fail(`does not speak LibreSpeed: it answered ${last?.status} ${last?.contentType}; check its url`)
  } catch (error) {
    if (error instanceof AppError || signal.aborted) throw error
    throw fail(`cannot be reached: ${messageOf(error)}`, error)
  } finally {
    agent.destroy()
  }
}

function capacityOf(answer: Answer): number | undefined {
  try {
    const { name, capacity_bps } = JSON.parse(answer.body) as Record<string, unknown>
    return name === 'linkbell-testpoint' && typeof capacity_bps === 'number' ? capacity_bps : undefined
  } catch {
    return undefined
  }
}

/** Name of the interface that carries an address of this host. */
export function interfaceOf(address: string): string | undefined {
  const plain = plainAddress(address)
  return Object.entries(networkInterfaces()).find(([, list]) => list?.some((entry) => entry.address === plain))?.[0]
}

/** Whether an address is one of this host: a test against it proves the chain, not a link (DESIGN §5.8). */
export function isOwnAddress(address: string): boolean {
  const plain = plainAddress(address)
  return plain.startsWith('127.') || plain === '::1' || interfaceOf(plain) !== undefined
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}

/** Round trips of small requests on one open connection, in seconds. The first only warms it up and is left out. */
export async function roundTrips(
  endpoint: Endpoint,
  { count, signal, gapMs = 0 }: { count: number; signal: AbortSignal; gapMs?: number },
): Promise<number[]> {
  const agent = createAgent(endpoint.url, 1)
  const seconds: number[] = []
  try {
    for (let i = 0; i <= count && !signal.aborted; i++) {
      const started = performance.now()
      await exchange(endpoint, { path: `${endpoint.uploadPath}?r=${Math.random()}`, agent, signal })
      if (i > 0) seconds.push((performance.now() - started) / 1000)
      if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs))
    }
  } catch (error) {
    // Ended by its signal, or the testpoint went away: what was seen until then still counts.
    if (seconds.length === 0 && !signal.aborted) throw error
  } finally {
    agent.destroy()
  }
  return seconds
}
