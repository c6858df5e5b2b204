/**
 * The LibreSpeed protocol over HTTP: `/garbage` sends, `/empty` swallows and answers, `/getIP` tells the caller's address.
 * Every path also with prefix `/backend` and suffix `.php`, as the web clients of both servers use them.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Direction } from '../core/standard.ts'
import { hasBody, refuseBody } from './body.ts'
import { plainAddress } from './config.ts'
import type { Flow, Gate } from './gate.ts'

/** Size of a LibreSpeed chunk; `ckSize` counts them. */
const chunkBytes = 1_048_576
const defaultChunks = 4
const maxChunks = 1024
/** Written at a time: large enough to be cheap, small enough for a pacer of milliseconds. */
const writeBytes = 128 * 1024
/** What Node reads from a socket at a time, and how long a socket that had less is left alone. */
const readBytes = 64 * 1024
const minRestMs = 3
/** A request for telemetry is answered and forgotten; above this it is cut off. */
const maxTelemetryBytes = 64 * 1024

const noCache = {
  'Cache-Control': 'no-store, no-cache, must-revalidate, max-age=0, s-maxage=0, post-check=0, pre-check=0',
  Pragma: 'no-cache',
}
const downloadHeaders = {
  'Content-Type': 'application/octet-stream',
  'Content-Description': 'File Transfer',
  'Content-Disposition': 'attachment; filename=random.dat',
  'Content-Transfer-Encoding': 'binary',
}

export type LibreSpeed = {
  /** Answers a request of the protocol; false when the path is none of its. */
  handle: (request: IncomingMessage, response: ServerResponse) => boolean
  completedUploads: () => number
}
type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void

/** Answers the LibreSpeed endpoints. The random data is made once: making it anew would cost more than sending it. */
export function createLibreSpeed({ gate }: { gate: Gate }): LibreSpeed {
  const data = randomBytes(chunkBytes)
  let completedUploads = 0

  const garbage: Handler = (request, response, query) => {
    if (refuseBody(request, response)) return
    const flow = openFlow(gate, request, response, 'down', query)
    if (flow === undefined) return
    const size = chunksOf(query.get('ckSize')) * chunkBytes
    response.writeHead(200, { ...downloadHeaders, ...noCache, ...cors(query), 'Content-Length': size })
    if (request.method === 'HEAD') response.end()
    else send(response, data, size, flow)
  }
  const empty: Handler = (request, response, query) => {
    const isUpload = request.method === 'POST' || hasBody(request)
    const flow = isUpload ? openFlow(gate, request, response, 'up', query) : undefined
    if (isUpload && flow === undefined) return
    drain(request, flow)
    request.on('end', () => {
      if (flow !== undefined) completedUploads += 1
      response.writeHead(200, { ...noCache, ...cors(query), Connection: 'keep-alive', 'Content-Length': 0 }).end()
    })
  }
  const getip: Handler = (request, response, query) => {
    if (refuseBody(request, response)) return
    const body = JSON.stringify({ processedString: plainAddress(request.socket.remoteAddress), rawIspInfo: '' })
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', ...noCache, ...cors(query) }).end(body)
  }
  const telemetry: Handler = (request, response, query) => {
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxTelemetryBytes) request.destroy()
    })
    request.on('end', () => response.writeHead(200, { ...noCache, ...cors(query) }).end('id 0'))
  }
  const handlers: Record<string, Handler> = { garbage, empty, getip, 'results/telemetry': telemetry }

  return {
    completedUploads: () => completedUploads,
    handle(request, response) {
      const url = URL.parse(request.url ?? '/', 'http://testpoint')
      const name = /^(?:\/backend)?\/(garbage|empty|getip|results\/telemetry)(?:\.php)?$/i.exec(
        url?.pathname ?? '',
      )?.[1]
      const handler = handlers[name?.toLowerCase() ?? '']
      if (url === null || handler === undefined) return false
      if (request.method === 'OPTIONS') {
        if (!refuseBody(request, response)) response.writeHead(204, cors(new URLSearchParams('cors=true'))).end()
      } else {
        handler(request, response, url.searchParams)
      }
      return true
    },
  }
}

/** The flow of a transfer, or an answer that says why there is none and when to come back. */
function openFlow(
  gate: Gate,
  request: IncomingMessage,
  response: ServerResponse,
  direction: Direction,
  query: URLSearchParams,
): Flow | undefined {
  const flow = gate.open(plainAddress(request.socket.remoteAddress), direction, query.get('lease'))
  if ('take' in flow) return flow
  // The body of a refused upload is not worth reading: answer and close.
  const headers = { 'Retry-After': flow.retryAfterSeconds, Connection: 'close', ...noCache, ...cors(query) }
  response.writeHead(flow.status, headers).end(flow.reason)
  return undefined
}

/**
 * Swallows a body, no faster than its flow allows. A read that was not full took all that had come: resting a moment
 * lets more come, where the next packet alone would wake the process again.
 */
function drain(request: IncomingMessage, flow: Flow | undefined): void {
  request.on('data', (chunk: Buffer) => {
    const waitMs = flow?.take(chunk.length) ?? 0
    if (flow?.mayGoOn() === false) request.destroy()
    const restMs = chunk.length < readBytes ? Math.max(waitMs, minRestMs) : waitMs
    if (restMs < 1) return
    request.pause()
    setTimeout(() => request.resume(), restMs)
  })
}

function chunksOf(text: string | null): number {
  const chunks = Number(text)
  return Number.isInteger(chunks) && chunks > 0 ? Math.min(chunks, maxChunks) : defaultChunks
}

function cors(query: URLSearchParams): Record<string, string> {
  if (!query.has('cors')) return {}
  return {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, POST',
    'Access-Control-Allow-Headers': 'Content-Encoding, Content-Type',
  }
}

/** Sends `size` bytes, no faster than the client takes them and the flow allows. An abort in the middle is normal. */
function send(response: ServerResponse, data: Buffer, size: number, flow: Flow): void {
  let left = size
  const more = () => {
    while (left > 0 && !response.destroyed) {
      if (!flow.mayGoOn()) return void response.destroy()
      const from = (size - left) % data.length
      const chunk = data.subarray(from, from + Math.min(writeBytes, left))
      left -= chunk.length
      const waitMs = flow.take(chunk.length)
      const flushed = response.write(chunk)
      const next = waitMs < 1 ? more : () => void setTimeout(more, waitMs)
      if (!flushed) return void response.once('drain', next)
      if (waitMs >= 1) return next()
    }
    response.end()
  }
  more()
}
