import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { carriedIn, plateauIn, rateBetween, type Reading } from '../../../agent/evidence/detect.ts'

const threshold = 475e6

/** Readings of a second each, at Mbit/s; null for one that is unknown. */
function series(rates: readonly (number | null)[], seconds = 1): (Reading | undefined)[] {
  return rates.map((rate, i) =>
    rate === null ? undefined : { end: (i + 1) * seconds, seconds, bits: rate * 1e6 * seconds },
  )
}
const repeat = (count: number, rate: number | null) => new Array<number | null>(count).fill(rate)

describe('ten seconds of ordinary traffic', () => {
  it.each([
    ['at the threshold exactly', repeat(10, 475), 475],
    ['above it on average', [...repeat(5, 400), ...repeat(5, 600)], 500],
    ['after a quiet minute', [...repeat(60, 3), ...repeat(10, 500)], 500],
    ['after a second that is unknown', [500, null, ...repeat(10, 480)], 480],
  ])('prove the target %s', (_, rates, mbps) => {
    expect(carriedIn(series(rates), threshold)?.rateBps).toBeCloseTo(mbps * 1e6)
  })

  it.each([
    ['just below it', repeat(60, 474.9)],
    ['that are only nine', repeat(9, 600)],
    ['with an unknown second in them', [...repeat(5, 600), null, ...repeat(5, 600)]],
    ['that have passed', [...repeat(10, 600), ...repeat(3, 3)]],
    ['of which nothing is known', [null]],
    ['that never were', []],
  ])('prove nothing %s', (_, rates) => {
    expect(carriedIn(series(rates), threshold)).toBeUndefined()
  })

  it('prove nothing across a pause of the counters', () => {
    const before = series(repeat(5, 600)) as Reading[]
    const after = before.map((one) => ({ ...one, end: one.end + 7 }))
    expect(carriedIn([...before, ...after], threshold)).toBeUndefined()
  })

  it('are ten seconds also when readings come late or in pieces', () => {
    expect(carriedIn(series(repeat(7, 480), 1.5), threshold)).toMatchObject({ start: 0, end: 10.5 })
    expect(carriedIn(series(repeat(9, 480), 1.1), threshold)).toBeUndefined()
    expect(carriedIn(series(repeat(25, 480), 0.4), threshold)).toBeDefined()
  })

  it('never prove what their mean does not reach', () => {
    const rate = fc.option(fc.double({ min: 0, max: 1000, noNaN: true }), { freq: 20 })
    fc.assert(
      fc.property(fc.array(rate, { maxLength: 40 }), fc.double({ min: 1, max: 900, noNaN: true }), (rates, mbps) => {
        const found = carriedIn(series(rates), mbps * 1e6)
        const last = rates.slice(-10)
        const known = last.filter((one) => one !== null)
        const mean = known.reduce((sum, one) => sum + one, 0) / 10
        const isProven = last.length === 10 && known.length === 10 && mean >= mbps
        // Sums in another order differ in the last bit.
        if (Math.abs(mean - mbps) > 1e-6) expect(found !== undefined).toBe(isProven)
      }),
    )
  })
})

describe('a minute of a full line', () => {
  const wavy = (mbps: number, ratio: number) =>
    Array.from({ length: 60 }, (_, i) => mbps * (1 + ratio * (Math.floor(i / 5) % 2 ? 1 : -1)))

  it.each([
    ['flat', repeat(60, 300), 300],
    ['flat after a climb', [...Array.from({ length: 30 }, (_, i) => i * 10), ...repeat(60, 300)], 300],
    ['noisy from second to second', Array.from({ length: 60 }, (_, i) => (i % 2 ? 330 : 270)), 300],
    ['within a few percent', wavy(300, 0.02), 300],
    ['just below the marginal zone', repeat(60, 469), 469],
  ])('is a plateau: %s', (_, rates, mbps) => {
    expect(plateauIn(series(rates), threshold)?.rateBps).toBeCloseTo(mbps * 1e6, -6)
  })

  it.each([
    ['at the threshold', repeat(60, 475)],
    ['so close below it that nobody knows', repeat(60, 471)],
    ['above it', repeat(60, 600)],
    ['shorter than a minute', repeat(59, 300)],
    ['with an unknown second', [...repeat(30, 300), null, ...repeat(30, 300)]],
    ['that varies', wavy(300, 0.05)],
    ['with a dip', [...repeat(40, 300), ...repeat(5, 200), ...repeat(15, 300)]],
    ['of a line that carried more a while ago', [...repeat(5, 400), ...repeat(60, 3), ...repeat(60, 300)]],
    ['of silence', repeat(60, 0)],
  ])('is none: %s', (_, rates) => {
    expect(plateauIn(series(rates), threshold)).toBeUndefined()
  })

  it('is none of what varies, reaches the threshold, or is not the highest that was seen', () => {
    const rate = fc.double({ min: 0, max: 600, noNaN: true })
    fc.assert(
      fc.property(fc.array(rate, { minLength: 60, maxLength: 120 }), rate, fc.nat(10), (noise, base, width) => {
        // From wild traffic to a nearly flat line.
        const rates = noise.map((one) => base + (one / 600) * width ** 2)
        const found = plateauIn(series(rates), threshold)
        const minute = rates.slice(-60)
        const mean = minute.reduce((sum, one) => sum + one, 0) / 60
        if (found === undefined) return
        expect(mean).toBeLessThan(475)
        for (let i = 0; i < 60; i += 5) {
          const bin = minute.slice(i, i + 5).reduce((sum, one) => sum + one, 0) / 5
          expect(Math.abs(bin - mean)).toBeLessThanOrEqual(0.03 * mean + 1e-6)
        }
        for (let end = rates.length; end >= 5; end -= 5) {
          const bin = rates.slice(end - 5, end).reduce((sum, one) => sum + one, 0) / 5
          expect(bin).toBeLessThanOrEqual(1.05 * mean + 1e-6)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('rate of a time', () => {
  it('is that of the seconds that touch it', () => {
    expect(rateBetween(series([10, 20, 30, null, 50]), 0.5, 2)).toBe(15e6)
    expect(rateBetween(series([10, null]), 1, 2)).toBeUndefined()
  })
})
