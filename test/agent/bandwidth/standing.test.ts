import { expect, it } from 'vitest'
import { createStanding, type RoundTrip } from '../../../agent/bandwidth/standing.ts'

/** A round trip each 10 ms, `seconds` long where the index says so. */
const roundTrips = (count: number, seconds: (i: number) => number): RoundTrip[] =>
  Array.from({ length: count }, (_, i) => ({ at: i / 100, seconds: seconds(i) }))
const idle = 0.01

it('tells how often the line ran empty by the round trips that are no longer than the idle ones', () => {
  const { emptyShare } = createStanding(idle)
  expect(
    emptyShare(
      roundTrips(100, () => 0.03),
      0,
    ),
  ).toBe(0)
  expect(
    emptyShare(
      roundTrips(100, (i) => (i % 5 === 0 ? idle : 0.03)),
      0,
    ),
  ).toBe(0.2)
  expect(
    emptyShare(
      roundTrips(100, (i) => (i < 50 ? idle : 0.03)),
      0.5,
    ),
  ).toBe(0)
})

it('takes a line with few round trips for empty', () => {
  expect(
    createStanding(idle).emptyShare(
      roundTrips(3, () => 0.03),
      0,
    ),
  ).toBe(1)
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
