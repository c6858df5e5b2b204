/** The other end of a bandwidth measurement: one HTTP server for all protocols that ride on HTTP. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { AppError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { createAdmission } from './admission.ts'
import { createAddressFilter, plainAddress, type TestpointConfig } from './config.ts'
import { createGate } from './gate.ts'
import { createLeaseApi } from './lease-api.ts'
import { createLibreSpeed } from './librespeed.ts'
import { createReflector, type Reflector } from './reflector.ts'

/** Packets a second that one address gets back: ten path probes at once, and no use for a flood. */
const maxReflectedRate = 500

export type TestpointDeps = { config: TestpointConfig; version: string; log: Log }

export type Transferred = { sentBytes: number; receivedBytes: number; completedUploads: number }

export type Testpoint = {
  /** Listens; resolves to its address, with the port that was taken when the configured one is 0. */
  start: () => Promise<{ host: string; port: number; url: string }>
  /** Closes every connection, also those in the middle of a transfer. */
  stop: () => Promise<void>
  /** What was carried since the start. */
  totals: () => Readonly<Transferred>
}

/** A testpoint; does nothing until `start()`. Throws `port_in_use` or `io` from there. */
export function createTestpoint({ config, version, log }: TestpointDeps): Testpoint {
  const now = () => performance.now() / 1000
  const admission = createAdmission({ capacityBps: config.capacity_bps, now })
  const gate = createGate({
    capacityBps: config.capacity_bps,
    unadmitted: config.unadmitted,
    dailyBytes: config.daily_bytes,
    dailyClientBytes: config.daily_client_bytes,
    admission,
    now,
  })
  const handlers = [createLibreSpeed({ gate }), createLeaseApi({ admission, gate, now })] as const
  const allowed = createAddressFilter(config.allowed_ranges)
  const connections = createConnectionLimits(config, allowed, log)
  let reflector: { port: number; stop: Reflector['stop'] } | undefined

  const server = createServer({ keepAliveTimeout: config.idle_timeout_seconds * 1000 }, (request, response) => {
    const deadline = setTimeout(() => request.socket.destroy(), config.max_transfer_seconds * 1000)
    response.on('close', () => clearTimeout(deadline))
    // A client that has seen enough goes away in the middle of a body: reset and broken pipe are no faults here.
    request.on('error', () => {})
    response.on('error', () => {})
    if (handlers.some((handler) => handler.handle(request, response))) return
    request.resume()
    answerRest(request, response, () => ({
      ...description(config, version),
      reflector_port: reflector?.port,
      leases: admission.leases(),
      waiting: admission.waiting(),
    }))
  })
  server.timeout = config.idle_timeout_seconds * 1000
  server.headersTimeout = config.idle_timeout_seconds * 1000
  server.requestTimeout = config.max_transfer_seconds * 1000
  server.maxConnections = config.max_connections
  server.on('connection', connections.admit)
  server.on('clientError', (_error, socket) => socket.destroy())

  return {
    async start() {
      await listen(server, config.listen)
      const { address, family, port } = server.address() as AddressInfo
      const { stop, start } = createReflector({
        host: config.listen.host,
        port: config.reflector_port ?? port,
        allowed,
        maxClientRate: maxReflectedRate,
        now: Date.now,
      })
      try {
        reflector = { port: await start(), stop }
      } catch (error) {
        server.close()
        throw error
      }
      const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
      log.info({ url, allowed_ranges: config.allowed_ranges }, 'Testpoint listens.')
      return { host: address, port, url }
    },
    async stop() {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await Promise.all([closed, reflector?.stop()])
    },
    totals: () => ({ ...gate.totals, completedUploads: handlers[0].completedUploads() }),
  }
}

/** Closes connections from outside the allowed ranges, and those of an address that has too many. */
function createConnectionLimits(config: TestpointConfig, allowed: (address: string) => boolean, log: Log) {
  const open = new Map<string, number>()
  const admit = (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress)
    const count = (open.get(address) ?? 0) + 1
    if (!allowed(address) || count > config.max_client_connections) {
      log.debug({ address, count }, 'A connection was refused.')
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.setNoDelay(true)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
  }
  return { admit }
}

function answerRest(request: IncomingMessage, response: ServerResponse, describe: () => object): void {
  const isRoot = request.url === '/' && (request.method === 'GET' || request.method === 'HEAD')
  const body = JSON.stringify(isRoot ? describe() : { error: 'not_found' })
  response.writeHead(isRoot ? 200 : 404, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(body)
}

function description(config: TestpointConfig, version: string): object {
  return {
    name: 'linkbell-testpoint',
    version,
    protocols: ['librespeed', 'lease'],
    capacity_bps: config.capacity_bps,
    congestion_control: congestionControl(),
  }
}

/** The congestion control of new connections; null where the kernel does not say. Node cannot choose one, only tell. */
export function congestionControl(): string | null {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
  } catch {
    return null
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'port_in_use' : 'io'
      const advice = code === 'port_in_use' ? 'choose another listen.port' : 'check listen.host'
      reject(
        new AppError(code, `The testpoint cannot listen on ${host}:${port} (${error.code}); ${advice}.`, {
          cause: error,
        }),
      )
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
