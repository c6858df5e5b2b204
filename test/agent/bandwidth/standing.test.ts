import { expect, it } from 'vitest'
import { createStanding, type RoundTrip } from '../../../agent/bandwidth/standing.ts'

/** A round trip each 10 ms, `seconds` long where the index says so. */
const roundTrips = (count: number, seconds: (i: number) => number): RoundTrip[] =>
  Array.from({ length: count }, (_, i) => ({ at: i / 100, seconds: seconds(i) }))
const idle = 0.01

it('knows a full line by its round trips: hardly one may be as short as the idle ones', () => {
  const { wasFull } = createStanding(idle)
  expect(
    wasFull(
      roundTrips(100, () => 0.03),
      0,
    ),
  ).toBe(true)
  expect(
    wasFull(
      roundTrips(100, (i) => (i % 20 === 0 ? idle : 0.03)),
      0,
    ),
  ).toBe(true)
  expect(
    wasFull(
      roundTrips(100, (i) => (i % 5 === 0 ? idle : 0.03)),
      0,
    ),
  ).toBe(false)
  expect(
    wasFull(
      roundTrips(100, (i) => (i < 50 ? idle : 0.03)),
      0.5,
    ),
  ).toBe(true)
})

it('knows nothing of a line with few round trips', () => {
  expect(
    createStanding(idle).wasFull(
      roundTrips(3, () => 0.03),
      0,
    ),
  ).toBe(false)
})

it('lets more stand while the line runs empty, in steps, up to a bound', () => {
  const standing = createStanding(idle)
  const before = standing.seconds()
  const empty = roundTrips(1000, () => idle)
  standing.look(empty.slice(0, 50), 0.5)
  const once = standing.seconds()
  expect(once).toBeGreaterThan(before)
  standing.look(empty.slice(0, 55), 0.55)
  expect(standing.seconds()).toBe(once)
  for (let n = 60; n <= 1000; n += 5) standing.look(empty.slice(0, n), n / 100)
  expect(standing.seconds()).toBeLessThan(idle + 0.1)
})

it('leaves a queue that stands as it is', () => {
  const standing = createStanding(idle)
  const before = standing.seconds()
  for (let n = 50; n <= 500; n += 5)
    standing.look(
      roundTrips(n, () => 0.03),
      n / 100,
    )
  expect(standing.seconds()).toBe(before)
})
