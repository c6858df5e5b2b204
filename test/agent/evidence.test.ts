import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createEvidence, type Evidence } from '../../agent/evidence.ts'
import { causes, methods, outcomes, type Sample, triggers } from '../../core/catalog.ts'
import type { Slice } from '../../core/slice.ts'

/** Monday 2026-11-23 00:00 in Shanghai, and a lesson from 08:00 on. */
const midnight = Date.UTC(2026, 10, 22, 16)
const morning = midnight + 8 * 3_600_000
const day = 86_400_000

const slice: Slice = {
  v: 1,
  revision: 'r1',
  site: { id: 's', name: { en: 'S', zh: 'S' } },
  timezone: 'Asia/Shanghai',
  schedule: {
    utc_offset_seconds: 28_800,
    offset_changes: [],
    lessons: Array.from({ length: 7 }, () => [[480, 1020]]),
    exceptions: {},
  },
  threshold_ratio: 0.95,
  trials_per_day: 3,
  links: [
    {
      id: 'wan',
      targets: [
        { direction: 'down', target_bps: 500e6 },
        { direction: 'up', target_bps: 500e6 },
      ],
    },
  ],
  testpoints: [],
  paths: [],
  services: [],
  terminals: [],
}

let evidence: Evidence
let found: Sample<'bandwidth'>[]
let wall: number
let monotonic: number
let lastLoaded: number

beforeEach(() => {
  wall = morning
  monotonic = 1e6
  lastLoaded = Number.NEGATIVE_INFINITY
  found = []
  evidence = createEvidence({
    now: () => wall,
    monotonic: () => monotonic,
    lastLoaded: () => lastLoaded,
    onSamples: (samples) => found.push(...(samples as Sample<'bandwidth'>[])),
  })
  evidence.configure(slice)
})

const bytes = (mbps: number) => (mbps * 1e6) / 8
function pass(seconds: number, down: number, up = 1): void {
  for (let i = 0; i < seconds; i++) {
    wall += 1000
    monotonic += 1000
    evidence.observe('wan', 'lo', {
      seconds: 1,
      rxBytes: bytes(down),
      txBytes: bytes(up),
      rxPackets: bytes(down) / 1500,
      txPackets: bytes(up) / 1500,
    })
  }
}
function ping(rttMs: number | null, options: { level?: string; lost?: number; target?: string } = {}): void {
  const { level = 'district', lost = 0, target = level } = options
  const fields = {
    rtt_mean_seconds: rttMs === null ? null : rttMs / 1000,
    sent_count: 10,
    loss_ratio: rttMs === null ? 1 : lost / 10,
    up: 1,
  }
  evidence.heard([{ measurement: 'path', tags: { level, target }, fields }])
}
/** Minutes of an idle line, pinged once in each. */
function idle(minutes: number, rttMs: number): void {
  for (let i = 0; i < minutes; i++) {
    pass(60, 2)
    ping(rttMs)
  }
}
/** A full minute with a ping in it. */
function full(down: number, up: number, rttMs: number | null): void {
  pass(40, down, up)
  ping(rttMs)
  pass(30, down, up)
}

describe('ordinary traffic at the target', () => {
  it('proves it without a byte, and the day’s tests in that direction are not needed', () => {
    pass(30, 100)
    expect(evidence.isProven('wan', 'down')).toBe(false)
    pass(10, 480)
    expect(found).toEqual([
      {
        measurement: 'bandwidth',
        time: wall - 10_000,
        tags: { link: 'wan', direction: 'down', testpoint: 'none' },
        fields: expect.objectContaining({
          outcome: outcomes.met,
          cause: causes.none,
          method: methods.passive,
          trigger: triggers.passive,
          target_bps: 500e6,
          transferred_bytes: 0,
          link_rate_bps: expect.closeTo(480e6),
          duration_seconds: expect.closeTo(10),
        }),
      },
    ])
    expect(evidence.isProven('wan', 'down')).toBe(true)
    expect(evidence.isProven('wan', 'up')).toBe(false)
    expect(evidence.isProven('other', 'down')).toBe(false)
  })

  it('is said once a day and direction', () => {
    pass(60, 490)
    pass(60, 2)
    pass(60, 490)
    expect(found).toHaveLength(1)
    wall += day
    expect(evidence.isProven('wan', 'down')).toBe(false)
    pass(1, 490)
    expect(found).toHaveLength(2)
  })

  it('does not prove a target that was raised since', () => {
    pass(10, 480)
    const targets = [{ direction: 'down' as const, target_bps: 1e9 }]
    evidence.configure({ ...slice, links: [{ id: 'wan', targets }] })
    expect(evidence.isProven('wan', 'down')).toBe(false)
    pass(30, 480)
    expect(found).toHaveLength(1)
  })

  it('is none while a test of our own runs, nor right after it', () => {
    for (let i = 0; i < 30; i++) {
      lastLoaded = monotonic + 1000
      pass(1, 600)
    }
    pass(2, 600)
    expect(found).toEqual([])
    pass(8, 600)
    expect(found).toEqual([])
    pass(2, 600)
    expect(found).toHaveLength(1)
  })

  it('proves an upload only when it got through: a full line drops behind the counter', () => {
    pass(30, 2, 600)
    expect(found).toEqual([])
    ping(40, { lost: 3 })
    ping(40, { level: 'city', lost: 2 })
    pass(10, 2, 600)
    expect(found).toEqual([])
    pass(10, 2, 2)
    pass(20, 2, 480)
    ping(20)
    ping(20, { level: 'city' })
    pass(1, 2, 480)
    expect(found).toMatchObject([{ tags: { direction: 'up' }, fields: { outcome: outcomes.met } }])
  })

  it('does not take pings from before the upload for its witnesses, nor those inside the school', () => {
    ping(20)
    ping(20, { level: 'city' })
    pass(5, 2, 480)
    for (const target of ['a', 'b', 'c']) ping(20, { level: 'site', target })
    pass(20, 2, 480)
    expect(found).toEqual([])
  })

  it('says nothing of a link that nobody gave a target', () => {
    evidence.configure(undefined)
    pass(60, 600)
    expect(found).toEqual([])
    expect(evidence.isProven('wan', 'down')).toBe(false)
  })
})

describe('a line that is full below its target', () => {
  it('is evidence against it when round trips rise with it', () => {
    idle(5, 8)
    full(300, 5, 40)
    expect(found).toMatchObject([
      {
        tags: { link: 'wan', direction: 'down', testpoint: 'none' },
        fields: {
          outcome: outcomes.below,
          cause: causes.none,
          method: methods.passive,
          trigger: triggers.passive,
          link_rate_bps: expect.closeTo(300e6),
          rtt_idle_seconds: 0.008,
          rtt_loaded_seconds: 0.04,
          transferred_bytes: 0,
        },
      },
    ])
    expect(evidence.isProven('wan', 'down')).toBe(false)
    full(300, 5, 40)
    expect(found).toHaveLength(1)
  })

  it('is the same for an upload', () => {
    idle(5, 8)
    full(5, 200, 60)
    expect(found).toMatchObject([{ tags: { direction: 'up' }, fields: { outcome: outcomes.below } }])
  })

  it.each([
    ['round trips that stay', () => (idle(5, 8), full(300, 5, 9))],
    ['no round trips during it', () => (idle(5, 8), pass(90, 300, 5))],
    ['pings that are all lost', () => (idle(5, 8), full(300, 5, null))],
    ['a round trip that is no number', () => (idle(5, 8), full(300, 5, Number.NaN))],
    ['too little known of the idle line', () => (idle(2, 8), full(300, 5, 40))],
    ['round trips that are long without it, too', () => (idle(5, 40), full(300, 5, 42))],
    ['a camera that sends all day', () => (pass(600, 300, 5), ping(8), pass(600, 300, 5), ping(40), pass(60, 300, 5))],
    ['a stream of a tenth of the target', () => (idle(5, 8), full(40, 0.5, 40))],
    ['the other direction full as well', () => (idle(5, 8), full(300, 100, 40))],
    ['a higher rate not long ago', () => (idle(3, 8), pass(10, 400), idle(3, 8), full(300, 5, 40))],
    [
      'a rise farther away only',
      () => {
        for (let i = 0; i < 5; i++) {
          idle(1, 8)
          ping(20, { level: 'city' })
        }
        pass(40, 300, 5)
        ping(8)
        ping(90, { level: 'city' })
        pass(30, 300, 5)
      },
    ],
    [
      'a rise inside the school only',
      () => {
        for (let i = 0; i < 5; i++) {
          pass(60, 2)
          ping(1, { level: 'site' })
        }
        pass(40, 300, 5)
        ping(90, { level: 'site' })
        pass(30, 300, 5)
      },
    ],
  ])('is no evidence with %s', (_, happen) => {
    happen()
    expect(found).toEqual([])
  })

  it('is watched in lessons only: at other times tests may run', () => {
    wall = midnight
    idle(5, 8)
    full(300, 5, 40)
    expect(found).toEqual([])
  })

  it('is never said without a rise of the round trips, whatever the traffic', () => {
    const minute = fc.record({ down: fc.double({ min: 0, max: 470, noNaN: true }), rtt: fc.double({ min: 8, max: 9 }) })
    fc.assert(
      fc.property(fc.array(minute, { minLength: 8, maxLength: 15 }), (minutes) => {
        evidence.configure(undefined)
        evidence.configure(slice)
        found = []
        for (const { down, rtt } of minutes) full(down, 1, rtt)
        expect(found).toEqual([])
      }),
      { numRuns: 30 },
    )
  })
})
