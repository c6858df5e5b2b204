/** What a testpoint says of itself on `GET /`, as JSON. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { refuseBody } from './body.ts'
import type { TestpointConfig } from './config.ts'

export type Now = {
  reflectorPort: number | undefined
  leases: number
  waiting: number
  /** Rates of all leases, each way. */
  leasedBps: { down: number; up: number }
}

/** Answers `GET /`, and anything unknown with 404. */
export function answerRest(request: IncomingMessage, response: ServerResponse, describe: () => object): void {
  if (refuseBody(request, response)) return
  const isRoot = request.url === '/' && (request.method === 'GET' || request.method === 'HEAD')
  const body = JSON.stringify(isRoot ? describe() : { error: 'not_found' })
  response.writeHead(isRoot ? 200 : 404, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(body)
}

export function describeTestpoint({ capacity_bps }: TestpointConfig, version: string, now: Now): object {
  return {
    name: 'linkbell-testpoint',
    version,
    protocols: ['librespeed', 'ndt7', 'stamp', 'lease'],
    capacity_bps,
    reflector_port: now.reflectorPort,
    congestion_control: congestionControl(),
    leases: now.leases,
    leased_down_bps: now.leasedBps.down,
    leased_up_bps: now.leasedBps.up,
    waiting: now.waiting,
  }
}

/** The congestion control of new connections; null where the kernel does not say. Node cannot choose one, only tell. */
function congestionControl(): string | null {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
  } catch {
    return null
  }
}
