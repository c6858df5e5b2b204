import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { Job, Probe } from '../../agent/probe.ts'
import { createScheduler, type Scheduler } from '../../agent/scheduler.ts'
import { failures, type Sample } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'

const minute = 60_000
/** 2026-11-23 00:00 UTC, a full minute of everything. */
const start = Date.UTC(2026, 10, 23)

type Made = { probe: string; at: number; failure: number | null | undefined }
let lines: { level: number; msg: string; reason?: string }[]
let made: Made[]
let stepMs: number
let scheduler: Scheduler

const now = () => Date.now() + stepMs

function schedulerOf(agent: string, onSamples?: (samples: Sample[]) => void): Scheduler {
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const exec = () => Promise.reject(new AppError('tool_missing', 'nothing to run'))
  const keep = (samples: Sample[], job: Job) => {
    for (const sample of samples) {
      if (sample.measurement === 'probe') made.push({ probe: job.id, at: now(), failure: sample.fields.failure })
    }
  }
  return createScheduler({ agent, context: { log, exec, now }, onSamples: onSamples ?? keep })
}

type Behaviour = { seconds?: number; link?: Probe['link']; continuous?: boolean; fails?: () => boolean }
type Span = { id: string; from: number; to: number; aborted: boolean }
let spans: Span[]

/** A probe that takes its time and ends at once when it is aborted. */
function jobOf(
  id: string,
  intervalSeconds: number,
  { seconds = 1, link = 'any', continuous = false, fails }: Behaviour = {},
): Job {
  const probe: Probe = {
    type: 'test',
    description: 'A probe of this test.',
    config: z.strictObject({}),
    link,
    continuous,
    run: (_, { signal }) =>
      new Promise((resolve, reject) => {
        const span = { id, from: now(), to: Number.NaN, aborted: false }
        spans.push(span)
        const end = (aborted: boolean) => {
          span.to = now()
          span.aborted = aborted
          if (aborted || fails?.()) reject(new AppError('probe_failed', 'the cable is cut'))
          else resolve([])
        }
        const timer = setTimeout(() => end(false), seconds * 1000)
        signal.addEventListener('abort', () => {
          clearTimeout(timer)
          end(true)
        })
      }),
  }
  return { id, probe, config: {}, intervalSeconds, timeoutSeconds: 3600 }
}

const startsOf = (id: string) => spans.filter((span) => span.id === id).map((span) => span.from)
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers({ now: start })
  lines = []
  made = []
  spans = []
  stepMs = 0
  scheduler = schedulerOf('agent-1')
})
afterEach(async () => {
  await scheduler.stop()
  vi.useRealTimers()
})

describe('schedule', () => {
  it('runs a new job within seconds, and then once an interval in a phase of its own', async () => {
    scheduler.apply([jobOf('path', 60)])
    await pass(10 * minute)
    const [first = 0, ...rest] = startsOf('path')
    expect(first - start).toBeLessThan(3001)
    expect(rest.length).toBeGreaterThanOrEqual(9)
    const phases = new Set(rest.map((at) => at % minute))
    expect(phases.size).toBe(1)
  })

  it('keeps the phase over a restart at another moment', async () => {
    scheduler.apply([jobOf('path', 60)])
    await pass(5 * minute)
    const phase = (startsOf('path').at(-1) as number) % minute
    await scheduler.stop()
    await pass(17_345)
    spans = []
    scheduler = schedulerOf('agent-1')
    scheduler.apply([jobOf('path', 60)])
    await pass(5 * minute)
    expect((startsOf('path').at(-1) as number) % minute).toBe(phase)
  })

  it('leaves at least half an interval between the first run and the first slot', async () => {
    for (let i = 0; i < 20; i++) {
      spans = []
      const one = schedulerOf(`agent-${i}`)
      one.apply([jobOf('path', 60)])
      await pass(3 * minute)
      const [first = 0, second = 0] = startsOf('path')
      expect(second - first).toBeGreaterThanOrEqual(minute / 2)
      await one.stop()
    }
  })

  it('spreads the schools over the interval', async () => {
    const schools = Array.from({ length: 200 }, (_, i) => schedulerOf(`school-${i}`))
    for (const one of schools) one.apply([jobOf('path', 60, { seconds: 0.001 })])
    await pass(2 * minute)
    spans = []
    await pass(minute)
    const tenths = new Array<number>(10).fill(0)
    for (const at of startsOf('path')) tenths[Math.floor(((at - start) % minute) / 6000)]! += 1
    expect(startsOf('path')).toHaveLength(200)
    expect(Math.min(...tenths)).toBeGreaterThan(5)
    expect(Math.max(...tenths)).toBeLessThan(40)
    await Promise.all(schools.map((one) => one.stop()))
  })

  it('does not fire a burst when the clock is set forward or back, and finds its phase again', async () => {
    scheduler.apply([jobOf('path', 300)])
    await pass(20 * minute)
    const phase = (startsOf('path').at(-1) as number) % (5 * minute)
    for (const step of [3_600_000, -7_200_000, 90_000, -45_000]) {
      spans = []
      stepMs += step
      await pass(30 * minute)
      expect(startsOf('path').length).toBeGreaterThanOrEqual(5)
      expect(startsOf('path').length).toBeLessThanOrEqual(7)
      expect((startsOf('path').at(-1) as number) % (5 * minute)).toBe(phase)
    }
  })

  it('skips a slot when the run before is not over, says it once, and says when it works again', async () => {
    let seconds = 200
    const job = jobOf('slow', 60)
    const { run } = job.probe
    job.probe.run = (config, context) =>
      seconds === 1 ? run(config, context) : jobOf('slow', 60, { seconds }).probe.run(config, context)
    scheduler.apply([job])
    await pass(190_000)
    expect(made).toEqual([{ probe: 'slow', at: expect.any(Number), failure: failures.skipped }])
    seconds = 1
    await pass(3 * minute)
    expect(made.slice(1).every(({ failure }) => failure === failures.none)).toBe(true)
    expect(lines.map(({ msg }) => msg)).toEqual(['A probe does not work.', 'A probe works again.'])
  })

  it('logs a failure with its reason on change of state, not on each run', async () => {
    let broken = true
    scheduler.apply([jobOf('path', 60, { fails: () => broken })])
    await pass(5 * minute)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 40, reason: 'the cable is cut' })
    broken = false
    await pass(5 * minute)
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatchObject({ level: 30 })
  })

  it('goes on when samples cannot be taken in, and says that they are lost', async () => {
    const full = schedulerOf('agent-2', () => {
      throw new AppError('io', 'no space')
    })
    full.apply([jobOf('path', 60)])
    await pass(3 * minute)
    expect(startsOf('path').length).toBeGreaterThanOrEqual(2)
    expect(lines[0]).toMatchObject({ level: 50, reason: 'no space' })
    await full.stop()
  })
})

describe('continuous probe', () => {
  it('begins again as soon as a run has worked', async () => {
    scheduler.apply([jobOf('wan', 60, { seconds: 60, continuous: true })])
    await pass(10 * minute)
    const ended = spans.filter((span) => !Number.isNaN(span.to))
    expect(ended.length).toBeGreaterThanOrEqual(9)
    for (const [i, { to }] of ended.entries()) {
      // A timer of 0 ms takes 1 ms.
      const next = spans[i + 1]
      if (next !== undefined) expect(next.from - to).toBeLessThanOrEqual(1)
    }
    expect(made.every(({ failure }) => failure === failures.none)).toBe(true)
  })

  it('waits for its interval after a failure, and never turns into a busy loop', async () => {
    let broken = true
    scheduler.apply([jobOf('wan', 60, { seconds: 0, continuous: true, fails: () => broken })])
    await pass(5 * minute)
    expect(startsOf('wan').length).toBeLessThanOrEqual(6)
    broken = false
    await pass(minute)
    spans = []
    await pass(minute)
    expect(startsOf('wan').length).toBeLessThanOrEqual(60)
  })
})

describe('job list', () => {
  it('keeps an unchanged job running, aborts a removed one, restarts a changed one', async () => {
    const [kept, removed, changed] = ['kept', 'removed', 'changed'].map((id) => jobOf(id, 600, { seconds: 100 })) as [
      Job,
      Job,
      Job,
    ]
    scheduler.apply([kept, removed, changed])
    await pass(5000)
    scheduler.apply([{ ...kept }, { ...changed, config: { more: 1 } }])
    await pass(5000)
    const byId = (id: string) => spans.filter((span) => span.id === id)
    expect(byId('kept')).toHaveLength(1)
    expect(byId('kept')[0]?.aborted).toBe(false)
    expect(byId('removed').map((span) => span.aborted)).toEqual([true])
    expect(byId('changed').map((span) => span.aborted)).toEqual([true, false])
    await pass(20 * minute)
    expect(byId('removed')).toHaveLength(1)
    expect(made.filter(({ probe }) => probe === 'removed')).toEqual([])
  })

  it('lets a job wait for its slot that asks for it', async () => {
    scheduler.apply([{ ...jobOf('bandwidth', 3600), firstRun: 'in phase' }])
    await pass(60 * minute)
    const [first = 0, ...more] = startsOf('bandwidth')
    expect(more).toEqual([])
    await pass(60 * minute)
    expect((startsOf('bandwidth')[1] as number) - first).toBe(60 * minute)
  })

  it('lets a changed job that loads the link wait for its slot', async () => {
    const job = jobOf('bandwidth', 28_800, { link: 'exclusive' })
    scheduler.apply([job])
    await pass(minute)
    expect(startsOf('bandwidth')).toHaveLength(1)
    scheduler.apply([{ ...job, config: { target: 2 } }])
    await pass(minute)
    expect(startsOf('bandwidth')).toHaveLength(1)
    await pass(480 * minute)
    expect(startsOf('bandwidth')).toHaveLength(2)
  })

  it('refuses two jobs of one id', () => {
    expect(() => scheduler.apply([jobOf('path', 60), jobOf('path', 30)])).toThrow(/same id: path, path/)
  })

  it('runs a job by hand, unless it runs already or is not known', async () => {
    scheduler.apply([jobOf('path', 3600, { seconds: 20 })])
    await pass(minute)
    expect(scheduler.runNow('path')).toBe('started')
    expect(scheduler.runNow('path')).toBe('running')
    expect(scheduler.runNow('other')).toBe('unknown')
    await pass(minute)
    expect(startsOf('path')).toHaveLength(2)
  })

  it('aborts everything on stop, waits for the end, and starts nothing after it', async () => {
    scheduler.apply([jobOf('path', 60, { seconds: 30 }), jobOf('wan', 60, { seconds: 60, continuous: true })])
    await pass(5000)
    await scheduler.stop()
    expect(spans.map((span) => span.aborted)).toEqual([true, true])
    scheduler.apply([jobOf('path', 60)])
    expect(scheduler.runNow('path')).toBe('unknown')
    expect(vi.getTimerCount()).toBe(0)
    expect(made).toEqual([])
  })
})

describe('link', () => {
  it('never measures latency beside a probe that loads the link', async () => {
    scheduler.apply([
      jobOf('bandwidth', 120, { seconds: 25, link: 'exclusive' }),
      jobOf('bandwidth-2', 180, { seconds: 15, link: 'exclusive' }),
      jobOf('path', 30, { seconds: 8, link: 'quiet' }),
      jobOf('terminal', 45, { seconds: 5, link: 'quiet' }),
      jobOf('wan', 60, { seconds: 60, continuous: true }),
    ])
    await pass(30 * minute)
    const loads = spans.filter((span) => span.id.startsWith('bandwidth'))
    const others = spans.filter((span) => span.id !== 'wan')
    for (const load of loads) {
      const beside = others.filter((span) => span !== load && span.from < load.to && span.to > load.from)
      expect(beside).toEqual([])
    }
    expect(loads.length).toBeGreaterThanOrEqual(20)
    expect(startsOf('path').length).toBeGreaterThanOrEqual(40)
    expect(startsOf('wan').length).toBeGreaterThanOrEqual(29)
  })

  it('measures latency first and loads the link after it, at the first start', async () => {
    scheduler.apply([
      jobOf('bandwidth', 28_800, { seconds: 25, link: 'exclusive' }),
      jobOf('path', 60, { seconds: 5, link: 'quiet' }),
    ])
    await pass(minute)
    expect(spans.slice(0, 2).map((span) => span.id)).toEqual(['path', 'bandwidth'])
  })
})
