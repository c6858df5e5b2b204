/**
 * How much of an upload may be on its way, so that beside others it fills the line and yet hardly its queue: then nothing
 * of theirs is lost, and the counter tells what passed. What leaves in a time is known from what was acknowledged; no more
 * than leaves in a round trip and a short standing queue is handed over. The idea is that of LEDBAT (RFC 6817), with the
 * measured rate for a clock, since the round trips of a busy process are a bad one.
 */
import type { Mark } from './curve.ts'

/** Time in which a rate is measured, and for how long the best of them is believed: a late process sees too little. */
const rateSeconds = 0.2
const believedSeconds = 1
/**
 * A receiver that is busy acknowledges in lumps: for so long silence means that the line goes on as before. Measured: 30 to
 * 40 ms, in which the line ran empty.
 */
const silentSeconds = 0.03

export type Flight = {
  /** For how long from `seconds` on nothing more may be handed over, after `handed` bytes. */
  waitSeconds: (seconds: number, handed: number) => number
  /** What was acknowledged by a time, in order of time. */
  add: (mark: Mark) => void
}

/** `standingSeconds`: the idle round trip and the queue that is to stand. */
export function createFlight(
  begun: number,
  { standingSeconds, paceBps }: { standingSeconds: () => number; paceBps: number },
): Flight {
  const marks: Mark[] = [{ seconds: begun, bytes: 0 }]
  const rates: { seconds: number; bps: number }[] = []
  let last = marks[0] as Mark
  // Until a rate is known.
  let bps = paceBps
  return {
    waitSeconds(seconds, handed) {
      const windowBytes = (bps / 8) * standingSeconds()
      return last.seconds + ((handed - windowBytes - last.bytes) * 8) / bps - seconds
    },
    add(mark) {
      marks.push(mark)
      if (mark.bytes > last.bytes || mark.seconds - last.seconds > silentSeconds) last = mark
      while ((marks[1]?.seconds ?? Infinity) <= mark.seconds - rateSeconds) marks.shift()
      const from = marks[0] as Mark
      if (mark.seconds - from.seconds < rateSeconds) return
      rates.push({ seconds: mark.seconds, bps: ((mark.bytes - from.bytes) * 8) / (mark.seconds - from.seconds) })
      while ((rates[0]?.seconds ?? Infinity) < mark.seconds - believedSeconds) rates.shift()
      // Never nothing: a line that stood still goes on.
      bps = Math.max(paceBps / 100, ...rates.map((rate) => rate.bps))
    },
  }
}
