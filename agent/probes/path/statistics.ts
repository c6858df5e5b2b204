/** What a row of round-trip times says of a path. */

/** Weight of a new difference in the jitter (RFC 3550 §6.4.1). */
const jitterGain = 1 / 16

export function summaryOf(times: readonly (number | null)[]) {
  const replies = times.filter((time) => time !== null)
  const sorted = replies.toSorted((a, b) => a - b)
  return {
    rtt_min_seconds: sorted[0] ?? null,
    rtt_mean_seconds: replies.length > 0 ? replies.reduce((sum, time) => sum + time, 0) / replies.length : null,
    // Nearest rank: a time that was really measured.
    rtt_p95_seconds: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? null,
    jitter_seconds: jitterOf(replies),
    loss_ratio: times.length > 0 ? 1 - replies.length / times.length : 1,
    sent_count: times.length,
    up: replies.length > 0 ? 1 : 0,
  }
}

/**
 * Interarrival jitter of RFC 3550 on round trips: the mean difference of successive times, newer ones weighing more.
 * The RFC's running value starts at 0 and needs some 50 packets to get near the mean; divided by the weight gathered so
 * far, a run of 10 packets reads the same as one of 1000.
 */
export function jitterOf(replies: readonly number[]): number | null {
  let jitter = 0
  let weight = 0
  for (let i = 1; i < replies.length; i++) {
    const difference = Math.abs((replies[i] as number) - (replies[i - 1] as number))
    jitter += (difference - jitter) * jitterGain
    weight += (1 - weight) * jitterGain
  }
  return weight > 0 ? jitter / weight : null
}

/** Worst share lost of any `window` packets in a row; of a shorter row, its loss. */
export function burstLossOf(times: readonly (number | null)[], window: number): number | null {
  const size = Math.min(window, times.length)
  if (size === 0) return null
  let lost = 0
  let worst = 0
  times.forEach((time, i) => {
    if (time === null) lost++
    if (i >= size && times[i - size] === null) lost--
    if (lost > worst) worst = lost
  })
  return worst / size
}

/** Share of packets that came back after one sent later (RFC 4737 §3.3). */
export function reorderedOf(arrivals: readonly number[]): number | null {
  if (arrivals.length === 0) return null
  let highest = -1
  let late = 0
  for (const sequence of arrivals) {
    if (sequence < highest) late++
    else highest = sequence
  }
  return late / arrivals.length
}
