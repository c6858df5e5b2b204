/** One bandwidth measurement: for each direction, load the link until the verdict is sure, and say what it rests on. */
import type { Cause, Method, Outcome, Trigger } from '../../core/catalog.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Direction } from '../../core/standard.ts'
import { createCounterReader, type CounterReader, difference } from '../counters.ts'
import { readInterface } from '../interfaces.ts'
import type { Exec } from '../probe.ts'
import { type BandwidthConfig, byteCapOf } from './config.ts'
import { type Endpoint, interfaceOf, openEndpoint, roundTrips } from './endpoint.ts'
import { load, type Loaded, type Progress } from './load.ts'
import { median } from './statistics.ts'
import { framingOf } from './wire.ts'

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
}

export type MeasureContext = {
  signal: AbortSignal
  log: Log
  exec: Exec
  /** Milliseconds since 1970. */
  now: () => number
  onProgress?: (progress: Progress) => void
}

const idleRoundTrips = 5
/** Spreads the idle round trips, so that the counter beside them sees other traffic for a third of a second. */
const idleGapMs = 60

/** Tests every target of `config`. Throws `testpoint_failed` when no testpoint can be used, `aborted` by its signal. */
export async function measureBandwidth(config: BandwidthConfig, context: MeasureContext): Promise<BandwidthResult[]> {
  const results: BandwidthResult[] = []
  for (const target of config.targets) results.push(await measureDirection(config, target, context))
  return results
}

async function measureDirection(
  config: BandwidthConfig,
  target: BandwidthConfig['targets'][number],
  context: MeasureContext,
): Promise<BandwidthResult> {
  const failures: AppError[] = []
  for (const testpoint of config.testpoints.toSorted((a, b) => a.priority - b.priority)) {
    try {
      const endpoint = await openEndpoint(testpoint, context.signal)
      const result = await measureAgainst(endpoint, config, target, context)
      if (result.cause !== 'testpoint_failed' || testpoint === config.testpoints.at(-1)) return result
    } catch (error) {
      if (context.signal.aborted) throw new AppError('aborted', 'The bandwidth test was stopped.', { cause: error })
      if (!isAppError(error, 'testpoint_failed')) throw error
      failures.push(error)
    }
  }
  throw noneLeft(failures)
}

function noneLeft(failures: readonly AppError[]): AppError {
  const [only, another] = failures
  if (only !== undefined && another === undefined) return only
  return new AppError('testpoint_failed', `No testpoint could be used: ${failures.map((f) => f.message).join(' ')}`, {
    cause: only,
  })
}

async function measureAgainst(
  endpoint: Endpoint,
  config: BandwidthConfig,
  { direction, target_bps: targetBps }: BandwidthConfig['targets'][number],
  context: MeasureContext,
): Promise<BandwidthResult> {
  const device = endpoint.self ? interfaceOf('127.0.0.1') : (config.interface ?? endpoint.interface)
  const reader = device === undefined ? undefined : createCounterReader(device)
  try {
    await reader?.ready
    const framing = framingOf(device, endpoint.address)
    const idle = await lookAtIdle(endpoint, reader, context.signal)
    const idleBps = idle.passed === undefined ? 0 : framing.bitsOf(idle.passed, direction) / idle.passed.seconds
    const time = context.now()
    const thresholdBps = targetBps * config.threshold_ratio
    const rttIdleSeconds = median(idle.rtts)
    const loaded = await load({
      endpoint,
      direction,
      reader,
      framing,
      idleBps,
      targetBps,
      streams: config.streams,
      maxBytes: byteCapOf(config, targetBps),
      rule: {
        thresholdBps,
        confidence: config.confidence_ratio,
        toleranceRatio: config.tolerance_ratio,
        maxSeconds: config.max_seconds,
        rttSeconds: rttIdleSeconds ?? 0,
      },
      signal: context.signal,
      onProgress: context.onProgress,
    })
    if (context.signal.aborted) throw new AppError('aborted', 'The bandwidth test was stopped.')
    context.log.debug({ direction, testpoint: endpoint.id, ...loaded }, 'A bandwidth test ended.')
    const verdict = verdictOf(loaded, endpoint)
    const rate = config.interface_rate_bps ?? (device === undefined ? undefined : readInterface(device).rateBps)
    return {
      time,
      direction,
      targetBps,
      thresholdBps,
      rttIdleSeconds,
      link: config.link,
      testpoint: endpoint.id,
      trigger: config.trigger,
      streams: config.streams,
      lossRatio: null,
      interfaceRateBps: endpoint.self ? null : (rate ?? null),
      ...verdict,
      linkRateBps: loaded.linkRateBps,
      atLeast: verdict.outcome === 'met',
      goodputBps: loaded.goodputBps,
      otherBps: loaded.otherBps,
      marginRatio: loaded.estimate.marginRatio,
      transferredBytes: loaded.transferredBytes,
      durationSeconds: loaded.durationSeconds,
      rttLoadedSeconds: loaded.rttLoadedSeconds,
      cpuRatio: loaded.cpuRatio,
    }
  } finally {
    reader?.close()
  }
}

/** Round trips on the idle line, and what passed over its interface meanwhile. */
async function lookAtIdle(endpoint: Endpoint, reader: CounterReader | undefined, signal: AbortSignal) {
  const before = reader?.read()
  const rtts = await roundTrips(endpoint, { count: idleRoundTrips, signal, gapMs: idleGapMs })
  const after = reader?.read()
  return { rtts, passed: before === undefined || after === undefined ? undefined : difference(before, after) }
}

function verdictOf(
  { estimate, ended, method }: Loaded,
  endpoint: Endpoint,
): { outcome: Outcome; cause: Cause; method: Method } {
  // Against this very host there is no link to judge, however fast it was.
  if (endpoint.self) return { outcome: 'inconclusive', cause: 'none', method: 'self_test' }
  if (estimate.decision === 'met' || estimate.decision === 'below')
    return { outcome: estimate.decision, cause: 'none', method }
  return { outcome: 'inconclusive', cause: estimate.decision === 'marginal' ? 'marginal' : ended, method }
}
