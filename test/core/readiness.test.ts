import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  degradedLevel,
  type LevelQuality,
  liveClassSchema,
  type PathRun,
  qualityOfLevels,
  readinessOf,
} from '../../core/readiness.ts'

const needs = liveClassSchema.parse({})
const plenty = { downBps: 100e6, upBps: 100e6 }

const quality = (level: string, rttMs: number | null, more: Partial<LevelQuality> = {}): LevelQuality => ({
  level,
  rttSeconds: rttMs === null ? null : rttMs / 1000,
  jitterSeconds: rttMs === null ? null : 0.002,
  lossRatio: rttMs === null ? 1 : 0,
  burstLossRatio: rttMs === null ? null : 0,
  sent: 2400,
  ...more,
})
const path = (...changed: LevelQuality[]) =>
  [
    quality('site', 1),
    quality('district', 4),
    quality('city', 8),
    quality('province', 15),
    quality('internet', 30),
  ].map((usual) => changed.find(({ level }) => level === usual.level) ?? usual)

describe('level at which a path degrades', () => {
  it.each([
    ['none of a good path', path(), undefined],
    ['none of nothing', [], undefined],
    ['the one that adds delay', path(quality('city', 90), quality('province', 97)), 'city'],
    [
      'the one that adds loss',
      path(
        quality('district', 4, { lossRatio: 0.03 }),
        quality('city', 8, { lossRatio: 0.03 }),
        quality('province', 15, { lossRatio: 0.04 }),
      ),
      'district',
    ],
    ['the one that adds jitter', path(quality('province', 15, { jitterSeconds: 0.03 })), 'province'],
    ['not a slow target that the levels behind it do not suffer from', path(quality('district', 200)), undefined],
    ['not a deaf target that others lie behind', path(quality('city', null)), undefined],
    [
      'the first that nothing comes back from, nor from behind it',
      path(quality('city', null), quality('province', null)),
      'city',
    ],
    ['the last, too', path(quality('province', null)), 'province'],
    ['the internet by itself', path(quality('internet', 30, { lossRatio: 0.2 })), 'internet'],
    [
      'not the internet for what the district does',
      path(quality('district', 80), quality('city', 85), quality('province', 90), quality('internet', 100)),
      'district',
    ],
    ['the far end when little is known', [quality('district', 4), quality('province', 80)], 'province'],
  ])('is %s', (_, qualities, level) => {
    expect(degradedLevel(qualities, needs)).toBe(level)
  })

  it('is none as long as every level adds less than it may', () => {
    const step = fc.record({
      rtt: fc.double({ min: 0, max: 0.059, noNaN: true }),
      loss: fc.double({ min: 0, max: 0.0099, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 4 }), (steps) => {
        let [rtt, loss] = [0, 0]
        const qualities = ['site', 'district', 'city', 'province'].map((level, i) => {
          rtt += steps[i]?.rtt ?? 0
          loss += steps[i]?.loss ?? 0
          return quality(level, rtt * 1000, { lossRatio: loss })
        })
        expect(degradedLevel(qualities, needs)).toBeUndefined()
      }),
    )
  })
})

describe('readiness for a live class', () => {
  const to = (rttMs: number, more: Partial<LevelQuality> = {}) => [
    quality('district', 4),
    quality('province', rttMs, more),
  ]

  it.each([
    ['good on a good path', to(15), plenty, 'good', []],
    ['good at the limits', to(100, { jitterSeconds: 0.03, lossRatio: 0.001, burstLossRatio: 0.1 }), plenty, 'good', []],
    ['limited by delay', to(120), plenty, 'limited', ['rtt']],
    ['poor by delay', to(151), plenty, 'poor', ['rtt']],
    ['limited by jitter', to(15, { jitterSeconds: 0.09 }), plenty, 'limited', ['jitter']],
    ['limited by loss', to(15, { lossRatio: 0.002 }), plenty, 'limited', ['loss']],
    ['poor by loss', to(15, { lossRatio: 0.02 }), plenty, 'poor', ['loss']],
    ['limited by bunched loss', to(15, { lossRatio: 0.001, burstLossRatio: 0.4 }), plenty, 'limited', ['burst_loss']],
    ['good when one of few pings was lost', to(15, { lossRatio: 1 / 150, sent: 150 }), plenty, 'good', []],
    ['poor when many of few pings were lost', to(15, { lossRatio: 0.05, sent: 150 }), plenty, 'poor', ['loss']],
    ['poor when nothing comes back', [quality('province', null)], plenty, 'poor', ['unreachable']],
    ['limited by a busy line', to(15), { downBps: 6e6, upBps: 100e6 }, 'limited', ['free_down']],
    ['poor on a full line', to(15), { downBps: 100e6, upBps: 1e6 }, 'poor', ['free_up']],
    ['good when nobody knows what is free', to(15), { downBps: null, upBps: null }, 'good', []],
    ['the worst of all reasons', to(120, { lossRatio: 0.5 }), plenty, 'poor', ['rtt', 'loss']],
  ])('is %s', (_, qualities, free, state, reasons) => {
    expect(readinessOf(qualities, free, needs)).toEqual({ state, level: 'province', reasons })
  })

  it('is that of the farthest level that is measured', () => {
    expect(readinessOf([quality('internet', 500), quality('city', 8)], plenty, needs)).toMatchObject({
      state: 'good',
      level: 'city',
    })
    expect(readinessOf([quality('internet', 500)], plenty, needs)).toMatchObject({ state: 'poor', level: 'internet' })
    expect(readinessOf([], plenty, needs)).toEqual({ state: 'unknown', level: undefined, reasons: [] })
  })
})

describe('quality of a level', () => {
  const run = (more: Partial<PathRun>): PathRun => ({
    level: 'city',
    target: 'a',
    rttSeconds: 0.01,
    jitterSeconds: 0.001,
    lossRatio: 0,
    burstLossRatio: null,
    sent: 10,
    ...more,
  })

  it('weighs runs by their packets, and takes the worst burst', () => {
    const stream = { sent: 990, rttSeconds: 0.02, jitterSeconds: 0.004, lossRatio: 0.01, burstLossRatio: 0.3 }
    expect(
      qualityOfLevels([run({ jitterSeconds: 0.5 }), run(stream), run({ ...stream, burstLossRatio: 0.1, sent: 0 })]),
    ).toEqual([
      {
        level: 'city',
        sent: 1000,
        lossRatio: expect.closeTo(0.0099),
        rttSeconds: expect.closeTo(0.0199),
        // Ten pings half a second apart tell less of jitter than a stream.
        jitterSeconds: 0.004,
        burstLossRatio: 0.3,
      },
    ])
  })

  it('is that of its best target', () => {
    const dead = { target: 'b', rttSeconds: null, jitterSeconds: null, lossRatio: 1 }
    expect(qualityOfLevels([run({}), run(dead)])).toMatchObject([{ level: 'city', lossRatio: 0, rttSeconds: 0.01 }])
    expect(qualityOfLevels([run(dead)])).toMatchObject([{ level: 'city', lossRatio: 1, rttSeconds: null }])
  })
})
