import type { Cause, Method, Outcome, Trigger } from '../../core/catalog.ts'
import type { Log } from '../../core/log.ts'
import type { Direction } from '../../core/standard.ts'
import type { Exec } from '../probe.ts'
import type { Account } from './budget.ts'
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
