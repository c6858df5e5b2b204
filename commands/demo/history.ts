/** The past of the district, written through the store: coarse long ago, at full rate in the last hours. */
import { dayMs } from '../../collector/local-time.ts'
import type { Place } from '../../collector/registry.ts'
import { AppError } from '../../core/errors.ts'
import type { SqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { type BulkWriter, createBulkWriter } from './bulk-writer.ts'
import { hourMs, isSchoolDay, localDay, minuteMs, startOf } from './calendar.ts'
import type { District, School } from './district.ts'
import { bandwidthSamples } from './samples/bandwidth.ts'
import { samplesAt, scheduled, type Scheduled, timeIn } from './samples.ts'

/** Samples older than `hours` are this many minutes apart; the first that fits counts. */
type Spacing = readonly (readonly [hours: number, minutes: number])[]
/**
 * Roll-ups cost most, in time and in room: a row for each hour and series, and there are five of `path` and sixty of
 * `terminal` at a school. What the board draws is twice as far apart as its buckets, which its lines still join: 1
 * minute in six hours, 4 in a day, an hour in a week, two hours in a month.
 */
const drawn: Spacing = [
  [168, 240],
  [24, 120],
  [6, 8],
  [3, 2],
  [0, 1],
]
const spacings: Record<Scheduled, Spacing> = {
  path: drawn,
  wan: drawn,
  host: drawn,
  agent: [
    [24, 1440],
    [6, 120],
    [0, 10],
  ],
  service: [
    [24, 1440],
    [6, 60],
    [0, 10],
  ],
  // The board looks at the last 50 minutes sample by sample.
  terminal: [
    [3, 360],
    [0.9, 20],
    [0.4, 3],
    [0, 1],
  ],
  // The board looks at what was told last.
  device: [
    [0.4, Infinity],
    [0, 5],
  ],
}
/** Devices of the school that shows its classrooms: close enough that the day of each can be told. */
const closely: Partial<Record<Scheduled, Spacing>> = {
  terminal: [
    [168, 30],
    [24, 10],
    [0, 1],
  ],
  // Of lamps and toner the board remembers some days.
  device: [
    [96, Infinity],
    [0.4, 120],
    [0, 5],
  ],
}
/** Terminals older than a day: a lesson of some school days, by turns in the morning and the afternoon. */
const lessonMinutes = [630, 930] as const
const weekMs = 7 * dayMs
/** Nights and days without school, when they are off, for some days only. */
const nightMinute = 1_380
const idleDays = 2

/** Tests reach this much further back than the rest, so that the first days of the history have verdicts as well. */
export const testDaysBefore = 8

export type Span = { from: number; to: number }
export type HistoryDeps = {
  store: SqliteStore
  signal: AbortSignal
  /** Called now and then with the share that is done. */
  onProgress: (ratio: number) => void
}

/** Fills the span; its end is now. Throws when `signal` aborts. */
export async function writeHistory(district: District, span: Span, deps: HistoryDeps): Promise<void> {
  const { store, signal, onProgress } = deps
  const writer = createBulkWriter(store)
  const work = workOf(district, span)
  const total = work.flat().reduce((sum, { effort }) => sum + effort, 0)
  let done = 0
  for (const day of work) {
    for (const { name, minutes, close, effort } of day) {
      for (const school of district.schools) {
        signal.throwIfAborted()
        const chosen = school.id === district.showcase?.site ? close : minutes
        addSchool(district, school, name, chosen, span, writer)
        await writer.room()
        done += effort / district.schools.length
        onProgress(done / total)
      }
    }
    await writer.drain()
    await store.rollUp()
  }
}

/** All tests of the span. */
export async function writeTests(district: District, { from, to }: Span, store: Store): Promise<void> {
  const writer = createBulkWriter(store)
  for (const school of district.schools) {
    for (const sample of bandwidthSamples(school, district, from, to))
      writer.add(placeOf(district, school, sample.time), sample.time, [sample])
    await writer.room()
  }
  await writer.drain()
}

/** What a roll-up takes, in samples. */
const rollUpEffort = 3

/** `close`: for the school that shows its classrooms. */
type Work = { name: Scheduled; minutes: number[]; close: number[]; effort: number }

/** What there is to do, day by day as the store's files have them (UTC). */
function workOf({ schools }: District, { from, to }: Span): Work[][] {
  const first = Math.floor(from / dayMs)
  const days = Array.from({ length: Math.ceil(to / dayMs) - first }, (_, i) => {
    const begin = (first + i) * dayMs
    return { from: Math.max(from, begin), to: Math.min(to, begin + dayMs) }
  })
  const devices = schools.reduce((sum, school) => sum + school.devices.length, 0)
  const series = {
    host: 1,
    agent: 1,
    wan: 1,
    path: 5,
    service: 3,
    terminal: devices / schools.length,
    device: devices / schools.length / 4,
  }
  return days.map((day) =>
    scheduled.map((name) => {
      const minutes = minutesIn(day, (minute) => isKept(name, minute, to))
      const hours = new Set(minutes.map((minute) => Math.floor(minute / 60))).size
      const near = closely[name]
      const close = near === undefined ? minutes : minutesIn(day, (minute) => isDue(near, minute, to))
      return { name, minutes, close, effort: (minutes.length + rollUpEffort * hours) * series[name] }
    }),
  )
}

function minutesIn({ from, to }: Span, kept: (minute: number) => boolean): number[] {
  const first = Math.floor(from / minuteMs)
  const all = Array.from({ length: Math.ceil(to / minuteMs) - first }, (_, i) => first + i)
  return all.filter(kept)
}

function isKept(name: Scheduled, minute: number, now: number): boolean {
  const age = now - minute * minuteMs
  return name === 'terminal' && age > dayMs ? isTerminalKept(minute, age) : isDue(spacings[name], minute, now)
}

function isDue(spacing: Spacing, minute: number, now: number): boolean {
  const age = now - minute * minuteMs
  const every = spacing.find(([hours]) => age >= hours * hourMs)?.[1] ?? 1
  return minute % every === 0
}

function isTerminalKept(minute: number, age: number): boolean {
  const day = localDay(minute * minuteMs)
  const minuteOfDay = minute - startOf(day) / minuteMs
  if (age < idleDays * dayMs) return minuteOfDay === nightMinute || minuteOfDay === lessonMinutes[(day >> 1) % 2]
  // Every other school day beyond a week; the parity of the half of the day must not follow that of the day.
  const chosen = isSchoolDay(day) && (age < weekMs || day % 2 === 0)
  return chosen && minuteOfDay === lessonMinutes[(day >> 1) % 2]
}

function addSchool(
  district: District,
  school: School,
  name: Scheduled,
  minutes: readonly number[],
  { from, to }: Span,
  writer: BulkWriter,
): void {
  for (const minute of minutes) {
    const time = timeIn(minute, school)
    if (time < from || time >= to) continue
    writer.add(placeOf(district, school, time), time, samplesAt(name, district, school, time))
  }
}

/** As the collector's ingest adds it to what an agent sends. */
function placeOf({ registry }: District, { agent }: School, time: number): Place & { agent: string } {
  const place = registry.placeOf(agent, time)
  if (place === undefined) throw new AppError('config_invalid', `The made-up registry has no agent ${agent}.`)
  return { ...place, agent }
}
