/** School days and what a school does with its network through them. The district lies in UTC+8, without summer time. */
import { dayMs } from '../../collector/local-time.ts'
import { nationalDays } from '../../collector/national-days.ts'
import { type SchoolDay, schoolDay, usualCalendar } from '../../core/calendar.ts'
import type { Category } from '../../core/standard.ts'

export const minuteMs = 60_000
export const hourMs = 3_600_000
const zoneMs = 8 * hourMs

/** Asked for every sample: what a day is is worked out once. */
const known = new Map<number, SchoolDay>()
function kindOf(day: number): SchoolDay {
  const kept = known.get(day) ?? schoolDay(usualCalendar, nationalDays, day)
  known.set(day, kept)
  return kept
}

/** Number of the local day of a time, counted from 1970-01-01. */
export function localDay(time: number): number {
  return Math.floor((time + zoneMs) / dayMs)
}

/** Midnight that begins a local day. */
export function startOf(day: number): number {
  return day * dayMs - zoneMs
}

/** Hours since local midnight, with their fraction. */
export function localHour(time: number): number {
  return ((time + zoneMs) % dayMs) / hourMs
}

export function isSchoolDay(day: number): boolean {
  return kindOf(day).kind === 'school'
}

export function isLesson(time: number): boolean {
  const minute = localHour(time) * 60
  return kindOf(localDay(time)).lessons.some(([from, to]) => minute >= from && minute < to)
}

type Profile = readonly (readonly [hour: number, level: number])[]
const day: Profile = [
  [0, 0.02],
  [6.5, 0.03],
  [7.5, 0.35],
  [8.1, 0.75],
  [9.6, 0.85],
  [9.9, 0.55],
  [10.4, 0.85],
  [11.7, 0.75],
  [12.3, 0.35],
  [14, 0.28],
  [14.6, 0.75],
  [16.8, 0.7],
  [17.6, 0.25],
]
const withoutEvening: Profile = [...day, [19, 0.08], [22, 0.05], [24, 0.02]]
const withEvening: Profile = [...day, [18.6, 0.35], [19.3, 0.65], [21.4, 0.6], [22.4, 0.12], [24, 0.02]]
const kindergarten: Profile = [
  [0, 0.02],
  [7.2, 0.05],
  [8.5, 0.4],
  [10.5, 0.5],
  [11.6, 0.35],
  [12.2, 0.1],
  [14.4, 0.12],
  [15, 0.45],
  [16.7, 0.3],
  [17.6, 0.07],
  [24, 0.02],
]
const closed: Profile = [
  [0, 0.02],
  [9, 0.06],
  [17, 0.06],
  [24, 0.02],
]
/** Boarders come back on the evening before a school day. */
const returning: Profile = [
  [0, 0.02],
  [16, 0.06],
  [18.5, 0.3],
  [19.5, 0.55],
  [21.4, 0.5],
  [22.4, 0.1],
  [24, 0.02],
]

/** How busy a school is, between 0 and 1. */
export function activity(category: Category, boarding: boolean, time: number): number {
  const today = localDay(time)
  return levelAt(profileOf(category, boarding, today), localHour(time))
}

function profileOf(category: Category, boarding: boolean, today: number): Profile {
  if (!isSchoolDay(today)) return boarding && isSchoolDay(today + 1) ? returning : closed
  if (category === 'kindergarten') return kindergarten
  return boarding && isSchoolDay(today + 1) ? withEvening : withoutEvening
}

function levelAt(profile: Profile, hour: number): number {
  const next = profile.findIndex(([at]) => at > hour)
  const [toHour, to] = profile[next] ?? [24, 0]
  const [fromHour, from] = profile[next - 1] ?? [0, 0]
  return from + ((to - from) * (hour - fromHour)) / (toHour - fromHour)
}
