import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge, type Point, type Rule } from '../../../agent/bandwidth/sequential.ts'

const rule: Rule = {
  thresholdBps: 95e6,
  confidence: 0.999,
  toleranceRatio: 0.005,
  maxSeconds: 10,
  rttSeconds: 0.001,
  timingSeconds: 0,
}

/** A deterministic source of normal deviates. */
function normals(seed: number): () => number {
  let state = seed >>> 0 || 1
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

type Line = { rate: number; noise?: number; memory?: number; rampSeconds?: number; burstBits?: number; seed: number }

/** Points of a made-up line, 20 a second: a ramp, a first burst, noise with a memory from one sample to the next. */
function line({ rate, noise = 0.01, memory = 0, rampSeconds = 0.1, burstBits = 0, seed }: Line): Point[] {
  const next = normals(seed)
  const points: Point[] = [{ seconds: 0, bits: 0 }]
  let bits = 0
  let error = 0
  for (let i = 1; i <= 200; i++) {
    const seconds = i * 0.05
    error = memory * error + Math.sqrt(1 - memory ** 2) * noise * next()
    const ramp = Math.min(1, seconds / Math.max(rampSeconds, 0.05))
    bits += rate * ramp * Math.max(0, 1 + error) * 0.05 + (i === 2 ? burstBits : 0)
    points.push({ seconds, bits })
  }
  return points
}

/** Looks at the points as they come, as a test does. */
function run(points: readonly Point[], given: Rule = rule) {
  for (let n = 1; n <= points.length; n++) {
    const estimate = judge(points.slice(0, n), given)
    if (estimate.decision !== 'open') return { ...estimate, seconds: points[n - 1]?.seconds ?? 0 }
  }
  return { ...judge(points, given), seconds: 10 }
}

describe('judge', () => {
  it('is open before there is anything to look at', () => {
    expect(judge([], rule).decision).toBe('open')
    expect(judge([{ seconds: 0, bits: 0 }], rule).decision).toBe('open')
  })

  it.each([98, 100, 105, 150, 200])('proves a line at %i %% within 1.5 s', (percent) => {
    const result = run(line({ rate: percent * 1e6, seed: percent }))
    expect(result.decision).toBe('met')
    expect(result.seconds).toBeLessThan(1.5)
  })

  it.each([50, 80, 90, 92])('is sure of a line at %i %% within 3 s', (percent) => {
    const result = run(line({ rate: percent * 1e6, seed: percent }))
    expect(result.decision).toBe('below')
    expect(result.seconds).toBeLessThan(3)
  })

  it('calls a line at the threshold marginal, and does not use all its time for that', () => {
    const result = run(line({ rate: 95e6, seed: 5 }))
    expect(result.decision).toBe('marginal')
    expect(result.seconds).toBeLessThan(5)
  })

  it('does not take a slow start for a slow line', () => {
    const result = run(line({ rate: 100e6, rampSeconds: 3, seed: 3 }))
    expect(result.decision).toBe('met')
  })

  it('waits for a long path before it accuses', () => {
    const result = run(line({ rate: 80e6, seed: 8 }), { ...rule, rttSeconds: 0.1 })
    expect(result.decision).toBe('below')
    expect(result.seconds).toBeGreaterThanOrEqual(4)
  })

  it('is not taken in by a first burst', () => {
    const result = run(line({ rate: 92e6, burstBits: 20e6, seed: 9 }))
    expect(result.decision).toBe('below')
  })

  it('does not accuse a line that carried the threshold for a second', () => {
    const points = line({ rate: 88e6, noise: 0.001, seed: 4 })
    const lifted = points.map(({ seconds, bits }) => ({
      seconds,
      bits: bits + Math.max(0, Math.min(seconds - 0.8, 1.2)) * 12e6,
    }))
    expect(run(lifted.slice(0, 100)).decision).not.toBe('below')
  })

  it('reads rates by the measured times when samples come late', () => {
    const points = line({ rate: 100e6, noise: 0.002, seed: 6 }).filter(
      (_, index) => index % 7 === 0 || index % 11 === 0,
    )
    const result = run(points)
    expect(result.decision).toBe('met')
    expect(result.rateBps / 100e6).toBeCloseTo(1, 2)
  })

  it('is wrong in fewer than one of a hundred noisy lines, whatever the noise and its memory', () => {
    let wrong = 0
    let runs = 0
    fc.assert(
      fc.property(
        fc.record({
          percent: fc.oneof(
            fc.double({ min: 60, max: 94, noNaN: true }),
            fc.double({ min: 96, max: 220, noNaN: true }),
          ),
          noise: fc.double({ min: 0.001, max: 0.08, noNaN: true }),
          memory: fc.double({ min: 0, max: 0.8, noNaN: true }),
          rampSeconds: fc.double({ min: 0.05, max: 1, noNaN: true }),
          seed: fc.integer({ min: 1, max: 2 ** 31 }),
        }),
        ({ percent, ...shape }) => {
          const { decision } = run(line({ ...shape, rate: percent * 1e6 }))
          runs += 1
          if (decision === (percent < 95 ? 'met' : 'below')) wrong += 1
        },
      ),
      { numRuns: 400, seed: 42 },
    )
    expect(runs).toBe(400)
    expect(wrong).toBeLessThanOrEqual(4)
  })
})

/** Acknowledgements that wait up to `lateness` for others before them: stalls, and then all at once. */
function lateLine(rate: number, lateness: number, seed: number): Point[] {
  const next = normals(seed)
  const points: Point[] = [{ seconds: 0, bits: 0 }]
  let late = 0
  let bits = 0
  for (let i = 1; i <= 200; i++) {
    const seconds = i * 0.05
    late = next() > 0.8 ? lateness * Math.min(1, Math.abs(next())) : late * 0.3
    bits = Math.max(bits, rate * Math.max(0, seconds - late))
    points.push({ seconds, bits })
  }
  return points
}

describe('judge with late points', () => {
  const late: Rule = { ...rule, timingSeconds: 0.05 }
  const seeds = Array.from({ length: 100 }, (_, index) => index + 1)
  const decisions = (rate: number) => seeds.map((seed) => run(lateLine(rate, 0.05, seed), late))

  it.each([80, 90, 92])('is sure of a line at %i %%, and of no other thing', (percent) => {
    const results = decisions(percent * 1e6)
    expect(results.filter(({ decision }) => decision === 'met')).toEqual([])
    expect(results.filter(({ decision }) => decision === 'below').length).toBeGreaterThanOrEqual(98)
  })

  it.each([98, 100, 105])('proves a line at %i %%, and never accuses it', (percent) => {
    const results = decisions(percent * 1e6)
    expect(results.filter(({ decision }) => decision === 'below')).toEqual([])
    expect(results.filter(({ decision }) => decision === 'met').length).toBeGreaterThanOrEqual(98)
  })

  it('needs longer for the same certainty than with points that are on time', () => {
    const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] as number
    const onTime = seeds.map((seed) => run(line({ rate: 98e6, seed })).seconds)
    expect(median(decisions(98e6).map(({ seconds }) => seconds))).toBeGreaterThan(median(onTime))
  })

  it('does not take a catching up after a stall for a line that carried the threshold', () => {
    const points = lateLine(90e6, 0, 1).map((point, i) => (i === 30 ? { ...point, bits: point.bits - 4.5e6 } : point))
    expect(run(points, { ...late, timingSeconds: 0.05 }).decision).toBe('below')
  })
})
