/** One channel's way from the queue to its robot: when to send, how often, and what to do when it goes wrong. */
import { setTimeout as sleepFor } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Channel } from './config.ts'
import type { AlertMetrics } from './metrics.ts'
import type { Notifier, Outcome } from './notifiers/notifier.ts'
import type { Outbox, Queued } from './outbox.ts'

export type DeliveryDeps = {
  channel: Channel
  notifier: Notifier
  outbox: Outbox
  now: () => number
  log: Log
  metrics: AlertMetrics
  /** Replaced by tests that do not wait. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

export type Delivery = {
  start: () => void
  /** Lets a message under way arrive, for some seconds. */
  stop: () => Promise<void>
  /** Something new waits. */
  wake: () => void
  /** A sentence, while not everything arrives everywhere. */
  problem: () => string | undefined
}

const minuteMs = 60_000
const firstBackoffMs = 5_000
/** The longest wait between two attempts, also when the other side asks for more. */
const longestBackoffMs = 900_000
/** A collector that was off for two days still tries before it gives a message up. */
const attemptsBeforeGivingUp = 10
/** When the disk does not take what happens. */
const diskRetryMs = 30_000
const idleMs = 3_600_000
const graceMs = 5_000

type Trouble = { kind: keyof typeof sentences; since: number; reason: string }
const sentences = {
  stuck: (channel: string, time: string) => `Alerts do not get through channel ${channel} since ${time}`,
  lost: (channel: string, time: string) => `Alerts for channel ${channel} were given up at ${time}`,
  partly: (channel: string, time: string) => `Alerts of channel ${channel} do not reach everybody since ${time}`,
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  return new ChannelDelivery(deps)
}

class ChannelDelivery implements Delivery {
  readonly #deps: DeliveryDeps
  readonly #sleep: NonNullable<DeliveryDeps['sleep']>
  readonly #stopping = new AbortController()
  /** Cuts a request off. */
  readonly #cutting = new AbortController()
  #running: Promise<void> | undefined
  #resting: AbortController | undefined
  #woken = false
  #arrived: string | undefined
  #trouble: Trouble | undefined

  constructor(deps: DeliveryDeps) {
    this.#deps = deps
    this.#sleep = deps.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal }))
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    const cut = setTimeout(() => this.#cutting.abort(), graceMs)
    await this.#running
    clearTimeout(cut)
  }

  wake(): void {
    this.#woken = true
    this.#resting?.abort()
  }

  problem(): string | undefined {
    if (this.#trouble === undefined) return undefined
    const { kind, since, reason } = this.#trouble
    return `${sentences[kind](this.#name, new Date(since).toISOString())}: ${reason}`
  }

  get #name(): string {
    return this.#deps.channel.name
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#woken = false
      const restMs = await this.#step().catch((error: unknown) => {
        if (!signal.aborted) this.#note('stuck', messageOf(error))
        return diskRetryMs
      })
      if (restMs > 0 && !this.#woken && !signal.aborted) await this.#rest(restMs)
    }
  }

  async #rest(ms: number): Promise<void> {
    this.#resting = new AbortController()
    const signal = AbortSignal.any([this.#resting.signal, this.#stopping.signal])
    await this.#sleep(ms, signal).catch(() => undefined)
    this.#resting = undefined
  }

  /** Does what is due, if anything; the time until something may be. */
  async #step(): Promise<number> {
    const { outbox, now } = this.#deps
    const at = now()
    const message = outbox.current(this.#name)
    if (message !== undefined && message.id === this.#arrived) {
      outbox.finish(this.#name)
      return 0
    }
    if (message !== undefined) {
      const restMs = Math.max(remaining(message.nextAt - at, longestBackoffMs), this.#paceMs(at))
      if (restMs > 0) return restMs
      await this.#deliver(message)
      return 0
    }
    const waiting = outbox.waiting(this.#name)
    if (waiting.count === 0) return idleMs
    const restMs = Math.max(this.#groupMs(waiting.oldest, at), this.#paceMs(at))
    if (restMs > 0) return restMs
    outbox.freeze(this.#name, at)
    return 0
  }

  /** Until the group is complete, and the last message is long enough ago. */
  #groupMs(oldest: number, at: number): number {
    const { outbox, channel } = this.#deps
    const groupMs = channel.group_seconds * 1_000
    const intervalMs = channel.interval_seconds * 1_000
    const last = outbox.attempts(this.#name, at - intervalMs, at).at(-1) ?? at - intervalMs
    return Math.max(remaining(oldest + groupMs - at, groupMs), last + intervalMs - at)
  }

  /** Until an attempt more is within the limit of the robot, which counts failed ones, too. */
  #paceMs(at: number): number {
    const { outbox, channel } = this.#deps
    const recent = outbox.attempts(this.#name, at - minuteMs, at)
    const earliest = recent.at(-channel.max_per_minute)
    return earliest === undefined ? 0 : earliest + minuteMs - at
  }

  async #deliver(message: Queued): Promise<void> {
    const { outbox, notifier, now } = this.#deps
    outbox.attempt(this.#name, now())
    const outcome = await notifier.send(message, this.#cutting.signal)
    this.#settle(message, outcome)
  }

  #settle(message: Queued, outcome: Outcome): void {
    const { outbox, metrics, now, channel, log } = this.#deps
    const facts = { channel: this.#name, message: message.id, notices: message.notices.length }
    metrics.attempted(this.#name, outcome.kind)
    if (outcome.kind === 'delivered') {
      // Known here also when the disk does not take it: what arrived is not sent again.
      this.#arrived = message.id
      outbox.finish(this.#name)
      log.debug(facts, 'Alerts delivered.')
      if (outcome.partly !== undefined) return this.#note('partly', outcome.partly)
      if (this.#trouble !== undefined) log.info({ channel: this.#name }, 'Alerts get through again.')
      this.#trouble = undefined
      return
    }
    const { reason } = outcome
    const attempts = message.attempts + 1
    const tooOld = now() - message.at > channel.give_up_seconds * 1_000 && attempts >= attemptsBeforeGivingUp
    if (outcome.kind === 'refused' || tooOld) {
      outbox.finish(this.#name)
      metrics.lost(this.#name, outcome.kind === 'refused' ? 'refused' : 'given_up', message.notices.length)
      const titles = message.notices.slice(0, 10).map(({ id }) => id)
      log.error({ ...facts, reason, attempts, first: titles }, 'Alerts were not delivered and are given up.')
      this.#trouble = { kind: 'lost', since: now(), reason }
      return
    }
    this.#note('stuck', reason)
    outbox.postpone(this.#name, now() + backoffMs(attempts, outcome.afterSeconds))
  }

  /** Said when it begins, and when the reason changes. */
  #note(kind: 'stuck' | 'partly', reason: string): void {
    const { log, now } = this.#deps
    const before = this.#trouble
    this.#trouble = { kind, since: before?.kind === kind ? before.since : now(), reason }
    if (before?.kind === kind && before.reason === reason) return
    const says = { stuck: 'Alerts do not get through; trying again.', partly: 'Alerts do not reach everybody.' }
    log.warn({ channel: this.#name, reason }, says[kind])
  }
}

/** A wait that is longer than any can be comes from a clock that was set back: it is over. */
function remaining(ms: number, longestMs: number): number {
  return ms > longestMs ? 0 : ms
}

/** Doubled with each attempt, and spread a little: many channels of one provider must not come back as one. */
function backoffMs(attempts: number, afterSeconds = 0): number {
  const doubled = firstBackoffMs * 2 ** Math.min(attempts - 1, 20) * (0.8 + Math.random() * 0.4)
  return Math.min(longestBackoffMs, Math.max(doubled, afterSeconds * 1_000))
}
