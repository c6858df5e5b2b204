import type { Cause, Method, Outcome, Trigger } from '../../core/catalog.ts'
import { isAppError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Direction } from '../../core/standard.ts'
import type { Exec } from '../probe.ts'
import type { Account } from './budget.ts'
import type { BandwidthConfig, Target } from './config.ts'
import type { Progress } from './load.ts'

/** The result of one direction; the fields of the catalog's `bandwidth`, in words where the catalog has codes. */
export type BandwidthResult = {
  /** Milliseconds since 1970 when the transfer began. */
  time: number
  link: string
  direction: Direction
  testpoint: string
  outcome: Outcome
  cause: Cause
  method: Method
  trigger: Trigger
  targetBps: number
  thresholdBps: number
  linkRateBps: number | null
  /** The line was stopped as soon as it was good enough: it may carry more. */
  atLeast: boolean
  goodputBps: number | null
  otherBps: number | null
  marginRatio: number | null
  transferredBytes: number
  durationSeconds: number
  rttIdleSeconds: number | null
  rttLoadedSeconds: number | null
  lossRatio: number | null
  interfaceRateBps: number | null
  cpuRatio: number
  streams: number
  /** What the testpoint did, where that ended the test. */
  reason?: string
  /** Bytes that tests of the link have used this month, this one included; absent for a self-test. */
  month?: Account
}

export type MeasureContext = {
  signal: AbortSignal
  log: Log
  exec: Exec
  /** Milliseconds since 1970. */
  now: () => number
  onProgress?: (progress: Progress) => void
}

/** What kept a direction from being tested; undefined for what a measurement ends with. */
export function causeOfFailure(error: unknown): Cause | undefined {
  if (isAppError(error, 'testpoint_failed') || isAppError(error, 'testpoint_busy')) return 'testpoint_failed'
  // The interface is gone: before the test (agent/interfaces.ts) or while its counters were read (agent/counters.ts).
  const isAboutCounters = isAppError(error, 'probe_failed') || isAppError(error, 'io')
  if (isAboutCounters && 'interface' in error.facts) return 'counter_lost'
  // Or the bytes of the month are (budget.ts).
  return isAppError(error, 'probe_failed') ? 'byte_cap' : undefined
}

/** The result of a direction that could not be tested at all: no rate, no verdict, and why. */
export function untested(
  config: BandwidthConfig,
  { direction, target_bps: targetBps }: Target,
  { cause, time }: { cause: Cause; time: number },
): BandwidthResult {
  const [first] = config.testpoints.toSorted((a, b) => a.priority - b.priority)
  return {
    time,
    direction,
    targetBps,
    cause,
    link: config.link,
    testpoint: first?.id ?? '',
    outcome: 'inconclusive',
    // As any test has it that has no counter.
    method: 'goodput',
    trigger: config.trigger,
    thresholdBps: targetBps * config.threshold_ratio,
    linkRateBps: null,
    atLeast: false,
    goodputBps: null,
    otherBps: null,
    marginRatio: null,
    transferredBytes: 0,
    durationSeconds: 0,
    rttIdleSeconds: null,
    rttLoadedSeconds: null,
    lossRatio: null,
    interfaceRateBps: null,
    cpuRatio: 0,
    streams: config.streams,
  }
}
