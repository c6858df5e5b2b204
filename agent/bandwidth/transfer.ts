/**
 * The load on the link, whatever the protocol. Caps and deadline are checked where bytes move, never only in a timer: a
 * starved event loop runs no timers, and one test once sent fourteen times what it should have.
 */
import { AppError, messageOf } from '../../core/errors.ts'
import { pause } from '../pause.ts'
import type { Mark } from './curve.ts'

export type Transfer = {
  /** Payload that certainly passed: received up to now, or acknowledged by the server. Final as far as it goes. */
  marks: () => readonly Mark[]
  /** Payload that was received or handed to the network, acknowledged or not; null when only the interface shows it. */
  usedBytes: () => number | null
  /** Share of the received bytes that had waited in full buffers for this process. */
  backlogRatio: () => number
  /** Settles when the transfer ended: by `stop`, cap, deadline, or all its streams failing (the reason, else undefined). */
  done: Promise<AppError | undefined>
  stop: () => void
}

export type TransferOptions = {
  streams: number
  maxBytes: number
  /** On the monotonic clock, as `now()` tells it. */
  deadlineSeconds: number
  signal: AbortSignal
  /** Upload: bytes that may be in flight together. */
  inFlightBytes: number
  /** Payload rate that all streams together keep to; without it, as fast as the line goes. */
  paceBps?: number | undefined
  /** Upload to our own testpoint beside others: on its way is no more than passes in this time. */
  standingSeconds?: (() => number) | undefined
  leaseId?: string | undefined
}

export type Work = Pick<Transfer, 'marks' | 'usedBytes'> & {
  backlogRatio?: () => number
  mayGoOn: () => boolean
  /** One request of a stream; rejects when the testpoint did not do its part. */
  step: (stream: number, signal: AbortSignal) => Promise<void>
  /** Ends all connections at once. */
  end?: () => void
}

/** A stream that fails this often in a row is given up. */
const maxFailures = 3

/** Seconds on a clock that no one sets. */
export function now(): number {
  return performance.now() / 1000
}

/** Repeats `step` on every stream until something ends it. `name` is the testpoint's, for the reason of a failure. */
export function runTransfer(name: string, { streams, signal }: TransferOptions, work: Work): Transfer {
  const { mayGoOn, step, end, marks, usedBytes, backlogRatio = () => 0 } = work
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const stream = async (index: number): Promise<unknown> => {
    let failures = 0
    while (!either.aborted && mayGoOn()) {
      try {
        await step(index, either)
        failures = 0
      } catch (error) {
        if (either.aborted) return undefined
        failures += 1
        if (failures >= maxFailures) return error
      }
    }
    return undefined
  }
  const done = Promise.all(Array.from({ length: streams }, (_, index) => stream(index))).then((errors) => {
    stop.abort()
    end?.()
    // A server may well refuse the last of many streams; only a test that lost all of them has failed.
    if (errors.includes(undefined)) return undefined
    const [cause] = errors
    return new AppError('testpoint_failed', `${name} failed in the middle of a test: ${messageOf(cause)}.`, { cause })
  })
  const abort = () => {
    end?.()
    stop.abort()
  }
  return { marks, usedBytes, backlogRatio, done, stop: abort }
}

export type Budget = {
  startedBytes: () => number
  mayStart: () => boolean
  /** Counts a request and waits until it may start. */
  start: (signal: AbortSignal) => Promise<void>
}

/** Gives out the right to start a request of `size` bytes: within the cap, before the deadline, at the pace. */
export function createBudget(options: TransferOptions, size: number): Budget {
  const { maxBytes, deadlineSeconds, paceBps, streams } = options
  const begun = now()
  let started = 0
  return {
    startedBytes: () => started,
    mayStart: () => started + size <= maxBytes && now() < deadlineSeconds,
    async start(signal) {
      const ahead = started - (streams - 1) * size
      started += size
      if (paceBps === undefined) return
      const waitMs = (begun + (ahead * 8) / paceBps - now()) * 1000
      if (waitMs > 0) await pause(waitMs, signal)
    },
  }
}

/** A timer that was late may be made up for by so much. */
const lateSeconds = 0.05

/**
 * Holds what is received to a pace by not reading it: the windows of TCP do the rest. For `bytes` that came it tells for
 * how many milliseconds no more is wanted; without a pace, never.
 */
export function createBrake(paceBps: number | undefined): (bytes: number) => number {
  let dueSeconds = 0
  return (bytes) => {
    if (paceBps === undefined) return 0
    dueSeconds = Math.max(dueSeconds, now() - lateSeconds) + (bytes * 8) / paceBps
    return (dueSeconds - now()) * 1000
  }
}
