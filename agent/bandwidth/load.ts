/** Loads the link in one direction and watches it until the stopping rule, a cap, or the testpoint ends it. */
import type { Cause, Method } from '../../core/catalog.ts'
import type { Direction } from '../../core/standard.ts'
import { median } from '../../core/statistics.ts'
import type { CounterReader } from '../counters.ts'
import { pause } from '../pause.ts'
import { decide, type Judged, maxEmptyShare, reasonOf } from './decide.ts'
import { createObserver, type Observer } from './observer.ts'
import { judge, type Rule } from './sequential.ts'
import type { Session, TestpointStrain } from './session.ts'
import { statedRate } from './stated-rate.ts'
import { createStanding, type RoundTrip, type Standing } from './standing.ts'
import { type Strain, watchStrain } from './strain.ts'
import { now, type Transfer } from './transfer.ts'
import type { Framing } from './wire.ts'

export type Progress = {
  direction: Direction
  seconds: number
  /** Rate of the plateau so far. */
  rateBps: number
  targetBps: number
  usedBytes: number
}

export type LoadOptions = {
  session: Session
  direction: Direction
  reader: CounterReader | undefined
  framing: Framing
  /** Traffic of others just before. */
  idleBps: number
  targetBps: number
  streams: number
  maxBytes: number
  leaseId: string | undefined
  rule: Rule
  signal: AbortSignal
  onProgress?: ((progress: Progress) => void) | undefined
  /** Told what a testpoint did that failed in the middle. */
  onFailure?: ((message: string) => void) | undefined
}

export type Loaded = {
  estimate: Judged
  thresholdBps: number
  /** Why it ended without a decision. */
  ended: Cause
  method: Method
  linkRateBps: number | null
  goodputBps: number | null
  otherBps: number | null
  retransmitRatio: number
  transferredBytes: number
  durationSeconds: number
  rttLoadedSeconds: number | null
  /** A queue was seen to stand on the line throughout: whatever limited the test, it was not this process. */
  queueStood: boolean
  /** Share of the download that had waited for this process in full buffers. */
  backlogRatio: number
} & Strain &
  TestpointStrain

/** A test asks for this much more than the target: enough to fill a line of 105 %, no more than a verdict needs. */
export const leaseRatio = 1.15

const tickMs = 50
/** No byte for this long: the testpoint or the line is gone, and waiting for the deadline would tell nothing new. */
const stallSeconds = 2
const pauseSeconds = 0.25
/** A self-test proves the chain; this much of it is enough. */
const selfTestSeconds = 1.5
const selfTestRatio = 1.1
const selfTestStreams = 2
/** Share of the byte cap from which on it was that which ended a test: headers and the tail are part of it. */
const capReachedRatio = 0.7
/** Until enough round trips under load are known, and at least. */
const defaultTimingSeconds = 0.05
const minTimingSeconds = 0.01
const minSpreadRtts = 10
/**
 * Uploads in flight together, in seconds at the target: enough for any queue on the way and for a process that is
 * scheduled late. Less where only whole answered requests count: smaller ones show more.
 */
const inFlightSeconds = { counted: 0.3, answered: 0.13 }
const inFlightRoundTrips = 4
/** Others on the line, from this share of the target on. */
const sharedRatio = 0.02
/** Longest upload beside others whose meaning stays open. */
const maxSharedSeconds = 6
/** Queue of an ordinary gateway, which arrives after a download was stopped. */
const tailSeconds = 0.05
/** What a stream that is held back here has been sent all the same: the window that Linux begins with. */
const windowBytes = 64 * 1024

export async function load(options: LoadOptions): Promise<Loaded> {
  const { session, direction, rule, signal, targetBps } = options
  const strain = watchStrain()
  const begun = now()
  const isYielding = isShared(options)
  const standing = createStanding(rule.rttSeconds)
  const transfer = start(options, begun, isYielding ? standing : undefined)
  const rtts: RoundTrip[] = []
  const observer = createObserver({ ...options, transfer, roundTrips: rtts, isYielding })
  const over = new AbortController()
  const pings = pingAll(
    options,
    AbortSignal.any([signal, over.signal]),
    () => direction === 'up' && observer.tick(),
    rtts,
  )

  // Acknowledgements are late by what they wait in queues, some more than others; counters of the interface are not.
  const ruleNow = (): Rule => {
    if (direction === 'down') return rule
    const late = rtts.filter(({ at }) => at >= estimate.plateauFrom).map(({ seconds }) => seconds)
    return { ...rule, timingSeconds: spreadOf(late) }
  }
  let estimate: Judged = judge([], rule)
  const emptyShare = () => (isYielding ? standing.emptyShare(rtts, estimate.plateauFrom) : undefined)
  const ended = await watch(options, { transfer, observer, begun }, () => {
    const ruled = ruleNow()
    standing.look(rtts, now())
    estimate = decide(observer.observe(ruled.timingSeconds), ruled, emptyShare())
    options.onProgress?.({
      direction,
      targetBps,
      seconds: now() - begun,
      rateBps: estimate.rateBps,
      usedBytes: observer.wireBytes(transfer.usedBytes()),
    })
    const isOver = estimate.decision === 'busy' ? now() - begun > maxSharedSeconds : estimate.decision !== 'open'
    return isOver && !session.self
  })
  over.abort()
  await pings
  const durationSeconds = now() - begun
  const ruled = ruleNow()
  const observation = observer.observe(ruled.timingSeconds)
  const { points, upperPoints, method, otherBps, retransmitRatio } = observation
  // Some testpoints tell all they know when the transfer is over.
  if (estimate.decision === 'open') estimate = decide(observation, ruled, emptyShare())
  const hasRate = points.length > 1
  return {
    otherBps,
    retransmitRatio,
    estimate,
    thresholdBps: rule.thresholdBps,
    // Where what was received has not proven the line, its slow counter has spoken.
    method: method === 'goodput' && upperPoints !== undefined && estimate.decision !== 'met' ? 'counter' : method,
    ended: observer.counterLost() ? 'counter_lost' : reasonOf(estimate, ended, rule),
    linkRateBps: hasRate ? statedRate(observation, estimate, ruled) : null,
    goodputBps: hasRate ? observer.goodputBps(estimate.plateauFrom) : null,
    transferredBytes: Math.round(observer.wireBytes(transfer.usedBytes())),
    durationSeconds,
    rttLoadedSeconds: median(rtts.map(({ seconds }) => seconds)),
    ...strain(),
    ...session.strain(),
    queueStood: (emptyShare() ?? 1) <= maxEmptyShare,
    backlogRatio: transfer.backlogRatio(),
  }
}

function start(
  { session, direction, targetBps, streams, maxBytes, leaseId, rule, framing, signal }: LoadOptions,
  begun: number,
  standing: Standing | undefined,
): Transfer {
  const payload = (bps: number) => bps / framing.overhead
  const inFlightBytes =
    (targetBps / 8) *
    Math.max(inFlightSeconds[leaseId === undefined ? 'answered' : 'counted'], inFlightRoundTrips * rule.rttSeconds)
  // The cap is meant on the wire: headers count, and what is still in queues when a download is stopped.
  const waitingBytes = (targetBps / 8) * tailSeconds + streams * windowBytes
  const tailBytes = direction === 'down' ? Math.min(maxBytes / 4, waitingBytes) : 0
  const common = { maxBytes: payload(maxBytes - tailBytes), signal, leaseId, inFlightBytes }
  if (session.self) {
    const paceBps = payload(selfTestRatio * targetBps)
    return session.start(direction, {
      ...common,
      paceBps,
      streams: selfTestStreams,
      deadlineSeconds: begun + selfTestSeconds,
    })
  }
  // A download is paced by the testpoint that leased it. All else from here: a line that is far faster would use up the
  // cap before there are bins enough for a verdict.
  const isPacedThere = direction === 'down' && leaseId !== undefined
  const paceBps = isPacedThere ? undefined : payload(leaseRatio * targetBps)
  const deadlineSeconds = begun + rule.maxSeconds
  return session.start(direction, { ...common, paceBps, standingSeconds: standing?.seconds, streams, deadlineSeconds })
}

/** Whether an upload has company whose packets it should leave alone: only then the counter tells what passed. */
function isShared({ direction, idleBps, targetBps, leaseId }: LoadOptions): boolean {
  return direction === 'up' && leaseId !== undefined && idleBps > sharedRatio * targetBps
}

/** Reads and judges every tick; resolves when the transfer is over, to the reason if it was not the rule. */
async function watch(
  { session, rule, maxBytes, onFailure }: LoadOptions,
  { transfer, observer, begun }: { transfer: Transfer; observer: Observer; begun: number },
  decided: () => boolean,
): Promise<Cause> {
  let ended: Cause = 'time_cap'
  let stall: string | undefined
  let moved = { bytes: 0, seconds: begun }
  const limit = session.self ? selfTestSeconds : rule.maxSeconds
  observer.tick()
  const timer = setInterval(() => {
    observer.tick()
    const used = observer.wireBytes(transfer.usedBytes())
    const own = Math.min(used, transfer.usedBytes() ?? used)
    if (own > moved.bytes) moved = { bytes: own, seconds: now() }
    const pausedSeconds = now() - moved.seconds
    if (pausedSeconds > stallSeconds) stall = `Testpoint ${session.id}: nothing moved for ${stallSeconds} s.`
    else if (used >= maxBytes) ended = 'byte_cap'
    // A line on which nothing moves is no slow line; when it stays so, that is the end of the test.
    const isDecided = decided() && pausedSeconds < pauseSeconds
    if (isDecided || stall !== undefined || ended !== 'time_cap' || now() - begun > limit) transfer.stop()
  }, tickMs)
  const failure = await transfer.done
  clearInterval(timer)
  const reason = failure?.message ?? stall
  if (reason !== undefined) {
    onFailure?.(reason)
    return 'testpoint_failed'
  }
  const used = observer.wireBytes(transfer.usedBytes())
  return ended === 'time_cap' && used >= capReachedRatio * maxBytes ? 'byte_cap' : ended
}

/** Adds round trips under load to `rtts` until `signal` aborts; what our own testpoint has received comes with them. */
async function pingAll(
  { session, direction }: LoadOptions,
  signal: AbortSignal,
  read: () => void,
  rtts: RoundTrip[],
): Promise<void> {
  const loop = async (): Promise<void> => {
    let isOpen = false
    while (!signal.aborted) {
      try {
        read()
        const seconds = await session.ping(signal)
        // The first of each connection opens it.
        if (isOpen) rtts.push({ at: now(), seconds })
        isOpen = true
      } catch {
        // A test that ends takes its pings with it; a testpoint that has gone shows in the transfer.
      }
      await pause(session.pingGapMs, signal)
    }
  }
  await Promise.all(Array.from({ length: direction === 'up' ? 2 : 1 }, loop))
}

/** By how much round trips under load differ, the odd ones left out. */
function spreadOf(seconds: readonly number[]): number {
  if (seconds.length < minSpreadRtts) return defaultTimingSeconds
  const sorted = seconds.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] as number
  return Math.max(minTimingSeconds, at(0.9) - at(0.1))
}
