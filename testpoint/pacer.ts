/** Holds a flow to a rate: a token bucket in the form of the time at which the next byte is due. */

/** TCP payload in full frames at layer 2 (reference/bandwidth.md §1): rates are agreed on the wire, bytes are counted here. */
const payloadRatio = 1448 / 1514
/** What may pass at once after a pause; below it, timers of 1 ms could not hold a high rate. */
const burstSeconds = 0.02
/** No transfer lasts longer; above 2³¹ ms a timer would not wait at all. */
const maxWaitMs = 60_000

export type Pacer = {
  /** Counts `bytes` of payload and tells how many ms to wait before the next. */
  take: (bytes: number) => number
}

/** `rateBps` is asked for every time, as it may change; `now` in ms on a monotonic clock. */
export function createPacer(rateBps: () => number, now: () => number = () => performance.now()): Pacer {
  let due = Number.NEGATIVE_INFINITY
  return {
    take(bytes) {
      const time = now()
      due = Math.max(due, time - burstSeconds * 1000) + (bytes * 8000) / (rateBps() * payloadRatio)
      return Math.min(maxWaitMs, Math.max(0, due - time))
    },
  }
}
