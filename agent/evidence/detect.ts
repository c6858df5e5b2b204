/**
 * What ordinary traffic says of a line, one direction at a time: that it carried its target, or that it stood at a
 * ceiling below it. Pure functions over what the WAN interface counted second by second.
 */

/** Layer 2 bits between two readings of a counter; `end` in seconds on the monotonic clock. */
export type Reading = { end: number; seconds: number; bits: number }
/** Oldest first. `undefined`: what passed is unknown, or a test of our own was part of it. */
export type Readings = readonly (Reading | undefined)[]
/** Traffic without a gap from `start` to `end`. */
export type Stretch = { start: number; end: number; rateBps: number }

/** So long must the target be carried (DESIGN §5.1), and so long must a line be full to speak against it. */
const provenSeconds = 10
const saturatedSeconds = 60
/** Readings do not fall on the millisecond. */
const toleranceSeconds = 0.05
/** Two runs of the probe that reads the counters lie some milliseconds apart. */
const longestGapSeconds = 0.5
/** A shaped line holds its rate: each 5 s of a plateau lie so close to its mean. Traffic that nothing holds varies more. */
const plateauBin = 5
const flatRatio = 0.03
/** So close to the threshold a counter's own error decides: that says nothing (DESIGN §5.3). */
const marginalRatio = 0.01
/** A line that carried more within the time looked at has a higher ceiling than this plateau. */
const ceilingRatio = 1.05

/** The last 10 s, when they carried the threshold. */
export function carriedIn(readings: Readings, thresholdBps: number): Stretch | undefined {
  const stretch = stretchOf(newestOf(readings, provenSeconds))
  return stretch !== undefined && stretch.rateBps >= thresholdBps ? stretch : undefined
}

/**
 * The last minute, when it ran flat at the line's own ceiling, below the threshold. That it was the line that held it,
 * and not the sender, is for the round trips to say.
 */
export function plateauIn(readings: Readings, thresholdBps: number): Stretch | undefined {
  const minute = newestOf(readings, saturatedSeconds)
  const stretch = stretchOf(minute)
  if (minute === undefined || stretch === undefined) return undefined
  const { rateBps } = stretch
  if (rateBps === 0 || rateBps * (1 + marginalRatio) >= thresholdBps) return undefined
  const isFlat = binsOf(minute).every((bin) => Math.abs(bin - rateBps) <= flatRatio * rateBps)
  const isCeiling = binsOf(readings).every((bin) => bin <= ceilingRatio * rateBps)
  return isFlat && isCeiling ? stretch : undefined
}

/** Mean rate of what is known between two times; undefined when that is nothing. */
export function rateBetween(readings: Readings, start: number, end: number): number | undefined {
  return stretchOf(readings.filter((one) => one !== undefined && one.end > start && one.end - one.seconds < end))
    ?.rateBps
}

/** The newest readings that last at least `seconds` without a gap. */
function newestOf(readings: Readings, seconds: number): Reading[] | undefined {
  const part: Reading[] = []
  let duration = 0
  for (let i = readings.length - 1; i >= 0; i--) {
    const reading = readings[i]
    const later = part[0]
    if (reading === undefined) return undefined
    if (later !== undefined && later.end - later.seconds - reading.end > longestGapSeconds) return undefined
    part.unshift(reading)
    duration += reading.seconds
    if (duration >= seconds - toleranceSeconds) return part
  }
  return undefined
}

function stretchOf(part: Readings | undefined): Stretch | undefined {
  const known = part?.filter((one) => one !== undefined) ?? []
  const [first] = known
  const last = known.at(-1)
  if (first === undefined || last === undefined) return undefined
  const seconds = known.reduce((sum, one) => sum + one.seconds, 0)
  const bits = known.reduce((sum, one) => sum + one.bits, 0)
  return { start: first.end - first.seconds, end: last.end, rateBps: bits / seconds }
}

/** Rates of each five readings in a row, the newest at the end. */
function binsOf(readings: Readings): number[] {
  const bins: number[] = []
  for (let end = readings.length; end >= plateauBin; end -= plateauBin) {
    const rate = stretchOf(readings.slice(end - plateauBin, end))?.rateBps
    if (rate !== undefined) bins.push(rate)
  }
  return bins
}
