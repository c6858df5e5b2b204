/**
 * The LibreSpeed protocol over HTTP: `/garbage` sends, `/empty` swallows and answers, `/getIP` tells the caller's address.
 * Every path also with prefix `/backend` and suffix `.php`, as the web clients of both servers use them.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { plainAddress } from './config.ts'

/** Size of a LibreSpeed chunk; `ckSize` counts them. */
const chunkBytes = 1_048_576
const defaultChunks = 4
const maxChunks = 1024
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

export type Transferred = { sentBytes: number; receivedBytes: number; completedUploads: number }

export type LibreSpeed = {
  /** Answers a request of the protocol; false when the path is none of its. */
  handle: (request: IncomingMessage, response: ServerResponse) => boolean
  totals: Transferred
}

/** Answers the LibreSpeed endpoints. The random data is made once: making it anew would cost more than sending it. */
export function createLibreSpeed(): LibreSpeed {
  const data = randomBytes(chunkBytes)
  const totals: Transferred = { sentBytes: 0, receivedBytes: 0, completedUploads: 0 }

  const handlers: Record<string, (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void> =
    {
      garbage: (request, response, query) => {
        const size = chunksOf(query.get('ckSize')) * chunkBytes
        response.writeHead(200, { ...downloadHeaders, ...noCache, ...cors(query), 'Content-Length': size })
        if (request.method === 'HEAD') return void response.end()
        send(response, data, size, (bytes) => (totals.sentBytes += bytes))
      },
      empty: (request, response, query) => {
        request.on('data', (chunk: Buffer) => (totals.receivedBytes += chunk.length))
        request.on('end', () => {
          if (request.method === 'POST') totals.completedUploads += 1
          response.writeHead(200, { ...noCache, ...cors(query), Connection: 'keep-alive', 'Content-Length': 0 }).end()
        })
      },
      getip: (request, response, query) => {
        const body = JSON.stringify({ processedString: plainAddress(request.socket.remoteAddress), rawIspInfo: '' })
        response
          .writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', ...noCache, ...cors(query) })
          .end(body)
      },
      'results/telemetry': (request, response, query) => {
        let size = 0
        request.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > maxTelemetryBytes) request.destroy()
        })
        request.on('end', () => response.writeHead(200, { ...noCache, ...cors(query) }).end('id 0'))
      },
    }

  return {
    totals,
    handle(request, response) {
      const url = URL.parse(request.url ?? '/', 'http://testpoint')
      const name = /^(?:\/backend)?\/(garbage|empty|getip|results\/telemetry)(?:\.php)?$/i.exec(
        url?.pathname ?? '',
      )?.[1]
      const handler = handlers[name?.toLowerCase() ?? '']
      if (url === null || handler === undefined) return false
      if (request.method === 'OPTIONS') {
        request.resume()
        response.writeHead(204, cors(new URLSearchParams('cors=true'))).end()
      } else {
        if (handler === handlers['garbage'] || handler === handlers['getip']) request.resume()
        handler(request, response, url.searchParams)
      }
      return true
    },
  }
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

/** Sends `size` bytes, a chunk at a time and only as fast as the client takes them. An abort in the middle is normal. */
function send(response: ServerResponse, data: Buffer, size: number, count: (bytes: number) => void): void {
  let left = size
  const more = () => {
    while (left > 0 && !response.destroyed) {
      const chunk = left >= data.length ? data : data.subarray(0, left)
      left -= chunk.length
      count(chunk.length)
      if (!response.write(chunk)) return
    }
    response.end()
  }
  response.on('drain', more)
  more()
}
