/** A calendar month by the clock of the district. */
import { dateOf, dayNamed } from '../../core/calendar.ts'
import { AppError } from '../../core/errors.ts'
import { localDay, timeOn } from '../local-time.ts'

export type Month = {
  name: string
  /** [from, end): of a month that is not over, until the last midnight, as figures of the plan; on its first day until now. */
  from: number
  end: number
  isOver: boolean
  /** Its local days, the one that is not over left out. */
  days: number[]
  /** Days of the month before. */
  daysBefore: number[]
}

/** Throws `config_invalid` for what is no month, or has not begun. */
export function monthOf(name: string, now: number, timezone: string): Month {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(name))
    throw new AppError('config_invalid', `"${name}" is no month; write it like 2026-10`)
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  if (name < '1970')
    throw new AppError('config_invalid', `"${name}" is no month of a report: nothing was measured before 1970`)
  const first = dayNamed(`${name}-01`)
  const next = followingMonth(first)
  const previous = dayNamed(`${dateOf(first - 1).slice(0, 7)}-01`)
  const today = localDay(now, timezone)
  if (first > today)
    throw new AppError('config_invalid', `${name} has not begun; today is ${dateOf(today)} (${timezone})`)
  const end = today === first ? now : timeOn(Math.min(next, today), 0, timezone)
  return {
    name,
    from: timeOn(first, 0, timezone),
    end,
    isOver: next <= today,
    days: daysFrom(first, Math.min(next, today)),
    daysBefore: daysFrom(previous, first),
  }
}

function followingMonth(first: number): number {
  const [year, month] = dateOf(first).split('-').map(Number) as [number, number]
  return Math.floor(Date.UTC(year, month, 1) / 86_400_000)
}

function daysFrom(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i)
}
