/**
 * ndt7 as server (protocol v0.11.0): one WebSocket, ten seconds, binary messages as load, text messages as measurements.
 * Node sees no TCP_INFO; what a client needs for an upload, the bytes that arrived, is in `AppInfo`.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Direction } from '../core/standard.ts'
import { plainAddress } from './config.ts'
import type { Flow, Gate } from './gate.ts'

export const ndt7Protocol = 'net.measurementlab.ndt.v7'

const testSeconds = 10
/** The spec lets either side cut a test off after this. */
const limitSeconds = 13
/** Messages grow with what was sent, so that slow clients are not given megabytes to chew on. */
const firstMessageBytes = 8192
const maxMessageBytes = 2 ** 20
const growAt = 16
/** What a peer may send, and how much of ours may wait for it. */
const maxReceivedBytes = 2 ** 24
const maxBufferedBytes = 4 * 2 ** 20
const maxQueryBytes = 4096
/** Between measurements: exponential around the mean, within bounds (spec: 25 to 625 ms, at most 10 a second). */
const measurement = { meanMs: 250, minMs: 25, maxMs: 625 }
const earlyExitBytes = 250e6

type Test = {
  socket: WebSocket
  request: IncomingMessage
  direction: Direction
  flow: Flow
  begun: number
  bytes: number
  uuid: string
}

export type Ndt7 = {
  /** Takes an upgrade; false when the path is none of its. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  stop: () => void
}

export function createNdt7({ gate }: { gate: Gate }): Ndt7 {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxReceivedBytes,
    handleProtocols: () => ndt7Protocol,
  })
  const data = randomBytes(maxMessageBytes)
  return {
    upgrade(request, socket, head) {
      const url = URL.parse(request.url ?? '/', 'http://testpoint')
      const test = /^\/ndt\/v7\/(download|upload)$/.exec(url?.pathname ?? '')?.[1]
      if (url === null || test === undefined) return false
      const direction = test === 'download' ? 'down' : 'up'
      const refusal = refusalOf(request, url, direction)
      if (refusal !== undefined) return refuse(socket, refusal, '')
      const flow = gate.open(plainAddress(request.socket.remoteAddress), direction, url.searchParams.get('lease'))
      if (!('take' in flow))
        return refuse(
          socket,
          `${flow.status} ${flow.status === 503 ? 'Service Unavailable' : 'Too Many Requests'}`,
          `Retry-After: ${flow.retryAfterSeconds}\r\n`,
        )
      request.socket.setTimeout(0)
      server.handleUpgrade(request, socket, head, (accepted) => {
        const begun = performance.now()
        const opened: Test = { socket: accepted, request, direction, flow, begun, bytes: 0, uuid: randomUUID() }
        run(opened, data, url.searchParams.has('early_exit') ? earlyExitBytes : Number.POSITIVE_INFINITY)
      })
      return true
    },
    stop() {
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
}

/** What is wrong with a request, as an HTTP status line. */
function refusalOf(request: IncomingMessage, url: URL, direction: Direction): string | undefined {
  if (request.headers['sec-websocket-protocol'] !== ndt7Protocol) return '400 Bad Request'
  const keys = [...url.searchParams.keys()]
  const isOdd =
    url.search.length > maxQueryBytes ||
    new Set(keys).size !== keys.length ||
    [...url.searchParams.values()].includes('')
  const early = url.searchParams.get('early_exit')
  return isOdd || (early !== null && (early !== '250' || direction === 'up')) ? '400 Bad Request' : undefined
}

function refuse(socket: Duplex, status: string, headers: string): true {
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`)
  return true
}

function run(test: Test, data: Buffer, exitBytes: number): void {
  const { socket } = test
  const limit = setTimeout(() => socket.terminate(), limitSeconds * 1000)
  const end = setTimeout(() => socket.close(1000, 'Done sending'), testSeconds * 1000)
  const stopTelling = tell(test)
  // A client that has seen enough goes away in the middle: no fault.
  socket.on('error', () => {})
  socket.on('close', () => {
    clearTimeout(limit)
    clearTimeout(end)
    stopTelling()
  })
  if (test.direction === 'down') send(test, data, exitBytes)
  else receive(test)
}

/** Load for a download, as fast as the client takes it and the flow allows. */
function send(test: Test, data: Buffer, exitBytes: number): void {
  const { socket, flow } = test
  let size = firstMessageBytes
  const next = () => {
    if (socket.readyState !== socket.OPEN) return
    if (!flow.mayGoOn()) return socket.terminate()
    if (test.bytes >= exitBytes) return socket.close(1000, 'Done sending')
    test.bytes += size
    const waitMs = flow.take(size)
    // Called back when the message has left for the kernel: no more than one waits here.
    socket.send(data.subarray(0, size), () => (waitMs < 1 ? setImmediate(next) : setTimeout(next, waitMs)))
    if (size < maxMessageBytes && size <= test.bytes / growAt) size *= 2
  }
  // An unexpected binary message ends a download.
  socket.on('message', (_data, isBinary) => {
    if (isBinary) socket.terminate()
  })
  next()
}

/** Counts the load of an upload, no faster than the flow allows. */
function receive(test: Test): void {
  const { socket, flow } = test
  socket.on('message', (message, isBinary) => {
    if (!isBinary) return
    const { length } = message as Buffer
    test.bytes += length
    const waitMs = flow.take(length)
    if (!flow.mayGoOn()) return socket.terminate()
    if (waitMs < 1) return
    socket.pause()
    setTimeout(() => socket.resume(), waitMs)
  })
}

/** Sends measurements until the function it returns is called. */
function tell(test: Test): () => void {
  let timer: NodeJS.Timeout
  const say = () => {
    const { socket } = test
    if (socket.readyState === socket.OPEN && socket.bufferedAmount < maxBufferedBytes)
      socket.send(JSON.stringify(measurementOf(test)))
    plan()
  }
  const plan = () => {
    const gap = -Math.log(1 - Math.random()) * measurement.meanMs
    timer = setTimeout(say, Math.min(measurement.maxMs, Math.max(measurement.minMs, gap)))
  }
  plan()
  return () => clearTimeout(timer)
}

function measurementOf({ request, direction, begun, bytes, uuid }: Test): object {
  const { socket } = request
  const endpoint = (address = '', port = 0) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)
  return {
    AppInfo: { ElapsedTime: Math.round((performance.now() - begun) * 1000), NumBytes: bytes },
    ConnectionInfo: {
      Client: endpoint(plainAddress(socket.remoteAddress), socket.remotePort),
      Server: endpoint(plainAddress(socket.localAddress), socket.localPort),
      UUID: uuid,
    },
    Origin: 'server',
    Test: direction === 'down' ? 'download' : 'upload',
  }
}
