import { expect, test } from 'vitest'
import { startOfDay, utcOffsetSeconds } from '../../collector/local-time.ts'

test.each([
  ['2026-11-23T00:00:00Z', 'Asia/Shanghai', 8 * 3600],
  ['2026-11-23T00:00:00Z', 'UTC', 0],
  ['2026-07-01T00:00:00Z', 'Europe/Berlin', 2 * 3600],
  ['2026-12-01T00:00:00Z', 'America/St_Johns', -3.5 * 3600],
  // Asked within days on which it changes, on both sides of the minute of the change.
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', 3600],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', 2 * 3600],
  ['2010-03-14T03:30:59Z', 'America/St_Johns', -3.5 * 3600],
  ['2010-03-14T03:31:00Z', 'America/St_Johns', -2.5 * 3600],
])('the offset at %s in %s is %i s', (time, timezone, expected) => {
  expect(utcOffsetSeconds(Date.parse(time), timezone)).toBe(expected)
})

test.each([
  ['2026-11-22T16:00:00Z', 'Asia/Shanghai', '2026-11-22T16:00:00Z'],
  ['2026-11-22T15:59:59Z', 'Asia/Shanghai', '2026-11-21T16:00:00Z'],
  // The clocks went forward at 2:00 and back at 3:00 of that day.
  ['2026-03-29T12:00:00Z', 'Europe/Berlin', '2026-03-28T23:00:00Z'],
  ['2026-10-25T12:00:00Z', 'Europe/Berlin', '2026-10-24T22:00:00Z'],
])('the day of %s in %s began at %s', (time, timezone, expected) => {
  expect(startOfDay(Date.parse(time), timezone)).toBe(Date.parse(expected))
})
