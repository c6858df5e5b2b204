/**
 * Runs one job at its interval. Slots are aligned to wall time and shifted by an offset of the job's own (hashed from
 * agent and job), so that a restart keeps the phase and 400 schools never fire together. Waiting is done on the
 * monotonic clock: a step of the wall clock moves the next slot, it cannot make a burst.
 */
import { createHash } from 'node:crypto'
import { type Failure, failures, type Sample } from '../core/catalog.ts'
import { AppError, messageOf } from '../core/errors.ts'
import type { LinkLock } from './link-lock.ts'
import { type Job, type ProbeContext, runProbe } from './probe.ts'
import { isFree, nextSlot } from './slots.ts'

export type JobLoopDeps = {
  agent: string
  context: Omit<ProbeContext, 'signal'>
  onSamples: (samples: Sample[], job: Job) => void
  lock: LinkLock
}
export type JobLoop = {
  job: Job
  /** `soon`: within seconds, then in phase. */
  start: (first: 'soon' | 'in phase') => void
  /** Takes other slots; a run that is under way goes on. */
  reschedule: (slots: Job['slots']) => void
  /** `change`: keys of the configuration that are different for this run, where the probe has them. */
  runNow: (change?: Readonly<Record<string, unknown>>) => 'started' | 'running'
  stop: () => Promise<void>
}

/** A newcomer wants to see data at once; latency first, what loads the link after it. */
const firstRunWithinMs = 3000
/** A sleeping timer does not see a step of the wall clock: look again this often. */
const longestSleepMs = 60_000
/** Runs have deadlines, so nobody holds the link this long unless a probe ignores its own. */
const longestLinkWaitMs = 600_000
/** A clock that is set back meets its slots again: not so soon. */
const longestQuietMs = 3_600_000
/** A continuous probe whose run was shorter waits for the rest: never a busy loop. */
const shortestCycleMs = 1000

/** `due` by the schedule, or `asked` for by a person or a first start: that one also runs in a lesson. */
type Why = 'due' | 'asked'

export function createJobLoop(job: Job, deps: JobLoopDeps): JobLoop {
  return new Loop(job, deps)
}

class Loop implements JobLoop {
  job: Job
  readonly #deps: JobLoopDeps
  readonly #hash: number
  readonly #controller = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #lastFire = Number.NEGATIVE_INFINITY
  #run: Promise<void> | undefined
  #skipSaid = false
  #failure: Failure = 'none'

  constructor(job: Job, deps: JobLoopDeps) {
    this.job = job
    this.#deps = deps
    this.#hash = hashOf(`${deps.agent}/${job.id}`)
  }

  start(first: 'soon' | 'in phase'): void {
    if (first === 'in phase') return this.#armSlot()
    const later = this.job.probe.link === 'exclusive' ? firstRunWithinMs : 0
    this.#arm((this.#hash % firstRunWithinMs) + later, 'asked')
  }

  /** A timer for an old slot may still be set: it asks again whether the moment is free. */
  reschedule(slots: Job['slots']): void {
    const { slots: _, ...job } = this.job
    this.job = slots === undefined ? job : { ...job, slots }
  }

  runNow(change: Readonly<Record<string, unknown>> = {}): 'started' | 'running' {
    if (this.#run !== undefined) return 'running'
    this.#fire('asked', changed(this.job, change))
    return 'started'
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#controller.abort(new AppError('aborted', `Job ${this.job.id} was stopped.`))
    await this.#run
  }

  #arm(waitMs: number, why: Why): void {
    clearTimeout(this.#timer)
    if (!this.#controller.signal.aborted) this.#timer = setTimeout(() => this.#fire(why), waitMs)
  }

  /** Sleeps towards the next slot, in steps, so that a changed wall clock is noticed. */
  #armSlot(): void {
    clearTimeout(this.#timer)
    if (this.#controller.signal.aborted) return
    const waitMs = this.#untilSlot()
    // Never a step that could end just behind the slot and miss it.
    if (waitMs < 2 * longestSleepMs) this.#arm(waitMs, 'due')
    else this.#timer = setTimeout(() => this.#armSlot(), longestSleepMs)
  }

  /** Milliseconds to the next slot that keeps a distance from the last fire. */
  #untilSlot(): number {
    const { slots, timeoutSeconds, intervalSeconds } = this.job
    const intervalMs = intervalSeconds * 1000
    if (slots !== undefined) {
      const now = this.#deps.context.now()
      const quietMs = Math.max(0, this.#lastFire + Math.min(intervalMs / 4, longestQuietMs) - performance.now())
      return (nextSlot(slots, now + quietMs, this.#hash, timeoutSeconds) ?? Number.POSITIVE_INFINITY) - now
    }
    const pause = Math.max(0, this.#lastFire + intervalMs / 2 - performance.now())
    const intoSlot = modulo(this.#deps.context.now() + pause - (this.#hash % intervalMs), intervalMs)
    return pause + intervalMs - intoSlot
  }

  #fire(why: Why, job = this.job): void {
    const { continuous = false } = job.probe
    // The clock was set, or the calendar changed, since the timer was.
    if (why === 'due' && !this.#isFree()) return this.#armSlot()
    this.#lastFire = performance.now()
    if (this.#run === undefined) this.#begin(why, job)
    else this.#skip('The run before it is not over.')
    // A continuous one is armed when its run has ended.
    if (!continuous) this.#armSlot()
  }

  #isFree(): boolean {
    const { slots, timeoutSeconds } = this.job
    return slots === undefined || isFree(slots, this.#deps.context.now(), timeoutSeconds)
  }

  #begin(why: Why, job: Job): void {
    const started = performance.now()
    this.#skipSaid = false
    this.#run = this.#execute(why, job).then((failure) => {
      this.#run = undefined
      if (!this.job.probe.continuous) return
      if (failure === 'none') this.#arm(Math.max(0, started + shortestCycleMs - performance.now()), 'due')
      else this.#armSlot()
    })
  }

  /** Waits for the link, runs, hands on. Never throws. */
  async #execute(why: Why, job: Job): Promise<Failure> {
    const { context, lock } = this.#deps
    const { signal } = this.#controller
    let release: () => void
    try {
      release = await lock.acquire(job.probe.link, AbortSignal.any([signal, AbortSignal.timeout(longestLinkWaitMs)]))
    } catch (error) {
      if (!signal.aborted) this.#skip(messageOf(error))
      return 'skipped'
    }
    if (why === 'due' && !this.#isFree()) {
      release()
      this.#skip('The link was busy until a lesson was too near.')
      return 'skipped'
    }
    let failure: Failure = 'none'
    const samples = await runProbe(job, { ...context, signal }, (how, reason) => {
      failure = how
      this.#say(how, reason)
    })
    release()
    if (!signal.aborted) this.#deliver(samples)
    return failure
  }

  /** Said once for a run that is in the way, however many slots it covers. */
  #skip(reason: string): void {
    if (this.#skipSaid) return
    this.#skipSaid = true
    this.#say('skipped', reason)
    const fields = { up: 0, duration_seconds: 0, failure: failures.skipped }
    this.#deliver([{ measurement: 'probe', time: this.#deps.context.now(), tags: { probe: this.job.id }, fields }])
  }

  #say(failure: Failure, reason: string): void {
    if (failure === this.#failure) return
    this.#failure = failure
    const { log } = this.#deps.context
    if (failure === 'none') log.info({ probe: this.job.id }, 'A probe works again.')
    else log.warn({ probe: this.job.id, failure, reason }, 'A probe does not work.')
  }

  #deliver(samples: Sample[]): void {
    try {
      this.#deps.onSamples(samples, this.job)
    } catch (error) {
      const facts = { probe: this.job.id, samples: samples.length, reason: messageOf(error) }
      this.#deps.context.log.error(facts, 'Samples could not be taken in and are lost.')
    }
  }
}

function changed(job: Job, change: Readonly<Record<string, unknown>>): Job {
  const config = job.probe.config.safeParse({ ...(job.config as object), ...change })
  return config.success ? { ...job, config: config.data } : job
}

/** The same for the same text on every machine and at every start; spread evenly. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE()
}

/** Not negative, unlike `%`. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
