/** Which part of a range is read from samples and which from roll-ups. Never both for one hour. */
import { hourMs } from './partitions.ts'

/** Times in [from, to). */
export type Span = { from: number; to: number }

export function clip(bounds: Span, span: Span): Span {
  return { from: Math.max(bounds.from, span.from), to: Math.min(bounds.to, span.to) }
}

/** The hours that start in a span: a roll-up cannot be cut, so it counts whole, where it starts. */
export function hoursOf({ from, to }: Span): Span {
  return { from: Math.ceil(from / hourMs) * hourMs, to: Math.ceil(to / hourMs) * hourMs }
}

/** Splits a span of which there are samples: its whole hours that are not dirty are as well read from roll-ups. */
export function splitClean({ from, to }: Span, dirty: ReadonlySet<number>): { samples: Span[]; rollups: Span[] } {
  const samples: Span[] = []
  const rollups: Span[] = []
  for (let at = from; at < to; ) {
    const hour = Math.floor(at / hourMs) * hourMs
    const next = Math.min(hour + hourMs, to)
    const whole = at === hour && next === hour + hourMs
    addSpan(whole && !dirty.has(hour) ? rollups : samples, { from: at, to: next })
    at = next
  }
  return { samples, rollups }
}

/** Adds a span after those there are, as part of the last when it follows at once. */
export function addSpan(spans: Span[], { from, to }: Span): void {
  if (from >= to) return
  const last = spans.at(-1)
  if (last?.to === from) last.to = to
  else spans.push({ from, to })
}
