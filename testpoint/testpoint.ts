/** The other end of a bandwidth or path measurement: one port for all that rides on HTTP, and a UDP reflector beside it. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { answerRest, describeTestpoint } from './about.ts'
import { createAdmission } from './admission.ts'
import { createAddressFilter, type TestpointConfig } from './config.ts'
import { createConnectionLimits } from './connections.ts'
import { createGate } from './gate.ts'
import { createLeaseApi } from './lease-api.ts'
import { createLibreSpeed } from './librespeed.ts'
import { createNdt7 } from './ndt7.ts'
import { createReflector, type Reflector } from './reflector.ts'

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
  const allowed = createAddressFilter(config.allowed_ranges)
  const admission = createAdmission({
    capacityBps: config.capacity_bps,
    maxClientLeases: config.max_client_leases,
    now,
  })
  const gate = createGate({
    capacityBps: config.capacity_bps,
    unadmitted: config.unadmitted,
    dailyBytes: config.daily_bytes,
    dailyClientBytes: config.daily_client_bytes,
    admission,
    now,
  })
  const libreSpeed = createLibreSpeed({ gate })
  const leaseApi = createLeaseApi({ admission, gate, now })
  const ndt7 = createNdt7({ gate })
  let reflector: { port: number; stop: Reflector['stop'] } | undefined

  const server = createHttpServer(config, (request, response) => {
    if (libreSpeed.handle(request, response) || leaseApi.handle(request, response)) return
    answerRest(request, response, () =>
      describeTestpoint(config, version, {
        reflectorPort: reflector?.port,
        leases: admission.leases(),
        waiting: admission.waiting(),
        leasedBps: { down: admission.leasedBps('down'), up: admission.leasedBps('up') },
      }),
    )
  })
  server.on('upgrade', (request, socket, head) => {
    if (!ndt7.upgrade(request, socket, head)) socket.destroy()
  })
  server.on('connection', createConnectionLimits({ allowed, maxClientConnections: config.max_client_connections, log }))

  return {
    async start() {
      await listen(server, config.listen)
      const { address, family, port } = server.address() as AddressInfo
      const { host } = config.listen
      const { start, stop } = createReflector({
        host,
        allowed,
        port: config.reflector_port ?? port,
        maxClientRate: config.max_client_packets_per_second,
        maxRate: config.max_packets_per_second,
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
      ndt7.stop()
      server.closeAllConnections()
      await Promise.all([closed, reflector?.stop()])
    },
    totals: () => ({ ...gate.totals, completedUploads: libreSpeed.completedUploads() }),
  }
}

/** An HTTP server on which silence and length of a request are bounded. */
function createHttpServer(config: TestpointConfig, answer: RequestListener): Server {
  const idleMs = config.idle_timeout_seconds * 1000
  const transferMs = config.max_transfer_seconds * 1000
  const server = createServer({ keepAliveTimeout: idleMs }, (request, response) => {
    const deadline = setTimeout(() => request.socket.destroy(), transferMs)
    response.on('close', () => clearTimeout(deadline))
    // A client that has seen enough goes away in the middle of a body: reset and broken pipe are no faults here.
    request.on('error', () => {})
    response.on('error', () => {})
    answer(request, response)
  })
  server.timeout = idleMs
  server.headersTimeout = idleMs
  server.requestTimeout = transferMs
  server.maxConnections = config.max_connections
  server.on('clientError', (_error, socket) => socket.destroy())
  return server
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE'
      const advice = isTaken ? 'choose another listen.port' : 'check listen.host'
      const message = `The testpoint cannot listen on ${host}:${port} (${error.code}); ${advice}.`
      reject(new AppError(isTaken ? 'port_in_use' : 'io', message, { cause: error }))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
