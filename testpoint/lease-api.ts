/**
 * Leases over HTTP. `POST /linkbell/v1/lease` asks for one (201, or 503 with Retry-After and a ticket), `GET …/lease/ID`
 * tells what has passed under it, on the testpoint's own clock, `DELETE …/lease/ID` gives a lease or a ticket back.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { waitedSeconds } from '../core/run-queue.ts'
import { directions } from '../core/standard.ts'
import type { Admission } from './admission.ts'
import { refuseBody } from './body.ts'
import { plainAddress } from './config.ts'
import type { Gate } from './gate.ts'

const path = '/linkbell/v1/lease'
const maxBodyBytes = 4096
/** At it, one piece of a transfer (128 KiB) takes 11 s; much below, it would outlast its lease. */
const minRateBps = 100_000

const requestSchema = z.object({
  direction: z.enum(directions),
  rate_bps: z.number().min(minRateBps),
  seconds: z.number().positive(),
  ticket: z.string().max(64).optional(),
})

export type LeaseApi = { handle: (request: IncomingMessage, response: ServerResponse) => boolean }

export function createLeaseApi({
  admission,
  gate,
  now,
}: {
  admission: Admission
  gate: Gate
  now: () => number
}): LeaseApi {
  const grant = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parsed = requestSchema.safeParse(await readJson(request))
    if (!parsed.success) return answer(response, 400, { error: 'invalid', reason: z.prettifyError(parsed.error) })
    const client = plainAddress(request.socket.remoteAddress)
    const refusal = gate.exhausted(client)
    if (refusal !== undefined)
      return answer(response, refusal.status, { error: 'exhausted', reason: refusal.reason }, refusal.retryAfterSeconds)
    const { direction, rate_bps, seconds, ticket } = parsed.data
    const result = admission.request({ client, direction, rateBps: rate_bps, seconds, ticket })
    if ('lease' in result)
      return answer(response, 201, { lease: result.lease.id, seconds: result.lease.expires - now() })
    if ('impossible' in result) return answer(response, 409, { error: 'impossible', reason: result.impossible })
    answer(
      response,
      503,
      { error: 'busy', ticket: result.ticket, retry_after_seconds: result.retryAfterSeconds },
      result.retryAfterSeconds,
    )
  }
  const one = (request: IncomingMessage, response: ServerResponse, id: string): void => {
    const lease = admission.find(id)
    if (request.method === 'DELETE') admission.release(id)
    if (lease === undefined) return answer(response, 404, { error: 'no_lease' })
    answer(response, 200, {
      seconds: now(),
      waited_seconds: waitedSeconds(),
      sent_bytes: lease.sentBytes,
      received_bytes: lease.receivedBytes,
    })
  }
  return {
    handle(request, response) {
      const { pathname } = URL.parse(request.url ?? '/', 'http://testpoint') ?? { pathname: '' }
      if (request.method === 'POST' && pathname === path) {
        grant(request, response).catch(() => response.destroy())
        return true
      }
      if (!pathname.startsWith(`${path}/`) || (request.method !== 'GET' && request.method !== 'DELETE')) return false
      if (!refuseBody(request, response)) drained(() => one(request, response, pathname.slice(path.length + 1)))
      return true
    },
  }
}

/** Calls back when what had arrived on all connections is read: only then do the counted bytes belong to the time told. */
function drained(call: () => void): void {
  // The first turn reads what was there, the second what came during that.
  setImmediate(() => setImmediate(call))
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxBodyBytes) return undefined
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString())
  } catch {
    return undefined
  }
}

function answer(response: ServerResponse, status: number, body: object, retryAfterSeconds?: number): void {
  const retry = retryAfterSeconds === undefined ? {} : { 'Retry-After': Math.ceil(retryAfterSeconds) }
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...retry })
    .end(JSON.stringify(body))
}
