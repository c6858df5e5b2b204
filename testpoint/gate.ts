/** What every transfer passes: its lease or the rate left for those without, and the byte budgets of its client and of all. */
import type { Direction } from '../core/standard.ts'
import type { Admission } from './admission.ts'
import { createPacer } from './pacer.ts'

export type Flow = {
  /** Counts payload that was sent or received; tells how many ms to wait before the next. */
  take: (bytes: number) => number
  /** False once its budget is used up or its lease is over. */
  mayGoOn: () => boolean
}
export type Refusal = { status: 429 | 503; retryAfterSeconds: number; reason: string }
export type Gate = {
  open: (client: string, direction: Direction, leaseId: string | null) => Flow | Refusal
  /** Why a client gets nothing more today. */
  exhausted: (client: string) => Refusal | undefined
  totals: { sentBytes: number; receivedBytes: number }
}
export type GateOptions = {
  capacityBps: number
  /** What transfers without a lease get: what leases leave over, at least a small share, or nothing. */
  unadmitted: 'limit' | 'refuse'
  /** Bytes a day, both ways together; undefined is without limit. */
  dailyBytes?: number | undefined
  dailyClientBytes?: number | undefined
  admission: Admission
  /** Seconds on a monotonic clock. */
  now: () => number
}

const daySeconds = 86_400
/** So that a browser can still test while agents hold all of it. */
const leastUnadmittedRatio = 0.05
const maxClients = 10_000
const refusedRetrySeconds = 10

export function createGate(options: GateOptions): Gate {
  const { capacityBps, admission, unadmitted, now } = options
  const totals = { sentBytes: 0, receivedBytes: 0 }
  const budget = createBudget(options)
  const left = (direction: Direction) => () =>
    Math.max(capacityBps - admission.leasedBps(direction), leastUnadmittedRatio * capacityBps)
  const shared = { down: createPacer(left('down')), up: createPacer(left('up')) }

  return {
    totals,
    exhausted: (client) => budget.exhausted(client),
    open(client, direction, leaseId) {
      const lease = admission.find(leaseId)
      if (lease === undefined && (leaseId !== null || unadmitted === 'refuse')) {
        return { status: 503, retryAfterSeconds: refusedRetrySeconds, reason: 'a lease is needed' }
      }
      const refusal = budget.exhausted(client)
      if (refusal !== undefined) return refusal
      const pacer = lease?.pacer ?? shared[direction]
      return {
        mayGoOn: () => budget.exhausted(client) === undefined && (lease === undefined || lease.expires > now()),
        take(bytes) {
          const key = direction === 'down' ? 'sentBytes' : 'receivedBytes'
          totals[key] += bytes
          if (lease !== undefined) lease[key] += bytes
          budget.count(client, bytes)
          return pacer.take(bytes)
        },
      }
    },
  }
}

/** Bytes of the day since the start, of each client and of all. */
function createBudget({
  dailyBytes = Number.POSITIVE_INFINITY,
  dailyClientBytes = Number.POSITIVE_INFINITY,
  now,
}: GateOptions) {
  let begun = now()
  let all = 0
  const clients = new Map<string, number>()
  const renew = () => {
    if (now() - begun < daySeconds && clients.size < maxClients) return
    // With more clients than are remembered all begin anew; the sum of the day still holds.
    if (now() - begun >= daySeconds) {
      begun = now()
      all = 0
    }
    clients.clear()
  }
  return {
    exhausted(client: string): Refusal | undefined {
      renew()
      const used = all >= dailyBytes || (clients.get(client) ?? 0) >= dailyClientBytes
      const retryAfterSeconds = Math.max(1, Math.ceil(begun + daySeconds - now()))
      return used ? { status: 429, retryAfterSeconds, reason: 'the bytes of today are used up' } : undefined
    },
    count(client: string, bytes: number): void {
      all += bytes
      clients.set(client, (clients.get(client) ?? 0) + bytes)
    },
  }
}
