/** Days and hours of a time zone. Intl knows the zones; the offset is read off what it prints. */

export const dayMs = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

/** Seconds that a zone is ahead of UTC at a time. */
export function utcOffsetSeconds(time: number, timezone: string): number {
  let format = formats.get(timezone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
    formats.set(timezone, format)
  }
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
