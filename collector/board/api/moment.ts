/** A time in a query: ISO 8601 with its zone, or milliseconds since 1970. */
import { z } from 'zod'

export const momentSchema = z.string().transform((text, context) => {
  const time = /^\d{1,16}$/.test(text) ? Number(text) : isoTime(text)
  // 8.64e15 ms is the last moment of a Date.
  if (time !== undefined && time <= 8.64e15) return time
  context.addIssue({
    code: 'custom',
    message: `"${text.slice(0, 40)}" is no time; give 2026-09-01T00:00:00Z or milliseconds since 1970`,
  })
  return z.NEVER
})

function isoTime(text: string): number | undefined {
  // Without a zone a time would be read in the server's, which nobody asked for.
  const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) || time < 0 ? undefined : time
}
