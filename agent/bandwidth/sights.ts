/** Readings of a transfer: what counters and the transfer itself had said by a moment, and how fast that grew. */

/**
 * Cumulative since the first tick, in bits at layer 2: all traffic of the interface, our own that was sent again, and
 * what of that was not needed, for the first had arrived: it took the line's time, though the server counts it once.
 */
export type Tick = { seconds: number; counter: number; resent: number; duplicate: number }
/** The same with our own that certainly passed. */
export type Sight = Tick & { own: number }

/** The reading at a time between two ticks. */
export function tickAt(ticks: readonly Tick[], seconds: number): Tick {
  const next = ticks.findIndex((tick) => tick.seconds >= seconds)
  const [before, after] = [ticks[next - 1], ticks[next]]
  if (after === undefined || before === undefined)
    return { ...(after ?? ticks.at(-1) ?? { counter: 0, resent: 0, duplicate: 0 }), seconds }
  const share = (seconds - before.seconds) / (after.seconds - before.seconds)
  const between = (a: number, b: number) => a + (b - a) * share
  return {
    seconds,
    counter: between(before.counter, after.counter),
    resent: between(before.resent, after.resent),
    duplicate: between(before.duplicate, after.duplicate),
  }
}

/** The later half of a test: its beginning fills queues and windows, which no comparison of two counters survives. */
export function laterHalf<T extends Tick>(ticks: readonly T[]): T[] {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined) return []
  const middle = (first.seconds + last.seconds) / 2
  return ticks.filter((tick) => tick.seconds >= middle)
}

export function secondsOf(window: readonly Tick[]): number {
  return (window.at(-1)?.seconds ?? 0) - (window[0]?.seconds ?? 0)
}

/** Growth of a cumulative value over a window, per second. */
export function slope<T extends Tick>(ticks: readonly T[], value: (tick: T) => number): number {
  const [first, last] = [ticks[0], ticks.at(-1)]
  if (first === undefined || last === undefined || first === last) return 0
  return (value(last) - value(first)) / (last.seconds - first.seconds)
}
