/** One write request, and what its answer means. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { HttpError, InfluxDB } from '@influxdata/influxdb-client'
import { isLoopback } from '../../core/address.ts'
import { messageOf } from '../../core/errors.ts'
import { shorten } from './http.ts'

export type Answer =
  | { kind: 'stored' }
  /** Some of these lines can never be stored; all others were. */
  | { kind: 'refused'; reason: string }
  | { kind: 'too_large'; reason: string }
  /** Nothing is known to be stored. */
  | { kind: 'later'; reason: string; afterMs?: number }

export type SenderOptions = {
  url: string
  /** Of the write endpoint, with its parameters. */
  path: string
  headers: Record<string, string>
  timeoutMs: number
}
export type Sender = { send: (lines: string) => Promise<Answer>; close: () => void }

/** Requests under way at once. */
export const maxRequests = 3
/** Across a network lines take a tenth with gzip; on this host it is work for nothing (reference: 1.5 times the CPU). */
const gzipAboveBytes = 1000

export function createSender({ url, path, headers, timeoutMs }: SenderOptions): Sender {
  const { protocol, hostname, pathname, origin } = new URL(url)
  const settings = { keepAlive: true, maxSockets: maxRequests }
  const agent = protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings)
  const client = new InfluxDB({ url: origin, timeout: timeoutMs, transportOptions: { agent } })
  const gzipThreshold = isLoopback(hostname.replace(/^\[|\]$/g, '')) ? Number.MAX_SAFE_INTEGER : gzipAboveBytes
  const full = `${pathname.replace(/\/$/, '')}${path}`
  return {
    send: async (lines) => {
      const options = { method: 'POST', headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } }
      try {
        // The signal as well as the socket's timeout: it closes the connection, which would keep its place for ever.
        const signal = AbortSignal.timeout(timeoutMs)
        await client.transport.request(full, lines, { ...options, gzipThreshold, signal })
        return { kind: 'stored' }
      } catch (error) {
        return meaningOf(error, timeoutMs)
      }
    },
    close: () => agent.destroy(),
  }
}

/**
 * What InfluxDB says when lines themselves are at fault. `partial write` alone is no sign of it: 1.6 answers so, with 400,
 * when its disk is full or it has too many series, which a person can cure.
 */
const aboutLines = /field type conflict|unable to parse|beyond retention policy|max key length|time outside range/i

function meaningOf(error: unknown, timeoutMs: number): Answer {
  if (!(error instanceof HttpError)) return { kind: 'later', reason: reasonOf(error, timeoutMs) }
  const { statusCode: status } = error
  const said = shorten(error.body ?? '')
  if (status === 413) return { kind: 'too_large', reason: said }
  // Only an answer that speaks of lines condemns them: a proxy on the way says 400 as well.
  if ((status === 400 || status === 422) && aboutLines.test(said)) return { kind: 'refused', reason: said }
  const afterMs = error.retryAfter()
  return {
    kind: 'later',
    reason: `it answers ${status}: ${said}${cureOf(status, said)}`,
    ...(afterMs > 0 ? { afterMs } : {}),
  }
}

function cureOf(status: number, said: string): string {
  if (status === 401 || status === 403) return '; check username, password or token of the store'
  // InfluxDB 1.6 keeps the error of its log file, and repeats it with an empty disk (measured).
  return /no space left/.test(said) ? '; free space there, and restart the server if it still says so' : ''
}

function reasonOf(error: unknown, timeoutMs: number): string {
  const name = error instanceof Error ? error.name : ''
  const isTimeout = /Abort|Timeout|TimedOut/.test(name)
  return isTimeout ? `it did not answer within ${timeoutMs / 1000} s` : `it cannot be reached (${messageOf(error)})`
}
