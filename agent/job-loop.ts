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
  runNow: () => 'started' | 'running'
  stop: () => Promise<void>
}

/** A newcomer wants to see data at once; latency first, what loads the link after it. */
const firstRunWithinMs = 3000
/** A sleeping timer does not see a step of the wall clock: look again this often. */
const longestSleepMs = 60_000
/** Runs have deadlines, so nobody holds the link this long unless a probe ignores its own. */
const longestLinkWaitMs = 600_000
/** A continuous probe whose run was shorter waits for the rest: never a busy loop. */
const shortestCycleMs = 1000

export function createJobLoop(job: Job, deps: JobLoopDeps): JobLoop {
  return new Loop(job, deps)
}

class Loop implements JobLoop {
  readonly job: Job
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
    this.#arm((this.#hash % firstRunWithinMs) + (this.job.probe.link === 'exclusive' ? firstRunWithinMs : 0))
  }

  runNow(): 'started' | 'running' {
    if (this.#run !== undefined) return 'running'
    this.#fire()
    return 'started'
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#controller.abort(new AppError('aborted', `Job ${this.job.id} was stopped.`))
    await this.#run
  }

  #arm(waitMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#controller.signal.aborted) this.#timer = setTimeout(() => this.#fire(), waitMs)
  }

  /** Sleeps towards the next slot, in steps, so that a changed wall clock is noticed. */
  #armSlot(): void {
    clearTimeout(this.#timer)
    if (this.#controller.signal.aborted) return
    const waitMs = this.#untilSlot()
    // Never a step that could end just behind the slot and miss it.
    if (waitMs < 2 * longestSleepMs) this.#arm(waitMs)
    else this.#timer = setTimeout(() => this.#armSlot(), longestSleepMs)
  }

  /** Milliseconds to the next slot that keeps half an interval from the last fire. */
  #untilSlot(): number {
    const intervalMs = this.job.intervalSeconds * 1000
    const pause = Math.max(0, this.#lastFire + intervalMs / 2 - performance.now())
    const intoSlot = modulo(this.#deps.context.now() + pause - (this.#hash % intervalMs), intervalMs)
    return pause + intervalMs - intoSlot
  }

  #fire(): void {
    const { continuous = false } = this.job.probe
    this.#lastFire = performance.now()
    if (this.#run === undefined) this.#begin()
    else this.#skip('The run before it is not over.')
    // A continuous one is armed when its run has ended.
    if (!continuous) this.#armSlot()
  }

  #begin(): void {
    const started = performance.now()
    this.#skipSaid = false
    this.#run = this.#execute().then((failure) => {
      this.#run = undefined
      if (!this.job.probe.continuous) return
      if (failure === 'none') this.#arm(Math.max(0, started + shortestCycleMs - performance.now()))
      else this.#armSlot()
    })
  }

  /** Waits for the link, runs, hands on. Never throws. */
  async #execute(): Promise<Failure> {
    const { context, lock } = this.#deps
    const { signal } = this.#controller
    let release: () => void
    try {
      release = await lock.acquire(
        this.job.probe.link,
        AbortSignal.any([signal, AbortSignal.timeout(longestLinkWaitMs)]),
      )
    } catch (error) {
      if (!signal.aborted) this.#skip(messageOf(error))
      return 'skipped'
    }
    let failure: Failure = 'none'
    const samples = await runProbe(this.job, { ...context, signal }, (how, reason) => {
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

/** The same for the same text on every machine and at every start; spread evenly. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE()
}

/** Not negative, unlike `%`. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
