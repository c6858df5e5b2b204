/** What happens in the district: which school is well, and what is wrong with the others. */
import type { Category, Direction } from '../../core/standard.ts'
import { dayMs } from '../../collector/local-time.ts'
import { hourMs, localDay, localHour, minuteMs, startOf } from './calendar.ts'
import { chance, shuffled, smooth } from './random.ts'

export const kinds = [
  'good',
  // Links below their target
  'evenings',
  'capped',
  'degraded',
  'repaired',
  'slow_upload',
  'upgraded',
  // Links of which nothing can be said
  'marginal',
  'busy',
  'old_interface',
  'overloaded',
  'new',
  // Schools that are not there, or not always
  'dead',
  'silent',
  'never',
  'flapping',
  'clock',
] as const
export type StoryKind = (typeof kinds)[number]

export type Story = {
  kind: StoryKind
  /** Share of the target that the link carries where its story makes it bad. */
  depth: number
}

/** `share` of the schools, but one at least. */
type Casting = { kind: StoryKind; share?: number; only?: readonly Category[]; depth?: [number, number] }
const castings: readonly Casting[] = [
  { kind: 'dead' },
  { kind: 'never' },
  { kind: 'capped', share: 0.027, depth: [0.79, 0.9], only: ['rural', 'teaching-point', 'kindergarten'] },
  { kind: 'flapping' },
  { kind: 'overloaded' },
  { kind: 'evenings', share: 0.02, depth: [0.42, 0.8], only: ['town', 'kindergarten'] },
  { kind: 'clock' },
  { kind: 'degraded', depth: [0.6, 0.64] },
  { kind: 'repaired', depth: [0.52, 0.58] },
  { kind: 'silent' },
  { kind: 'new' },
  { kind: 'old_interface', share: 0.005, only: ['town'] },
  { kind: 'busy', share: 0.004 },
  { kind: 'slow_upload', share: 0.01, depth: [0.45, 0.7] },
  { kind: 'marginal', depth: [0.95, 0.95] },
  // The rest of some 6 % below their target: rural links, as the digital divide has it.
  { kind: 'capped', share: 0.011, depth: [0.45, 0.78], only: ['rural'] },
  // Got a better line in the last months: the divide gets smaller.
  { kind: 'upgraded', share: 0.035, depth: [0.5, 0.85], only: ['rural', 'teaching-point'] },
]

/** At most this share of the schools has a story: a small district is still half well. */
const mostStories = 0.5

/** Casts the stories; the order of the list is who comes first where there are few schools. */
export function castStories(random: () => number, categories: readonly Category[]): Story[] {
  const stories = categories.map((): Story => ({ kind: 'good', depth: 1 }))
  const free = new Set(shuffled(random, [...categories.keys()]))
  let left = Math.floor(categories.length * mostStories)
  for (const { kind, share = 0, only, depth: [least, most] = [1, 1] } of castings) {
    const wanted = Math.min(left, Math.max(1, Math.round(categories.length * share)))
    const fitting = [...free].filter((index) => only?.includes(categories[index] as Category) ?? true)
    for (const index of fitting.slice(0, wanted)) {
      free.delete(index)
      left--
      stories[index] = { kind, depth: least + random() * (most - least) }
    }
  }
  return stories
}

type Told = { key: number; story: Story }
/** Where the stories stand in time: `end` is the moment the district was made, and stays when it lives on. */
export type Moment = { end: number }

/** Whether the gateway of a school measured anything at a time. */
export function isMeasured({ story }: Told, { end }: Moment, time: number): boolean {
  switch (story.kind) {
    case 'never':
      return false
    case 'dead':
      // Two in the night: the day before has all its tests, this one none.
      return time < startOf(localDay(end) - 6) + 2 * hourMs
    case 'silent':
      return time < end - 26 * hourMs
    case 'new':
      return time >= startOf(localDay(end) - 1) + 9 * hourMs
    default:
      return true
  }
}

/** Share of its target that a link carries at a time; above 1 it carries more. */
export function capacityRatio(
  { key, story }: Told,
  headroom: number,
  direction: Direction,
  { end }: Moment,
  time: number,
): number {
  // How much of the story holds at this time, from 0 to 1.
  const held = {
    evenings: eveningRush(localHour(time)),
    capped: 1,
    marginal: 1,
    degraded: time >= end - 9 * dayMs ? 1 : 0,
    repaired: time < end - 7 * dayMs ? 1 : 0,
    slow_upload: direction === 'up' ? 1 : 0,
    upgraded: time < upgradedAt(key, end) ? 1 : 0,
  } as Partial<Record<StoryKind, number>>
  const share = held[story.kind] ?? 0
  if (share === 0) return headroom
  // A cap is steady; congestion comes and goes.
  const swing = steady.includes(story.kind) ? 0.004 : 0.12
  const bad = Math.min(headroom, story.depth * (1 + swing * (smooth(key + 3, time / hourMs) - 0.5)))
  return headroom + (bad - headroom) * share
}

const steady: readonly StoryKind[] = ['capped', 'marginal', 'upgraded']

/** One by one, between twelve weeks and two before the end. */
const upgradedAt = (key: number, end: number) => end - (14 + 70 * chance(key, 12)) * dayMs

/** When everybody is at home: rising until eight, falling before midnight. */
function eveningRush(hour: number): number {
  const slope = (from: number, hours: number) => Math.max(0, Math.min(1, (hour - from) / hours))
  return slope(17.8, 2.2) - slope(22.4, 1.6)
}

const outageShare = 0.008

/** Whether the line of a school is cut: seldom and for some time, or for minutes again and again. */
export function isCut({ key, story }: Told, time: number): boolean {
  if (story.kind === 'flapping') {
    const slot = Math.floor(time / (20 * minuteMs))
    const begin = 2 + chance(key + 5, slot) * 10
    const minute = (time / minuteMs) % 20
    return chance(key + 6, slot) < 0.45 && minute >= begin && minute < begin + 2 + 6 * chance(key + 7, slot)
  }
  const day = localDay(time)
  if (chance(key + 8, day) >= outageShare) return false
  const begin = 24 * chance(key + 9, day)
  const hour = localHour(time)
  return hour >= begin && hour < begin + 0.15 + 1.6 * chance(key + 10, day)
}

/** For two days the way from one town into the district was poor; what lies behind it suffered with it. */
export function isTownDegraded(town: string, { end }: Moment, time: number): boolean {
  const today = localDay(end)
  return town === 'meigang' && time >= startOf(today - 5) + 14 * hourMs && time < startOf(today - 3) + 10 * hourMs
}
