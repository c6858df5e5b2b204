import { describe, expect, it } from 'vitest'
import { decide } from '../../../agent/bandwidth/decide.ts'
import type { Observation } from '../../../agent/bandwidth/observer.ts'
import type { Point, Rule } from '../../../agent/bandwidth/sequential.ts'

const rule: Rule = {
  thresholdBps: 95e6,
  confidence: 0.999,
  toleranceRatio: 0.005,
  maxSeconds: 10,
  rttSeconds: 0.02,
  timingSeconds: 0.02,
}

/** A rate, 20 points a second; of the bits, `missing` are not told of until `until`. */
function curve(bps: number, seconds: number, missing = 0, until = 0): Point[] {
  return Array.from({ length: Math.round(seconds * 20) + 1 }, (_, i) => {
    const at = i / 20
    return { seconds: at, bits: Math.max(0, bps * at - (at < until ? missing : 0)) }
  })
}

function upload(points: Point[], sentPoints?: Point[]): Observation {
  return {
    points,
    ...(sentPoints !== undefined && { sentPoints }),
    method: 'acknowledged',
    otherBps: 0,
    retransmitRatio: 0,
  }
}

describe('an upload alone on its line', () => {
  it('is met when what was acknowledged has left here', () => {
    expect(decide(upload(curve(100e6, 2), curve(101e6, 2)), rule, undefined)).toMatchObject({ decision: 'met' })
  })

  it('proves nothing by what a stall had held back', () => {
    // 1.6 MB are acknowledged in the middle that had arrived before: 100 Mbit/s on a line of 90.
    const stalled = curve(90e6, 3, 13e6, 1.5).map((point) => ({
      ...point,
      bits: point.bits + (point.seconds / 3) * 13e6,
    }))
    expect(decide(upload(stalled), rule, undefined).rateBps).toBeGreaterThan(93e6)
    const known = decide(upload(stalled, curve(90e6, 3)), rule, undefined)
    expect(known.decision).not.toBe('met')
    expect(known.rateBps / 90e6).toBeCloseTo(1, 6)
  })

  it('proves nothing by what a testpoint claims to have received', () => {
    const claimed = decide(upload(curve(1e9, 2), curve(40e6, 2)), rule, undefined)
    expect(claimed.decision).toBe('open')
    expect(claimed.rateBps / 40e6).toBeCloseTo(1, 6)
  })

  it('is believed where there is no counter', () => {
    expect(decide(upload(curve(100e6, 2)), rule, undefined)).toMatchObject({ decision: 'met' })
  })
})
