/** One HTTP request at a time to a host whose address is known already. */
import type { Agent as HttpAgent, IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'

// Not imported, for what comes with that (probes/service/request.ts); https only where it is spoken.
const http = process.getBuiltinModule('node:http')
const https = () => process.getBuiltinModule('node:https')

/** A host resolved once: a test and its address check must not meet two hosts behind one name. */
export type Peer = { url: URL; address: string; port: number }

export type HttpAnswer = {
  status: number
  contentType: string
  retryAfterSeconds: number
  bytes: number
  /** The beginning of the body. */
  body: string
  localAddress: string
}
export type Exchange = {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: Buffer
  contentType?: string
  agent: HttpAgent
  signal: AbortSignal
}

/** No answer that is asked for here is longer; one that does not end is no answer. */
const maxBodyBytes = 64 * 1024
/** Kept of a body for a look at it; the rest is only counted. */
const keptBodyBytes = 4096

/** An agent of its own for each use, so that destroying it ends exactly those connections. */
export function createAgent(url: URL, maxSockets: number): HttpAgent {
  const options = { keepAlive: true, maxSockets, noDelay: true }
  return url.protocol === 'https:' ? new (https().Agent)(options) : new http.Agent(options)
}

/**
 * Ends a connection at once, with what still waits in the kernel: closing it would send that first. Node can do this to
 * TCP only (nodejs/node: resetAndDestroy throws for TLS); one with TLS is closed.
 */
export function cutOff(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}

/** Ends all connections of an agent at once. */
export function resetAll(agent: HttpAgent): void {
  for (const socket of Object.values(agent.sockets).flatMap((list) => list ?? [])) cutOff(socket)
  agent.destroy()
}

/** Name for TLS to ask for and to check; of an address there is none to ask for (RFC 6066). */
export function serverName(url: URL): { servername?: string } {
  const host = hostOf(url)
  return isIP(host) === 0 ? { servername: host } : {}
}

/** Host of a URL; an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** One request, its body counted and dropped. Rejects with whatever the network says, and when the body is too long. */
export function exchange({ url, address, port }: Peer, request: Exchange): Promise<HttpAnswer> {
  const { method = 'GET', path, body, contentType = 'application/octet-stream', agent, signal } = request
  const bodyHeaders = { 'Content-Type': contentType, 'Content-Encoding': 'identity', 'Content-Length': body?.length }
  const headers = { Host: url.host, ...(body === undefined ? {} : bodyHeaders) }
  const options = { host: address, port, path, method, headers, agent, signal, ...serverName(url) }
  return new Promise((resolve, reject) => {
    const { request: send } = url.protocol === 'https:' ? https() : http
    const sent = send(options, (response) => {
      readAnswer(response).then(resolve, reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const localAddress = response.socket.localAddress ?? ''
  const kept: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    response.on('data', (chunk: Buffer) => {
      if (bytes < keptBodyBytes) kept.push(chunk.subarray(0, keptBodyBytes))
      bytes += chunk.length
      if (bytes > maxBodyBytes) response.destroy(new Error(`it answered with more than ${maxBodyBytes} bytes`))
    })
    response.on('error', reject)
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        contentType: response.headers['content-type'] ?? '',
        retryAfterSeconds: Number(response.headers['retry-after'] ?? Number.NaN),
        bytes,
        body: Buffer.concat(kept).toString(),
        localAddress,
      }),
    )
  })
}
