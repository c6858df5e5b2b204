/**
 * When a job that loads the link may run: its share of the hours that the school leaves free, the same every day that
 * has the same lessons, at an offset of its own.
 */
import { freeWindows, inLesson, localTime, type Schedule, type Span, timeAt } from '../core/calendar.ts'

/** Data, not a function: two equal ones are the same job. */
export type Slots = { schedule: Schedule; perDay: number }

/** People sleep and lines idle at night: a test then proves little, and some schools cut the power. */
const usable: Span = [5.5 * 60, 23 * 60]
/** Homes fill the carrier's network from six on: the hours in which a shared line shows what it is worth. */
const eveningFrom = 18 * 60
const eveningShare = 1 / 3
/** A break between two lessons is when everybody is at the network. */
const shortestWindowMinutes = 40
/** Of a run, for a change of the clock within it. */
const lookEverySeconds = 30
/** The longest look ahead: two weeks of examinations. */
const daysAhead = 15

/** The first slot after a time, or undefined when the coming days have none. `hash` spreads the schools. */
export function nextSlot(slots: Slots, after: number, hash: number, runSeconds: number): number | undefined {
  const { day: today } = localTime(slots.schedule, after)
  for (let day = today; day < today + daysAhead; day++) {
    const found = slotsOf(slots, day, hash, runSeconds).find((time) => time > after)
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether a run that takes at most so long keeps clear of lessons, also when clocks are set back in the middle of it. */
export function isFree({ schedule }: Slots, time: number, runSeconds: number): boolean {
  if (inLesson(schedule, time, runSeconds)) return false
  for (let into = 0; into <= runSeconds; into += lookEverySeconds) {
    if (inLesson(schedule, time + into * 1000)) return false
  }
  return true
}

/** The times of one day, ascending. At least one is in the evening where the evening is free. */
export function slotsOf({ schedule, perDay }: Slots, day: number, hash: number, runSeconds: number): number[] {
  const windows = freeWindows(schedule, day).flatMap((window) => usableOf(window, runSeconds / 60))
  const evening = windows.flatMap((window) => within(window, eveningFrom, 1440))
  const before = windows.flatMap((window) => within(window, 0, eveningFrom))
  const eveningCount = before.length === 0 ? perDay : evening.length === 0 ? 0 : Math.ceil(perDay * eveningShare)
  const phase = hash / 2 ** 32
  return [...spread(before, perDay - eveningCount, phase), ...spread(evening, eveningCount, phase)]
    .map((minute) => timeAt(schedule, day, minute))
    .filter((time) => isFree({ schedule, perDay }, time, runSeconds))
}

/** What of a window is left when a run must end before it does. */
function usableOf(window: Span, runMinutes: number): Span[] {
  const [from, to] = [Math.max(window[0], usable[0]), Math.min(window[1], usable[1]) - runMinutes]
  return to - from >= shortestWindowMinutes ? [[from, to]] : []
}

function within([from, to]: Span, least: number, most: number): Span[] {
  const part: Span = [Math.max(from, least), Math.min(to, most)]
  return part[1] > part[0] ? [part] : []
}

/** `count` minutes at equal distances in all the windows together, the first `phase` of a distance from the start. */
function spread(windows: readonly Span[], count: number, phase: number): number[] {
  const total = windows.reduce((sum, [from, to]) => sum + to - from, 0)
  return Array.from({ length: total > 0 ? count : 0 }, (_, i) => minuteAt(windows, ((i + phase) * total) / count))
}

function minuteAt(windows: readonly Span[], offset: number): number {
  let left = offset
  for (const [from, to] of windows) {
    // Down to the second: never on the end itself.
    if (left < to - from) return from + Math.floor(left * 60) / 60
    left -= to - from
  }
  return windows.at(-1)?.[1] ?? 0
}
