/**
 * School days and what a school does with its network through them, in the district's time zone (UTC+8 without summer
 * time). Only as much calendar as a made-up district needs.
 */
import { dayMs } from '../../collector/local-time.ts'
import type { Category } from '../../core/standard.ts'

export const minuteMs = 60_000
export const hourMs = 3_600_000
const zoneMs = 8 * hourMs

/** State Council, 国务院办公厅关于2026年部分节假日安排的通知 (4 November 2025): [first, last] day off. */
const holidays2026 = [
  ['2026-01-01', '2026-01-03'],
  ['2026-02-15', '2026-02-23'],
  ['2026-04-04', '2026-04-06'],
  ['2026-05-01', '2026-05-05'],
  ['2026-06-19', '2026-06-21'],
  ['2026-09-25', '2026-09-27'],
  ['2026-10-01', '2026-10-07'],
] as const
/** 调休: weekends worked instead, from the same notice. */
const makeUpDays2026 = ['2026-01-04', '2026-02-14', '2026-02-28', '2026-05-09', '2026-09-20', '2026-10-10']

const dayNamed = (date: string) => Date.parse(date) / dayMs
const makeUpDays = new Set(makeUpDays2026.map(dayNamed))
const holidays = holidays2026.map(([first, last]) => [dayNamed(first), dayNamed(last)] as const)

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
  if (makeUpDays.has(day)) return true
  // 1970-01-01 was a Thursday.
  const weekday = (day + 4) % 7
  if (weekday === 0 || weekday === 6) return false
  return !holidays.some(([first, last]) => day >= first && day <= last)
}

/** Lessons as most schools have them: four in the morning, three after the noon rest. */
export function isLesson(time: number): boolean {
  const hour = localHour(time)
  return isSchoolDay(localDay(time)) && ((hour >= 8 && hour < 11.8) || (hour >= 14.5 && hour < 17))
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
