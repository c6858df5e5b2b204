/**
 * What the path of a school is good for: whether a live class can be held over it now, and the level of the network at
 * which it degrades. Pure functions; the figures are data of the standard (config/standards.yaml names their sources).
 */
import { z } from 'zod'
import { rateSchema } from './units.ts'

const ratio = z.number().min(0).max(1)
const seconds = z.number().min(0).max(10)

export const liveClassSchema = z.strictObject({
  free_bps: rateSchema.default(8e6).describe('Free bandwidth each way that a class needs.'),
  poor_free_bps: rateSchema.default(4e6).describe('Below it a class fails: video and screen share of one end.'),
  good: z
    .strictObject({
      rtt_seconds: seconds.default(0.1).describe('Round trip.'),
      jitter_seconds: seconds.default(0.03).describe('Jitter.'),
      loss_ratio: ratio.default(0.001).describe('Loss.'),
      burst_loss_ratio: ratio.default(0.1).describe('Loss in the worst 200 ms.'),
    })
    .prefault({})
    .describe('At most this to be good; beyond, limited.'),
  poor: z
    .strictObject({
      rtt_seconds: seconds.default(0.15).describe('Round trip.'),
      loss_ratio: ratio.default(0.01).describe('Loss.'),
    })
    .prefault({})
    .describe('Beyond this it is poor.'),
  added: z
    .strictObject({
      rtt_seconds: seconds.default(0.06).describe('Round trip.'),
      jitter_seconds: seconds.default(0.015).describe('Jitter.'),
      loss_ratio: ratio.default(0.01).describe('Loss.'),
    })
    .prefault({})
    .describe('A level that adds more than this to the one before it is where the path degrades.'),
})
export type LiveClass = z.output<typeof liveClassSchema>

/** From the school outwards; the internet branches off somewhere and is no part of it. */
const chain = ['site', 'district', 'city', 'province'] as const
const branch = 'internet'

/** One run of a path probe: a `path` sample. */
export type PathRun = {
  level: string
  target: string
  rttSeconds: number | null
  jitterSeconds: number | null
  lossRatio: number | null
  /** Null for a ping, whose packets are too far apart to tell. */
  burstLossRatio: number | null
  sent: number
}
export type LevelQuality = Omit<PathRun, 'target' | 'lossRatio'> & { lossRatio: number }

export const readinessStates = ['good', 'limited', 'poor', 'unknown'] as const
export const readinessReasons = ['unreachable', 'rtt', 'jitter', 'loss', 'burst_loss', 'free_down', 'free_up'] as const
export type Readiness = {
  state: (typeof readinessStates)[number]
  /** The level that a class is held with: the farthest that is measured. */
  level: string | undefined
  reasons: (typeof readinessReasons)[number][]
}

/** Runs of some minutes → each level, by the best of its targets: a bad one alone is a bad target, not a bad path. */
export function qualityOfLevels(runs: readonly PathRun[]): LevelQuality[] {
  return [...Map.groupBy(runs, ({ level }) => level)].map(([level, within]) => {
    const targets = [...Map.groupBy(within, ({ target }) => target).values()].map(qualityOfTarget)
    return {
      level,
      rttSeconds: least(targets.map((one) => one.rttSeconds)),
      jitterSeconds: least(targets.map((one) => one.jitterSeconds)),
      lossRatio: Math.min(...targets.map((one) => one.lossRatio)),
      burstLossRatio: least(targets.map((one) => one.burstLossRatio)),
      sent: Math.max(...targets.map((one) => one.sent)),
    }
  })
}

function qualityOfTarget(runs: readonly PathRun[]) {
  const sent = runs.reduce((sum, run) => sum + run.sent, 0)
  const lost = runs.reduce((sum, run) => sum + run.sent * (run.lossRatio ?? 0), 0)
  const answered = runs.filter((run) => run.rttSeconds !== null)
  const weight = answered.reduce((sum, run) => sum + run.sent, 0)
  const streams = runs.filter((run) => run.burstLossRatio !== null)
  const jitters = (streams.length > 0 ? streams : runs).flatMap((run) => run.jitterSeconds ?? [])
  return {
    sent,
    lossRatio: sent > 0 ? lost / sent : 1,
    rttSeconds: weight > 0 ? answered.reduce((sum, run) => sum + run.sent * (run.rttSeconds ?? 0), 0) / weight : null,
    jitterSeconds: jitters.length > 0 ? Math.max(...jitters) : null,
    burstLossRatio: streams.length > 0 ? Math.max(...streams.map((run) => run.burstLossRatio ?? 0)) : null,
  }
}

/** The first level that adds more delay, jitter or loss to the one before than a level may; undefined when none does. */
export function degradedLevel(qualities: readonly LevelQuality[], { added }: LiveClass): string | undefined {
  const known = chain.flatMap((level) => qualities.find((one) => one.level === level) ?? [])
  let before = { rtt: 0, jitter: 0, loss: 0 }
  let nearest = before
  const exceeds = (own: typeof before, base: typeof before) =>
    own.rtt - base.rtt > added.rtt_seconds ||
    own.jitter - base.jitter > added.jitter_seconds ||
    own.loss - base.loss > added.loss_ratio
  for (const [i, { level }] of known.entries()) {
    // What all levels behind it do not suffer from is a slow or deaf target, not the path to it.
    const own = figuresOf(known.slice(i))
    if (exceeds(own, before)) return level
    before = own
    if (level === 'site' || level === 'district') nearest = own
  }
  const internet = qualities.find((one) => one.level === branch)
  return internet !== undefined && exceeds(figuresOf([internet]), nearest) ? branch : undefined
}

/** Lowest of each figure. */
function figuresOf(levels: readonly LevelQuality[]) {
  return {
    rtt: least(levels.map((one) => one.rttSeconds)) ?? 0,
    jitter: least(levels.map((one) => one.jitterSeconds)) ?? 0,
    loss: Math.min(...levels.map((one) => one.lossRatio)),
  }
}

/** Whether a live class can be held now. `free`: bandwidth that is not in use; null where it is not known. */
export function readinessOf(
  qualities: readonly LevelQuality[],
  free: { downBps: number | null; upBps: number | null },
  { good, poor, free_bps: freeBps, poor_free_bps: poorFreeBps }: LiveClass,
): Readiness {
  const quality = [branch, ...chain].reduce<LevelQuality | undefined>(
    (farthest, level) => qualities.find((one) => one.level === level) ?? farthest,
    undefined,
  )
  if (quality === undefined) return { state: 'unknown', level: undefined, reasons: [] }
  const { level, rttSeconds, jitterSeconds, lossRatio, burstLossRatio, sent } = quality
  if (lossRatio === 1) return { state: 'poor', level, reasons: ['unreachable'] }
  // One lost packet is an accident and no rate, however few were sent.
  const isLossy = (limit: number) => lossRatio > limit && Math.round(sent * lossRatio) > 1
  const checks: [Readiness['reasons'][number], isLimited: boolean, isPoor: boolean][] = [
    ['rtt', (rttSeconds ?? 0) > good.rtt_seconds, (rttSeconds ?? 0) > poor.rtt_seconds],
    ['jitter', (jitterSeconds ?? 0) > good.jitter_seconds, false],
    ['loss', isLossy(good.loss_ratio), isLossy(poor.loss_ratio)],
    ['burst_loss', (burstLossRatio ?? 0) > good.burst_loss_ratio, false],
    ['free_down', (free.downBps ?? Infinity) < freeBps, (free.downBps ?? Infinity) < poorFreeBps],
    ['free_up', (free.upBps ?? Infinity) < freeBps, (free.upBps ?? Infinity) < poorFreeBps],
  ]
  const failed = checks.filter(([, isLimited, isPoor]) => isLimited || isPoor)
  const state = failed.some(([, , isPoor]) => isPoor) ? 'poor' : failed.length > 0 ? 'limited' : 'good'
  return { state, level, reasons: failed.map(([reason]) => reason) }
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length > 0 ? Math.min(...known) : null
}
