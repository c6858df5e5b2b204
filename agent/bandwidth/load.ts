/** Loads the link in one direction and watches it until the stopping rule, a cap, or the testpoint ends it. */
import { performance } from 'node:perf_hooks'
import type { Cause, Method } from '../../core/catalog.ts'
import type { Direction } from '../../core/standard.ts'
import type { CounterReader } from '../counters.ts'
import { type Endpoint, roundTrips } from './endpoint.ts'
import { createObserver, type Observer } from './observer.ts'
import { type Estimate, judge, type Rule } from './sequential.ts'
import { median } from './statistics.ts'
import { now, startDownload, startPacedDownload, startUpload, type Transfer } from './transfer.ts'
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
  endpoint: Endpoint
  direction: Direction
  reader: CounterReader | undefined
  framing: Framing
  /** Traffic of others just before. */
  idleBps: number
  targetBps: number
  streams: number
  maxBytes: number
  rule: Rule
  signal: AbortSignal
  onProgress?: ((progress: Progress) => void) | undefined
}

export type Loaded = {
  estimate: Estimate
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
  cpuRatio: number
}

const tickMs = 50
const loadedGapMs = 100
/** No byte for this long: the testpoint or the line is gone, and waiting for the deadline would tell nothing new. */
const stallSeconds = 2
/** A self-test proves the chain; this much of it is enough. */
const selfTestSeconds = 1.5
const selfTestRatio = 1.1
const selfTestStreams = 2
/** Spread of the bins beyond which a rate is not one. */
const unstableRatio = 0.1
/** Uploads in flight together: enough for any queue on the way, too little to fill a deep one. */
const inFlightSeconds = 0.13
const inFlightRoundTrips = 4
const minPostBytes = 32 * 1024
const maxPostBytes = 8 * 1024 * 1024

export async function load(options: LoadOptions): Promise<Loaded> {
  const { endpoint, direction, rule, signal, targetBps } = options
  const cpu = process.cpuUsage()
  const busy = performance.eventLoopUtilization()
  const begun = now()
  const transfer = start(options, begun)
  const observer = createObserver({ ...options, transfer })
  const over = new AbortController()
  const rtts = roundTrips(endpoint, {
    count: 1000,
    signal: AbortSignal.any([signal, over.signal]),
    gapMs: loadedGapMs,
  }).catch(() => [])

  let estimate = judge([], rule)
  const ended = await watch(options, { transfer, observer, begun }, () => {
    estimate = judge(observer.observe().points, rule)
    options.onProgress?.({
      direction,
      targetBps,
      seconds: now() - begun,
      rateBps: estimate.rateBps,
      usedBytes: transfer.usedBytes(),
    })
    return estimate.decision !== 'open' && !endpoint.self
  })
  over.abort()
  const durationSeconds = now() - begun
  const { user, system } = process.cpuUsage(cpu)
  const cpuSeconds = (user + system) / 1e6
  const { utilization } = performance.eventLoopUtilization(busy)
  const observation = observer.observe()
  const hasRate = observation.points.length > 1
  return {
    estimate,
    ended: observer.counterLost()
      ? 'counter_lost'
      : ended === 'time_cap' || ended === 'byte_cap'
        ? reasonOf(estimate, ended, rule)
        : ended,
    method: observation.method,
    linkRateBps: hasRate ? estimate.rateBps : null,
    goodputBps: hasRate ? observer.goodputBps(estimate.plateauFrom) : null,
    otherBps: observation.otherBps,
    retransmitRatio: observation.retransmitRatio,
    transferredBytes: Math.round(transfer.usedBytes() * options.framing.overhead),
    durationSeconds,
    rttLoadedSeconds: median(await rtts),
    // A loop that never idles is starved, whether it gets a whole core or a slice of one.
    cpuRatio: Math.min(1, Math.max(cpuSeconds / durationSeconds, utilization)),
  }
}

/** Reads and judges every tick; resolves when the transfer is over, to the reason if it was not the rule. */
async function watch(
  { endpoint, rule, maxBytes }: LoadOptions,
  { transfer, observer, begun }: { transfer: Transfer; observer: Observer; begun: number },
  decided: () => boolean,
): Promise<Cause> {
  let ended: Cause = 'time_cap'
  let moved = { bytes: 0, seconds: begun }
  const limit = endpoint.self ? selfTestSeconds : rule.maxSeconds
  observer.tick()
  const timer = setInterval(() => {
    observer.tick()
    const used = transfer.usedBytes()
    if (used > moved.bytes) moved = { bytes: used, seconds: now() }
    if (now() - moved.seconds > stallSeconds) ended = 'testpoint_failed'
    if (decided() || ended === 'testpoint_failed' || now() - begun > limit) transfer.stop()
  }, tickMs)
  const failure = await transfer.done
  clearInterval(timer)
  if (failure !== undefined) return 'testpoint_failed'
  return ended === 'time_cap' && transfer.usedBytes() >= 0.98 * maxBytes ? 'byte_cap' : ended
}

function start(
  { endpoint, direction, targetBps, streams, maxBytes, rule, signal }: LoadOptions,
  begun: number,
): Transfer {
  const limit = endpoint.self ? selfTestSeconds : rule.maxSeconds
  const options = {
    endpoint,
    maxBytes,
    signal,
    deadlineSeconds: begun + limit,
    streams: endpoint.self ? selfTestStreams : streams,
  }
  const inFlight = (targetBps / 8) * Math.max(inFlightSeconds, inFlightRoundTrips * rule.rttSeconds)
  const postBytes = Math.round(Math.min(maxPostBytes, Math.max(minPostBytes, inFlight / options.streams)))
  if (endpoint.self) {
    const paced = { ...options, paceBps: selfTestRatio * targetBps }
    return direction === 'down' ? startPacedDownload(paced) : startUpload({ ...paced, postBytes })
  }
  return direction === 'down' ? startDownload(options) : startUpload({ ...options, postBytes })
}

/** What to say of a line that used up its caps. */
function reasonOf(estimate: Estimate, ended: Cause, { thresholdBps }: Rule): Cause {
  if (estimate.plateauSeconds < 0.5) return 'too_short'
  if (estimate.variationRatio > unstableRatio) return 'unstable'
  const distance = Math.abs(estimate.rateBps - thresholdBps) / thresholdBps
  return distance < estimate.marginRatio ? 'marginal' : ended
}
