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
 * `terminal` at a school. In local time 360 minutes are 2, 8, 14 and 20 o'clock.
 */
const spacings: Record<Scheduled, Spacing> = {
  path: [
    [168, 360],
    [24, 180],
    [6, 10],
    [0, 1],
  ],
  wan: [
    [168, 360],
    [24, 120],
    [6, 10],
    [0, 1],
  ],
  host: [
    [24, 360],
    [6, 10],
    [0, 1],
  ],
  agent: [
    [24, 720],
    [6, 60],
    [0, 5],
  ],
  service: [
    [24, 720],
    [6, 30],
    [0, 5],
  ],
  terminal: [
    [3, 180],
    [0.5, 15],
    [0, 1],
  ],
}
/** Terminals older than a day: one lesson of a school day, by turns in the morning and the afternoon. */
const lessonMinutes = [630, 930] as const
/** Nights and days without school, when they are off, for some days only. */
const nightMinute = 1_380
const idleDays = 3

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
    for (const { name, minutes, effort } of day) {
      for (const school of district.schools) {
        signal.throwIfAborted()
        addSchool(district, school, name, minutes, span, writer)
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

type Work = { name: Scheduled; minutes: number[]; effort: number }

/** What there is to do, day by day as the store's files have them (UTC). */
function workOf({ schools }: District, { from, to }: Span): Work[][] {
  const first = Math.floor(from / dayMs)
  const days = Array.from({ length: Math.ceil(to / dayMs) - first }, (_, i) => {
    const begin = (first + i) * dayMs
    return { from: Math.max(from, begin), to: Math.min(to, begin + dayMs) }
  })
  const devices = schools.reduce((sum, school) => sum + school.devices.length, 0)
  const series = { host: 1, agent: 1, wan: 1, path: 5, service: 3, terminal: devices / schools.length }
  return days.map((day) =>
    scheduled.map((name) => {
      const minutes = minutesOf(name, day, to)
      const hours = new Set(minutes.map((minute) => Math.floor(minute / 60))).size
      return { name, minutes, effort: (minutes.length + rollUpEffort * hours) * series[name] }
    }),
  )
}

function minutesOf(name: Scheduled, { from, to }: Span, now: number): number[] {
  const first = Math.floor(from / minuteMs)
  const all = Array.from({ length: Math.ceil(to / minuteMs) - first }, (_, i) => first + i)
  return all.filter((minute) => isKept(name, minute, now))
}

function isKept(name: Scheduled, minute: number, now: number): boolean {
  const age = now - minute * minuteMs
  if (name === 'terminal' && age > dayMs) {
    const day = localDay(minute * minuteMs)
    const minuteOfDay = minute - startOf(day) / minuteMs
    const recent = age < idleDays * dayMs
    return minuteOfDay === nightMinute ? recent : minuteOfDay === lessonMinutes[day % 2] && (recent || isSchoolDay(day))
  }
  const every = spacings[name].find(([hours]) => age >= hours * hourMs)?.[1] ?? 1
  return minute % every === 0
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
