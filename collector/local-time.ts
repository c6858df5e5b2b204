/** Days and hours of a time zone. Intl knows the zones; the offset is read off what it prints. */

export const dayMs = 86_400_000

type Zone = { format: Intl.DateTimeFormat; days: Map<number, number | 'changes'> }
const zones = new Map<string, Zone>()
/** Days of a zone that are remembered: more than ten years. */
const maxDays = 4_000

/** Seconds that a zone is ahead of UTC at a time. Asked for every sample: Intl takes microseconds, a look-up does not. */
export function utcOffsetSeconds(time: number, timezone: string): number {
  let zone = zones.get(timezone)
  if (zone === undefined) {
    zone = {
      format: new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' }),
      days: new Map(),
    }
    zones.set(timezone, zone)
  }
  const { format, days } = zone
  const day = Math.floor(time / dayMs)
  let offset = days.get(day)
  if (offset === undefined) {
    // No zone changes to and fro within a day of UTC: the same at both its ends, it was the same all day.
    const first = printedOffset(day * dayMs, format)
    offset = first === printedOffset((day + 1) * dayMs, format) ? first : 'changes'
    if (days.size >= maxDays) days.clear()
    days.set(day, offset)
  }
  return offset === 'changes' ? printedOffset(time, format) : offset
}

function printedOffset(time: number, format: Intl.DateTimeFormat): number {
  // "GMT+08:00", "GMT-03:30", or plain "GMT".
  const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60)
}

/** Midnight that began the local day of a time. */
export function startOfDay(time: number, timezone: string): number {
  const midnight = (offset: number) => Math.floor((time + offset) / dayMs) * dayMs - offset
  const guess = midnight(utcOffsetSeconds(time, timezone) * 1000)
  // The offset may have changed since midnight.
  return midnight(utcOffsetSeconds(guess, timezone) * 1000)
}

/** Number of the local day of a time, counted from 1970-01-01. */
export function localDay(time: number, timezone: string): number {
  return Math.floor((time + utcOffsetSeconds(time, timezone) * 1000) / dayMs)
}

/** The time at which the wall clock shows a minute of a local day. */
export function timeOn(day: number, minute: number, timezone: string): number {
  const wall = day * dayMs + minute * 60_000
  const guess = wall - utcOffsetSeconds(wall, timezone) * 1000
  return wall - utcOffsetSeconds(guess, timezone) * 1000
}
