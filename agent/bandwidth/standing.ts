/**
 * The queue that an upload beside others lets stand on the line: short enough that nothing overflows, long enough that the
 * line is full while a process waits for its turn. Round trips tell: where some are hardly longer than on the idle line,
 * the queue was empty, and more could have passed.
 */

/** One under load, and when it ended. */
export type RoundTrip = { at: number; seconds: number }

/** Below half of what an ordinary gateway has, to begin with. */
const firstSeconds = 0.03
const stepSeconds = 0.01
const maxSeconds = 0.06
/** A round trip that is longer than the idle one by less than this met no queue. */
const emptySeconds = 0.003
/** Share of such above which more is let stand. */
const emptyRatio = 0.1
/** Round trips of this time are looked at; after a change, new ones are waited for. */
const recentSeconds = 0.2
const leastRoundTrips = 6

export type Standing = {
  /** What may be on its way: what passes in this time. */
  seconds: () => number
  /** Takes the round trips under load so far. */
  look: (rtts: readonly RoundTrip[], seconds: number) => void
  /** Share of the round trips from `seconds` on that met no queue: for so long the line may have carried more. 1 of few. */
  emptyShare: (rtts: readonly RoundTrip[], from: number) => number
}

export function createStanding(idleRttSeconds: number): Standing {
  let queueSeconds = firstSeconds
  let changed = Number.NEGATIVE_INFINITY
  const emptyShare = (rtts: readonly RoundTrip[], from: number) => {
    const list = rtts.filter(({ at }) => at >= from)
    const empty = list.filter(({ seconds }) => seconds < idleRttSeconds + emptySeconds)
    return list.length < leastRoundTrips ? 1 : empty.length / list.length
  }
  return {
    seconds: () => idleRttSeconds + queueSeconds,
    emptyShare,
    look(rtts, seconds) {
      const from = seconds - recentSeconds
      const isKnown = rtts.filter(({ at }) => at >= from).length >= leastRoundTrips
      if (from < changed || !isKnown || queueSeconds >= maxSeconds || emptyShare(rtts, from) <= emptyRatio) return
      queueSeconds += stepSeconds
      changed = seconds
    },
  }
}
