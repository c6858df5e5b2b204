/**
 * Who may test now: leases for a rate and a time, which together never exceed what the testpoint can carry. Whoever
 * comes when it is full gets a ticket and a time to ask again; tickets are served in their order.
 */
import { randomBytes } from 'node:crypto'
import type { Direction } from '../core/standard.ts'
import { createPacer, type Pacer } from './pacer.ts'

export type LeaseRequest = {
  client: string
  direction: Direction
  rateBps: number
  seconds: number
  ticket?: string | undefined
}

export type Lease = {
  id: string
  client: string
  /** As the client sees it: `down` is what the testpoint sends. */
  direction: Direction
  rateBps: number
  /** On the clock of the admission, in seconds. */
  expires: number
  pacer: Pacer
  sentBytes: number
  receivedBytes: number
}

/** Without a ticket for whom there is no place in the queue either. */
export type Answer = { lease: Lease } | { retryAfterSeconds: number; ticket?: string } | { impossible: string }

export type Admission = {
  request: (request: LeaseRequest) => Answer
  /** The lease of that id while it lasts. */
  find: (id: string | null) => Lease | undefined
  /** Ends a lease or gives back a ticket. */
  release: (id: string) => void
  /** Rate of all leases of a direction. */
  leasedBps: (direction: Direction) => number
  leases: () => number
  waiting: () => number
}

type Ticket = { id: string; client: string; direction: Direction; due: number }

/** A client that does not come back this long after it was due has given up. */
const ticketGraceSeconds = 5
/** A ticket blocks those behind it only when it is due this soon: who sleeps long does not keep the line idle. */
const blockingSeconds = 2
const maxRetrySeconds = 30
/** Longer queues are turned away: their wait would be longer than any agent's patience. */
const maxTickets = 1000
/** Far more tests at a time than one machine can carry; every question looks through them all. */
const maxLeases = 256
const maxLeaseSeconds = 60
/** For who may not even wait: often enough to get a place, too seldom to be a burden. */
const turnedAwaySeconds = 10

export type AdmissionOptions = {
  capacityBps: number
  /** Leases of one address at a time, and as many tickets. */
  maxClientLeases: number
  /** Seconds on a monotonic clock. */
  now: () => number
}

export function createAdmission({ capacityBps, maxClientLeases, now }: AdmissionOptions): Admission {
  const leases = new Map<string, Lease>()
  const tickets: Ticket[] = []

  const expire = () => {
    const time = now()
    for (const lease of leases.values()) if (lease.expires <= time) leases.delete(lease.id)
    for (const ticket of tickets.filter((each) => each.due + ticketGraceSeconds < time)) drop(ticket)
  }
  const drop = (ticket: Ticket) => tickets.splice(tickets.indexOf(ticket), 1)
  const leasedBps = (direction: Direction) =>
    leases.values().reduce((sum, lease) => sum + (lease.direction === direction ? lease.rateBps : 0), 0)

  const isFull = (held: Iterable<{ client: string }>, client: string) => {
    let count = 0
    for (const each of held) if (each.client === client) count += 1
    return count >= maxClientLeases
  }

  const grant = ({ client, direction, rateBps, seconds }: LeaseRequest): Answer => {
    const lease: Lease = {
      id: randomBytes(12).toString('hex'),
      client,
      direction,
      rateBps,
      expires: now() + Math.min(seconds, maxLeaseSeconds),
      pacer: createPacer(() => rateBps),
      sentBytes: 0,
      receivedBytes: 0,
    }
    leases.set(lease.id, lease)
    return { lease }
  }
  const wait = ({ client, direction }: LeaseRequest, known: Ticket | undefined): Answer => {
    if (known === undefined && (tickets.length >= maxTickets || isFull(tickets, client)))
      return { retryAfterSeconds: turnedAwaySeconds }
    const ticket = known ?? { id: randomBytes(12).toString('hex'), client, direction, due: 0 }
    if (known === undefined) tickets.push(ticket)
    const ahead = tickets.filter((each) => each.direction === direction).indexOf(ticket)
    // Most tests end long before their lease: one second for each ahead is early enough and still bounded.
    const retryAfterSeconds = Math.min(1 + ahead, maxRetrySeconds)
    ticket.due = now() + retryAfterSeconds
    return { retryAfterSeconds, ticket: ticket.id }
  }

  return {
    request(request) {
      expire()
      const { client, direction, rateBps } = request
      if (rateBps > capacityBps) return { impossible: `it carries ${capacityBps} bit/s` }
      const known = tickets.find((ticket) => ticket.id === request.ticket && ticket.direction === direction)
      const queue = tickets.filter((ticket) => ticket.direction === direction)
      const ahead = known === undefined ? queue : queue.slice(0, queue.indexOf(known))
      // Who waits for a lease of its own address keeps nobody else waiting.
      const blocked = ahead.some(
        (ticket) => ticket.due - now() <= blockingSeconds && !isFull(leases.values(), ticket.client),
      )
      const isAboveLimits = leases.size >= maxLeases || isFull(leases.values(), client)
      if (blocked || isAboveLimits || leasedBps(direction) + rateBps > capacityBps) return wait(request, known)
      if (known !== undefined) drop(known)
      return grant(request)
    },
    find(id) {
      expire()
      return id === null ? undefined : leases.get(id)
    },
    release(id) {
      leases.delete(id)
      const ticket = tickets.find((each) => each.id === id)
      if (ticket !== undefined) drop(ticket)
    },
    leasedBps(direction) {
      expire()
      return leasedBps(direction)
    },
    leases: () => leases.size,
    waiting: () => tickets.length,
  }
}
