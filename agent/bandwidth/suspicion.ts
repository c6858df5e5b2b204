/**
 * Before a line is accused: is it the test itself that could not do better? Each reason is a cause in the catalog, and
 * the fields of the sample are its evidence. What was proven to meet the target needs none of this.
 */
import type { Cause } from '../../core/catalog.ts'
import type { InterfaceState } from '../interfaces.ts'
import type { Loaded } from './load.ts'

export type Circumstances = {
  loaded: Loaded
  targetBps: number
  thresholdBps: number
  /** The WAN interface; undefined where the system tells nothing of it. */
  state: InterfaceState | undefined
  /** Speed of the interface: configured or negotiated. */
  interfaceRateBps: number | null
  /** Share of packets lost just before, on the idle line. */
  lossRatio: number | null
  /** What the testpoint can carry; only our own says so. */
  capacityBps: number | undefined
  /** Round trip on the idle line. */
  rttIdleSeconds: number | null
}

/** A shaped line holds its rate: one this flat was limited by something that counts bytes, not by a busy computer. */
const flatRatio = 0.03
/** Of one core; above it there may have been nothing left to take the next packet. */
const busyCpuRatio = 0.85
/** Share of the time spent waiting for a core, and lateness of timers, of a machine that has too much to do. */
const waitedRatio = 0.15
const lateSeconds = 0.05
/** Two packets of 250: with less, TCP in several streams still fills a line (reference/bandwidth.md §2). */
const harmfulLossRatio = 0.008
/** Other traffic from which on a rate inferred from two counters is no ground for an accusation (upload only). */
const busyLineRatio = 0.2
/** A line that is full has a queue, and a round trip through it takes longer by at least this. */
const queueSeconds = 0.003
/** A port shows 0.984 of its name at layer 2 (DESIGN §5.3). */
const portRatio = 0.984

/** Why the line may not be accused, or undefined. */
export function suspicionOf(circumstances: Circumstances): Cause | undefined {
  const { loaded, thresholdBps, state, interfaceRateBps, lossRatio, capacityBps } = circumstances
  if (interfaceRateBps !== null && interfaceRateBps * portRatio < thresholdBps) return 'interface_limited'
  if (state?.duplex === 'half') return 'interface_limited'
  if (state?.wireless) return 'wireless'
  if (capacityBps !== undefined && capacityBps < circumstances.targetBps) return 'testpoint_limited'
  if (loaded.cpuRatio > busyCpuRatio) return 'client_limited'
  if (!loaded.queueStood && loaded.estimate.variationRatio > flatRatio) {
    const { waitedRatio: waited, loopDelaySeconds, backlogRatio } = loaded
    if ((waited ?? 0) > waitedRatio || loopDelaySeconds > lateSeconds || backlogRatio > 0.5) return 'client_limited'
    if ((loaded.testpointWaitedRatio ?? 0) > waitedRatio) return 'testpoint_limited'
  }
  if (lossRatio !== null && lossRatio >= harmfulLossRatio) return 'path_limited'
  // Who knows what a testpoint can do that is not ours: without a queue it may have been that which was slow.
  if (capacityBps === undefined && !hasQueue(circumstances)) return 'testpoint_limited'
  // Without a counter nobody knows what else was on the line.
  if (loaded.method === 'counter') return undefined
  if (loaded.otherBps === null) return 'counter_lost'
  if (loaded.otherBps > busyLineRatio * (loaded.linkRateBps ?? 0) && isClose(loaded, thresholdBps)) return 'busy_line'
  return undefined
}

function hasQueue({ loaded, rttIdleSeconds }: Circumstances): boolean {
  return (loaded.rttLoadedSeconds ?? 0) > (rttIdleSeconds ?? 0) + queueSeconds
}

/** Near enough to the threshold for the error of the other traffic to matter. */
function isClose({ linkRateBps, otherBps }: Loaded, thresholdBps: number): boolean {
  return thresholdBps - (linkRateBps ?? 0) < 0.1 * (otherBps ?? 0)
}
