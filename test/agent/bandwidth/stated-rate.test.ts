import { describe, expect, it } from 'vitest'
import type { Judged } from '../../../agent/bandwidth/decide.ts'
import type { Observation } from '../../../agent/bandwidth/observer.ts'
import type { Rule } from '../../../agent/bandwidth/sequential.ts'
import { statedRate } from '../../../agent/bandwidth/stated-rate.ts'

const rule: Rule = {
  thresholdBps: 95e6,
  confidence: 0.999,
  toleranceRatio: 0.005,
  maxSeconds: 8,
  rttSeconds: 0.02,
  timingSeconds: 0.02,
}
const estimate: Judged = {
  decision: 'met',
  rateBps: 98e6,
  marginRatio: 0.02,
  plateauFrom: 1,
  plateauSeconds: 2,
  variationRatio: 0.01,
}
/** Points of a rate, 30 in a second, that wobble by some bits; twice as fast before the plateau. */
const pointsOf = (bps: number, seconds = 3, wobble = 0) =>
  Array.from({ length: Math.round(seconds * 30) }, (_, i) => ({
    seconds: i / 30,
    bits: (bps * i) / 30 + (i < 30 ? (i / 30 - 1) * bps : 0) + (i % 2 ? wobble : -wobble),
  }))
const said: Observation = { points: [], method: 'acknowledged', otherBps: 0, retransmitRatio: 0 }

describe('the rate that a result states', () => {
  it('is what the decision rests on, where nothing else tells', () => {
    expect(statedRate(said, estimate, rule)).toBe(98e6)
  })

  it('is the mean of that and of what was through, from where the plateau begins', () => {
    const throughPoints = pointsOf(100e6, 3, 200_000)
    expect(statedRate({ ...said, throughPoints }, estimate, rule) / 99e6).toBeCloseTo(1, 3)
  })

  it('leans on what was through where acknowledgements were late', () => {
    const throughPoints = pointsOf(100e6)
    const late = statedRate({ ...said, throughPoints }, { ...estimate, marginRatio: 0.1 }, rule)
    expect(late / (0.1 * 98e6 + 0.9 * 100e6)).toBeCloseTo(1, 3)
  })

  it('is not moved by a few answers', () => {
    expect(statedRate({ ...said, throughPoints: pointsOf(100e6, 1.5) }, estimate, rule)).toBe(98e6)
  })

  it.each([
    [50e6, 98e6 * 0.98],
    [200e6, 98e6 * 1.02],
  ])('never leaves what the decision was sure of: %f bit/s seen through', (bps, bound) => {
    expect(statedRate({ ...said, throughPoints: pointsOf(bps) }, estimate, rule)).toBeCloseTo(bound, 0)
  })

  it('is the most likely one beside others', () => {
    const likelyPoints = pointsOf(97e6)
    expect(statedRate({ ...said, likelyPoints, throughPoints: pointsOf(100e6) }, estimate, rule) / 97e6).toBeCloseTo(
      1,
      3,
    )
  })
})
