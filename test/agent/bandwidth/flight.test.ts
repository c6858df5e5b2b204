import { expect, it } from 'vitest'
import { createFlight } from '../../../agent/bandwidth/flight.ts'

/** 10 Mbit/s are 1.25 MB a second; in 40 ms pass 50 kB. */
const paceBps = 10e6
const standingSeconds = () => 0.04

it('lets as much go as passes in the standing time, at the pace while nothing else is known', () => {
  const flight = createFlight(100, { standingSeconds, paceBps })
  expect(flight.waitSeconds(100, 50_000)).toBeCloseTo(0, 6)
  expect(flight.waitSeconds(100, 62_500)).toBeCloseTo(0.01, 6)
  expect(flight.waitSeconds(100.5, 62_500)).toBeLessThan(0)
})

it('takes the rate from what was acknowledged, and the best of a second for true', () => {
  const flight = createFlight(0, { standingSeconds, paceBps })
  for (let i = 1; i <= 10; i++) flight.add({ seconds: i / 10, bytes: i * 62_500 })
  // 5 Mbit/s: 25 kB in 40 ms.
  expect(flight.waitSeconds(1, 625_000 + 25_000)).toBeCloseTo(0, 3)
  // A process that is late for 0.4 s sees nothing come: that is no slower line yet.
  for (const seconds of [1.2, 1.4]) flight.add({ seconds, bytes: 625_000 })
  expect(flight.waitSeconds(1.4, 625_000 + 25_000)).toBeCloseTo(0, 3)
  // After a second it is.
  for (const seconds of [1.8, 2.2, 2.6]) flight.add({ seconds, bytes: 625_000 })
  expect(flight.waitSeconds(2.6, 625_000 + 25_000)).toBeGreaterThan(1)
})

it('takes a short silence for a receiver that acknowledges in lumps, a longer one for a queue', () => {
  const flight = createFlight(0, { standingSeconds, paceBps })
  for (let i = 1; i <= 10; i++) flight.add({ seconds: i / 10, bytes: i * 125_000 })
  const wait = (seconds: number) => flight.waitSeconds(seconds, 1_250_000 + 50_000)
  expect(wait(1)).toBeCloseTo(0, 6)
  flight.add({ seconds: 1.02, bytes: 1_250_000 })
  expect(wait(1.02)).toBeCloseTo(-0.02, 6)
  flight.add({ seconds: 1.04, bytes: 1_250_000 })
  expect(wait(1.04)).toBeCloseTo(0, 6)
})

it('goes on after a line that stood still', () => {
  const flight = createFlight(0, { standingSeconds, paceBps })
  for (let i = 1; i <= 30; i++) flight.add({ seconds: i / 10, bytes: 0 })
  expect(flight.waitSeconds(3, 0)).toBeLessThan(0)
  expect(flight.waitSeconds(3, 4000)).toBeLessThan(0.5)
})
