/** One test of one direction against one testpoint: look at the idle line, ask to be admitted, load it, judge. */
import type { Cause, Method, Outcome } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { Direction } from '../../core/standard.ts'
import { median } from '../../core/statistics.ts'
import { type CounterReader, type Difference, difference } from '../counters.ts'
import { readInterface } from '../interfaces.ts'
import { pause } from '../pause.ts'
import { echo, lossOf } from '../stamp.ts'
import { type BandwidthConfig, byteCapOf, type Target } from './config.ts'
import { leaseRatio, load, type Loaded } from './load.ts'
import { interfaceOf } from './local.ts'
import { pingLoss } from './ping-loss.ts'
import { type BandwidthResult, type MeasureContext, untested } from './result.ts'
import { longestSeconds, openReader } from './reader.ts'
import type { Rule } from './sequential.ts'
import type { Lease, Session } from './session.ts'
import { suspicionOf } from './suspicion.ts'
import { type Framing, framingOf } from './wire.ts'

/** Enough to see 1 % each way nearly always, in little over a second and 22 kB. */
const lossProbes = 250
const lossGapMs = 5
const lossWaitMs = 1000
/** fping's own lower limit for a user that is not root. */
const pingGapMs = 10
const idleRoundTrips = 5
/** Spreads the idle round trips, so that the counter beside them sees other traffic for a third of a second. */
const idleGapMs = 60
/** A lease also covers the look at the idle line before the test, and its end. */
const leaseSlackSeconds = 3

export async function measureAgainst(
  session: Session,
  config: BandwidthConfig,
  target: Target,
  context: MeasureContext,
): Promise<BandwidthResult> {
  const { direction, target_bps: targetBps } = target
  const { signal, log } = context
  // Nothing that passes there could meet the target: not a byte is spent on it.
  if (!session.self && session.capacityBps !== undefined && session.capacityBps < targetBps) {
    const time = context.now()
    return { ...untested(config, target, { cause: 'testpoint_limited', time }), testpoint: session.id }
  }
  const device = session.self ? interfaceOf('127.0.0.1') : (config.interface ?? session.interface)
  const reader = await openReader(config, { device, self: session.self }, context)
  let lease: Lease | undefined
  let reason: string | undefined
  try {
    await reader?.ready
    const lossRatio = await lookAtLoss(session, context)
    if (!session.self) lease = await session.admit(leaseWish(session, config, { direction, targetBps, reader }, signal))
    const framing = framingOf(device, session.address)
    const idle = await lookAtIdle(session, reader, signal)
    const time = context.now()
    const rule = ruleOf(config, { targetBps, reader, rttSeconds: idle.rttSeconds ?? 0 })
    const loaded = await load({
      session,
      direction,
      reader,
      framing,
      targetBps,
      rule,
      signal,
      idleBps: rateOf(idle.passed, direction, framing),
      streams: config.streams,
      maxBytes: byteCapOf(config, targetBps),
      leaseId: lease?.id,
      onProgress: context.onProgress,
      onFailure: (message) => {
        reason = message
        log.info({ direction, testpoint: session.id, reason }, 'A testpoint failed in the middle of a bandwidth test.')
      },
    })
    if (signal.aborted) throw new AppError('aborted', 'The bandwidth test was stopped.')
    log.debug({ direction, testpoint: session.id, ...loaded }, 'A bandwidth test ended.')
    const state = device === undefined || session.self ? undefined : readInterface(device)
    const interfaceRateBps = config.interface_rate_bps ?? state?.rateBps ?? null
    const { thresholdBps } = rule
    const suspicion = suspicionOf({
      loaded,
      targetBps,
      thresholdBps,
      state,
      interfaceRateBps,
      lossRatio,
      capacityBps: session.capacityBps,
      rttIdleSeconds: idle.rttSeconds,
    })
    return {
      ...resultOf(loaded, session, suspicion),
      time,
      direction,
      targetBps,
      thresholdBps,
      lossRatio,
      interfaceRateBps,
      rttIdleSeconds: idle.rttSeconds,
      link: config.link,
      trigger: config.trigger,
      streams: config.streams,
      ...(reason !== undefined && { reason }),
    }
  } finally {
    reader?.close()
    await lease?.release()
  }
}

function ruleOf(
  config: BandwidthConfig,
  { targetBps, reader, rttSeconds }: { targetBps: number; reader: CounterReader | undefined; rttSeconds: number },
): Rule {
  return {
    thresholdBps: targetBps * config.threshold_ratio,
    confidence: config.confidence_ratio,
    toleranceRatio: config.tolerance_ratio,
    maxSeconds: longestSeconds(config.max_seconds, reader),
    rttSeconds,
    timingSeconds: 0,
  }
}

function leaseWish(
  session: Session,
  config: BandwidthConfig,
  { direction, targetBps, reader }: { direction: Direction; targetBps: number; reader: CounterReader | undefined },
  signal: AbortSignal,
) {
  const seconds = longestSeconds(config.max_seconds, reader) + leaseSlackSeconds
  // A testpoint that carries the target, but no more, can still prove it.
  const rateBps = Math.round(Math.min(leaseRatio * targetBps, session.capacityBps ?? Number.POSITIVE_INFINITY))
  return { direction, rateBps, seconds, maxWaitSeconds: config.max_wait_seconds, signal }
}

/** Loss on the line before it is loaded: a saturated shaper always loses, and that is no fault of the path. */
async function lookAtLoss(session: Session, { exec, signal }: MeasureContext): Promise<number | null> {
  if (session.self) return null
  const { address, reflectorPort: port } = session
  if (port !== undefined) {
    const loss = lossOf(await echo({ address, port, count: lossProbes, gapMs: lossGapMs, waitMs: lossWaitMs, signal }))
    // All gone is a reflector that a firewall hides, not a line without a working packet.
    if (loss !== 1) return loss
  }
  return pingLoss(exec, address, { count: lossProbes, gapMs: pingGapMs, waitMs: lossWaitMs, signal })
}

/** Round trips on the idle line, and what passed over its interface meanwhile. */
async function lookAtIdle(session: Session, reader: CounterReader | undefined, signal: AbortSignal) {
  await session.ping(signal)
  const before = reader?.read()
  const rtts: number[] = []
  for (let i = 0; i < idleRoundTrips; i++) {
    rtts.push(await session.ping(signal))
    await pause(idleGapMs, signal)
  }
  const after = reader?.read()
  const passed = before === undefined || after === undefined ? undefined : difference(before, after)
  return { rttSeconds: median(rtts), passed }
}

/** A slow counter has not moved in that time. */
function rateOf(passed: Difference | undefined, direction: Direction, framing: Framing): number {
  return passed === undefined || passed.seconds === 0 ? 0 : framing.bitsOf(passed, direction) / passed.seconds
}

function resultOf(loaded: Loaded, session: Session, suspicion: Cause | undefined) {
  const verdict = verdictOf(loaded, session, suspicion)
  return {
    ...verdict,
    testpoint: session.id,
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
}

function verdictOf(
  { estimate, ended, method }: Loaded,
  session: Session,
  suspicion: Cause | undefined,
): { outcome: Outcome; cause: Cause; method: Method } {
  const isBroken = ended === 'testpoint_failed' || ended === 'counter_lost'
  // Against this very host there is no link to judge, however fast it was; one that moved nothing proves no chain either.
  if (session.self) return { outcome: 'inconclusive', cause: isBroken ? ended : 'none', method: 'self_test' }
  const { decision } = estimate
  if (decision === 'met') return { outcome: 'met', cause: 'none', method }
  // A test that lost its testpoint or its counter accuses no one, whatever it had seen until then.
  if (isBroken) return { outcome: 'inconclusive', cause: ended, method }
  // An agent that hardly gets to run hardly gets a plateau either.
  if (suspicion !== undefined) return { outcome: 'inconclusive', cause: suspicion, method }
  if (decision === 'below') return { outcome: 'below', cause: 'none', method }
  return { outcome: 'inconclusive', cause: ended, method }
}
