/** Leases of our own testpoint (testpoint/lease-api.ts): asked for before a test, so that tests never share its line unawares. */
import { AppError, messageOf } from '../../core/errors.ts'
import { pause } from '../pause.ts'
import { createAgent, exchange, type Exchange, type Peer } from './http.ts'
import type { Lease, LeaseWish } from './session.ts'
import { now } from './transfer.ts'

const leasePath = '/linkbell/v1/lease'
const answerTimeoutMs = 10_000
const defaultRetrySeconds = 5

/** Asks until admitted. Throws `testpoint_busy` when that takes too long, `testpoint_failed` when it can never be. */
export async function admit(peer: Peer & { id: string }, wish: LeaseWish): Promise<Lease> {
  const { direction, rateBps, seconds, maxWaitSeconds, signal } = wish
  const agent = createAgent(peer.url, 1)
  const until = now() + maxWaitSeconds
  const ask = (method: 'POST' | 'DELETE', path: string, body?: object) =>
    exchange(peer, {
      method,
      path,
      agent,
      contentType: 'application/json',
      ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
    })
  // What is not given back ends by itself: nothing is lost but some of the others' time.
  const giveBack = (id: string) =>
    ask('DELETE', `${leasePath}/${id}`).then(
      () => agent.destroy(),
      () => agent.destroy(),
    )
  let ticket: unknown
  for (;;) {
    const answer = await ask('POST', leasePath, { direction, rate_bps: rateBps, seconds, ticket })
    const body = parse(answer.body)
    if (answer.status === 201 && typeof body['lease'] === 'string') {
      const id = body['lease']
      return { id, release: () => giveBack(id) }
    }
    ticket = body['ticket']
    const retrySeconds = answer.retryAfterSeconds > 0 ? answer.retryAfterSeconds : defaultRetrySeconds
    // Whoever is told to come after the end of its patience asks once more at its end.
    const waitSeconds = Math.min(retrySeconds, until - now())
    const reason = typeof body['reason'] === 'string' ? body['reason'] : `it answered ${answer.status}`
    if (answer.status !== 503) {
      agent.destroy()
      throw new AppError(
        'testpoint_busy',
        `Testpoint ${peer.id} (${peer.url.origin}) does not admit a test of ${rateBps} bit/s: ${reason}.`,
      )
    }
    if (waitSeconds <= 0) {
      await giveBack(String(ticket))
      throw new AppError(
        'testpoint_busy',
        `Testpoint ${peer.id} (${peer.url.origin}) is busy; it was asked for ${maxWaitSeconds} s.`,
      )
    }
    await pause(waitSeconds * 1000, signal)
    signal.throwIfAborted()
  }
}

export type LeaseProgress = {
  /** On the testpoint's own clock. */
  seconds: number
  receivedBytes: number
  /** Time that the testpoint has waited for a core since it began; null where it cannot tell. */
  waitedSeconds: number | null
}

/** What has passed under a lease, on the testpoint's own clock. */
export async function readProgress(
  peer: Peer,
  leaseId: string,
  { agent, signal }: Pick<Exchange, 'agent' | 'signal'>,
): Promise<LeaseProgress> {
  const answer = await exchange(peer, { path: `${leasePath}/${leaseId}`, agent, signal })
  const { seconds, received_bytes: receivedBytes, waited_seconds: waited } = parse(answer.body)
  if (typeof seconds !== 'number' || typeof receivedBytes !== 'number') {
    throw new AppError('testpoint_failed', `The testpoint answered ${answer.status} when asked how far a test is.`)
  }
  return { seconds, receivedBytes, waitedSeconds: typeof waited === 'number' ? waited : null }
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    return { reason: `its answer is no JSON: ${messageOf(error)}` }
  }
}
