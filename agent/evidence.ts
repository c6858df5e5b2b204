/**
 * Free evidence (DESIGN §5.1, §5.7): what ordinary traffic proves of a link, from the counters that the `wan` probe reads
 * each second anyway and the round trips of the path probe. Costs no byte. At most one sample of each kind, direction
 * and day: in the verdict each weighs as much as a test.
 */
import { causes, layers, methods, outcomes, type Cause, type Outcome, type Sample, triggers } from '../core/catalog.ts'
import { cautiousSchedule, inLesson, localTime } from '../core/calendar.ts'
import type { Slice } from '../core/slice.ts'
import { type Direction, directions } from '../core/standard.ts'
import { type Framing, framingOf } from './bandwidth/wire.ts'
import type { Difference } from './counters.ts'
import { carriedIn, plateauIn, rateBetween, type Reading, type Stretch } from './evidence/detect.ts'
import { gotThrough, riseOf, type RoundTrips } from './evidence/round-trips.ts'
import { readInterface } from './interfaces.ts'

export type EvidenceDeps = {
  /** Milliseconds since 1970, corrected. */
  now: () => number
  /** Milliseconds on the clock of `Difference`: performance.now(). */
  monotonic: () => number
  /** When a test of our own last loaded the link, on that clock; now while one does, -Infinity when none ever did. */
  lastLoaded: () => number
  /** Takes what was found, as soon as it is. */
  onSamples: (samples: Sample[]) => void
}
/** What probes are given of it. */
export type LineWatch = {
  /** The `wan` probe read the counters of a link. Undefined: what passed since the last time is unknown. */
  observe: (link: string, device: string, passed: Difference | undefined) => void
  /** Today's traffic has carried the link's threshold in a direction: no test need do it again. */
  isProven: (link: string, direction: Direction) => boolean
}
export type Evidence = LineWatch & {
  /** What the links must carry, and when there are lessons. */
  configure: (slice: Slice | undefined) => void
  /** Samples of any probe; those of paths are kept for a while. */
  heard: (samples: readonly Sample[]) => void
}

/** The time that is remembered: to know a line when it is idle, and what it has carried. */
const memorySeconds = 1800
/** What a test left in queues and buffers drains for about so long. */
const settleMs = 1000
/** Below this share of a plateau the line counts as idle. */
const idleRatio = 0.5
/** Below this share of its target a flat rate is a stream that somebody sends, not a full line. */
const leastPlateauRatio = 0.1
/** Acknowledgements of a full direction are some 3 % of it; more is traffic of its own, and round trips tell not which. */
const otherRatio = 0.1
/** A port shows 0.984 of its name at layer 2 (DESIGN §5.3). */
const portRatio = 0.984
/** How long a run of the path probes lasts: ten pings in five seconds, or a stream of fifteen; and the last answer. */
const pingRunSeconds = 6
const streamRunSeconds = 16

type Way = {
  readings: (Reading | undefined)[]
  /** Since when the traffic has carried the threshold without a pause. */
  carriedSince?: number | undefined
  metOn?: { day: number; thresholdBps: number }
  belowOn?: number
}
type Line = Record<Direction, Way> & { device: string; framing: Framing }
type Found = { outcome: Outcome; cause: Cause; stretch: Stretch; idleSeconds?: number; loadedSeconds?: number }

export function createEvidence(deps: EvidenceDeps): Evidence {
  return new Watch(deps)
}

class Watch implements Evidence {
  readonly #deps: EvidenceDeps
  readonly #lines = new Map<string, Line>()
  #slice: Slice | undefined
  #runs: RoundTrips[] = []

  constructor(deps: EvidenceDeps) {
    this.#deps = deps
  }

  configure(slice: Slice | undefined): void {
    this.#slice = slice
    const links = new Set(slice?.links.map(({ id }) => id))
    for (const id of this.#lines.keys()) if (!links.has(id)) this.#lines.delete(id)
  }

  heard(samples: readonly Sample[]): void {
    const end = this.#deps.monotonic() / 1000
    for (const { measurement, tags, fields } of samples) {
      if (measurement !== 'path') continue
      const {
        rtt_mean_seconds: rttSeconds = null,
        sent_count: sent,
        loss_ratio: loss,
        burst_loss_ratio: burst,
      } = fields
      const start = end - (burst === undefined ? pingRunSeconds : streamRunSeconds)
      const counts = { sent: sent ?? 0, lost: (sent ?? 0) * (loss ?? 0) }
      this.#runs.push({ level: tags.level, target: tags.target, start, end, rttSeconds, ...counts })
    }
    this.#runs = this.#runs.filter((run) => run.end > end - memorySeconds)
  }

  isProven(link: string, direction: Direction): boolean {
    const proven = this.#lines.get(link)?.[direction].metOn
    const thresholdBps = this.#thresholdOf(link, direction)
    return proven?.day === this.#today() && thresholdBps !== undefined && thresholdBps <= proven.thresholdBps
  }

  observe(link: string, device: string, passed: Difference | undefined): void {
    const end = this.#deps.monotonic()
    const isOwn = passed !== undefined && this.#deps.lastLoaded() >= end - passed.seconds * 1000 - settleMs
    const line = this.#lineOf(link, device)
    for (const direction of directions) {
      const { readings } = line[direction]
      const isKnown = passed !== undefined && !isOwn
      const bits = isKnown ? line.framing.bitsOf(passed, direction) : 0
      readings.push(isKnown ? { end: end / 1000, seconds: passed.seconds, bits } : undefined)
      if (readings.length > memorySeconds) readings.shift()
    }
    const samples = directions.flatMap((direction) => this.#look(link, line, direction))
    if (samples.length > 0) this.#deps.onSamples(samples)
  }

  #lineOf(link: string, device: string): Line {
    const known = this.#lines.get(link)
    if (known?.device === device) return known
    // The address decides only how payload is framed, which is not looked at here.
    const line = { device, framing: framingOf(device, '0.0.0.0'), down: { readings: [] }, up: { readings: [] } }
    this.#lines.set(link, line)
    return line
  }

  #look(link: string, line: Line, direction: Direction): Sample[] {
    const targetBps = this.#targetOf(link, direction)
    const thresholdBps = this.#thresholdOf(link, direction)
    if (targetBps === undefined || thresholdBps === undefined) return []
    const day = this.#today()
    const { device, [direction]: way } = line
    const isMet = this.#isMet(way, direction, thresholdBps)
    if (isMet !== undefined) {
      if (this.isProven(link, direction)) return []
      way.metOn = { day, thresholdBps }
      return [this.#sampleOf(link, direction, targetBps, device, { outcome: 'met', cause: 'none', stretch: isMet })]
    }
    if (way.belowOn === day || !this.#isLesson()) return []
    const below = this.#belowOf(line, direction, targetBps, thresholdBps)
    if (below === undefined) return []
    way.belowOn = day
    const cause = interfaceCause(device, thresholdBps)
    const outcome = cause === 'none' ? 'below' : 'inconclusive'
    return [this.#sampleOf(link, direction, targetBps, device, { ...below, outcome, cause })]
  }

  /** Ten seconds at the threshold. What comes in has passed the line; of what goes out that must be shown. */
  #isMet(way: Way, direction: Direction, thresholdBps: number): Stretch | undefined {
    const carried = carriedIn(way.readings, thresholdBps)
    way.carriedSince = carried === undefined ? undefined : (way.carriedSince ?? carried.start)
    if (carried === undefined || direction === 'down') return carried
    return gotThrough(this.#runs, { start: way.carriedSince as number, end: carried.end }) ? carried : undefined
  }

  #belowOf(line: Line, direction: Direction, targetBps: number, thresholdBps: number) {
    const { readings } = line[direction]
    const stretch = plateauIn(readings, thresholdBps)
    if (stretch === undefined || stretch.rateBps < leastPlateauRatio * targetBps) return undefined
    const other = line[direction === 'down' ? 'up' : 'down'].readings
    const { start, end, rateBps } = stretch
    if ((rateBetween(other, start, end) ?? 0) > otherRatio * rateBps) return undefined
    const isIdle = (run: RoundTrips) =>
      [readings, other].every((one) => (rateBetween(one, run.start, run.end) ?? rateBps) < idleRatio * rateBps)
    const rise = riseOf(this.#runs, isIdle, stretch)
    return rise && { stretch, ...rise }
  }

  #targetOf(link: string, direction: Direction): number | undefined {
    const targets = this.#slice?.links.find(({ id }) => id === link)?.targets
    return targets?.find((target) => target.direction === direction)?.target_bps
  }

  #thresholdOf(link: string, direction: Direction): number | undefined {
    const targetBps = this.#targetOf(link, direction)
    return targetBps === undefined || this.#slice === undefined ? undefined : targetBps * this.#slice.threshold_ratio
  }

  #today(): number {
    return localTime(this.#slice?.schedule ?? cautiousSchedule, this.#deps.now()).day
  }

  /** Outside lessons tests may run, and they know more. */
  #isLesson(): boolean {
    return inLesson(this.#slice?.schedule ?? cautiousSchedule, this.#deps.now())
  }

  #sampleOf(link: string, direction: Direction, targetBps: number, device: string, found: Found): Sample {
    const { stretch, outcome, cause, idleSeconds = null, loadedSeconds = null } = found
    const seconds = stretch.end - stretch.start
    return {
      measurement: 'bandwidth',
      time: this.#deps.now() - Math.round(seconds * 1000),
      tags: { link, direction, testpoint: 'none' },
      fields: {
        link_rate_bps: stretch.rateBps,
        other_rate_bps: stretch.rateBps,
        target_bps: targetBps,
        outcome: outcomes[outcome],
        cause: causes[cause],
        method: methods.passive,
        trigger: triggers.passive,
        layer: layers.ethernet,
        transferred_bytes: 0,
        duration_seconds: seconds,
        rtt_idle_seconds: idleSeconds,
        rtt_loaded_seconds: loadedSeconds,
        interface_rate_bps: readInterface(device).rateBps ?? null,
      },
    }
  }
}

/** Why a full line may be the fault of this machine's own interface (DESIGN §5.5). */
function interfaceCause(device: string, thresholdBps: number): Cause {
  const { rateBps, duplex, wireless } = readInterface(device)
  if (wireless) return 'wireless'
  const isSlow = rateBps !== undefined && rateBps * portRatio < thresholdBps
  return isSlow || duplex === 'half' ? 'interface_limited' : 'none'
}
