/** Bodies of requests: what uploads are made of, and nothing else. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Whatever the method: a body is announced by one of two headers (RFC 9112 §6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Where no body belongs, one would pass beside leases, pace and budgets: it is left unread, and the connection closed. */
export function refuseBody(request: IncomingMessage, response: ServerResponse): boolean {
  if (!hasBody(request)) return false
  response.writeHead(413, { Connection: 'close' }).end('no body belongs here')
  return true
}
