import { describe, expect, it } from 'vitest'
import { agentConfigSchema } from '../../agent/config.ts'
import { bandwidthSchema } from '../../agent/bandwidth/config.ts'
import { planJobs } from '../../agent/plan.ts'
import type { Probe } from '../../agent/probe.ts'
import { host } from '../../agent/probes/host.ts'
import { cautiousSchedule } from '../../core/calendar.ts'
import type { Slice } from '../../core/slice.ts'

const schedule = { ...cautiousSchedule, exceptions: { '2026-10-01': [] } }
const slice: Slice = {
  v: 1,
  revision: 'r1',
  site: { id: 's', name: { en: 'S', zh: 'S' } },
  timezone: 'Asia/Shanghai',
  schedule,
  threshold_ratio: 0.95,
  trials_per_day: 3,
  links: [{ id: 'wan', targets: [{ direction: 'down', target_bps: 500e6 }] }],
  testpoints: [{ id: 'district-1', level: 'district', type: 'librespeed', url: 'http://192.0.2.1/', priority: 0 }],
  paths: [],
  services: [],
  terminals: [],
}

type Local = { bandwidth?: Record<string, unknown>; limits?: Record<string, unknown> }
async function jobOf(id: string, given: Slice, { bandwidth = {}, limits = {} }: Local = {}) {
  const config = agentConfigSchema.parse({
    agent: 'a-gw1',
    district: 'd1',
    broker: { url: 'mqtt://127.0.0.1:1' },
    probes: { bandwidth },
    limits,
  })
  const self: Probe = { ...(host as Probe), type: 'self' }
  const jobs = await planJobs(given, { config, defaultInterface: () => Promise.resolve('eth0'), self })
  return jobs.find((job) => job.id === id)
}
const bandwidthOf = (given: Slice, local?: Local) => jobOf('bandwidth-wan', given, local)

describe('the bandwidth job', () => {
  it('has slots after the schedule of the site, as many a day as the registry says, and waits for them', async () => {
    const job = await bandwidthOf({ ...slice, trials_per_day: 5 })
    expect(job).toMatchObject({ firstRun: 'in phase', slots: { schedule, perDay: 5 } })
  })

  it('takes cautious hours where an older collector sends no schedule', async () => {
    const { schedule: _, ...older } = slice
    expect((await bandwidthOf(older))?.slots?.schedule).toEqual(cautiousSchedule)
  })

  it('waits for a busy testpoint until forty others have had their turn', async () => {
    const job = await bandwidthOf(slice)
    // Eight at a time of 115 Mbit/s each, five rounds of 15 s, and the longest pause between two questions.
    expect(bandwidthSchema.parse(job?.config).max_wait_seconds).toBeGreaterThanOrEqual(5 * 15 + 30)
    // Two whole waits, and both directions with their confirmation, end before the deadline.
    expect(job?.timeoutSeconds).toBe(300)
  })

  it('runs once at the start where the agent is told so', async () => {
    const job = await bandwidthOf(slice, { bandwidth: { at_start: true } })
    expect(job).toMatchObject({ firstRun: 'soon', slots: { perDay: 3 } })
  })

  it('may use what the local configuration allows a month, kept in the data directory', async () => {
    const job = await bandwidthOf(slice, { limits: { bandwidth_bytes_per_month: '2GB' } })
    expect(job?.config).toMatchObject({ monthly_bytes: 2e9, state_file: '/var/lib/linkbell/bandwidth.json' })
    // 5 GB and 400 s at the target.
    expect((await bandwidthOf(slice))?.config).toMatchObject({ monthly_bytes: 30e9 })
  })

  it.each([
    ['no trial a day', { trials_per_day: 0 }, {}],
    ['no testpoint', { testpoints: [] }, {}],
    ['a probe that is switched off', {}, { enabled: false }],
  ])('is not there with %s', async (_, change, bandwidth) => {
    expect(await bandwidthOf({ ...slice, ...change }, { bandwidth })).toBeUndefined()
  })
})

describe('the stream job', () => {
  const levels = ['site', 'district', 'city', 'province'] as const
  const reflecting = (count: number, targetBps: number): Slice => ({
    ...slice,
    links: [{ id: 'wan', targets: [{ direction: 'down', target_bps: targetBps }] }],
    paths: levels.slice(0, count).map((level) => ({ id: level, level, host: '192.0.2.1', reflector: '192.0.2.1' })),
  })
  /** Runs of 1,500 packets of 106 bytes in a month of 31 days. */
  const monthBytes = (intervalSeconds: number) => ((31 * 86_400) / intervalSeconds) * 1500 * 106

  it('gives each of three levels its turn every five minutes, and pays from the account of the tests', async () => {
    const job = await jobOf('stream', reflecting(3, 100e6))
    expect(job?.intervalSeconds).toBe(100)
    expect(job?.config).toMatchObject({
      budget: { state_file: '/var/lib/linkbell/bandwidth.json', link: 'wan', monthly_bytes: 10e9 },
    })
    expect(monthBytes(100)).toBeLessThan(0.5 * 10e9)
  })

  it('gives turns less often where half of the month would not pay for them', async () => {
    const four = await jobOf('stream', reflecting(4, 100e6))
    expect(four?.intervalSeconds).toBe(86)
    expect(monthBytes(86)).toBeLessThanOrEqual(0.5 * 10e9)
    expect((await jobOf('stream', reflecting(4, 500e6)))?.intervalSeconds).toBe(75)
    const poor = await jobOf('stream', reflecting(1, 100e6), { limits: { bandwidth_bytes_per_month: '400MB' } })
    expect(monthBytes(poor?.intervalSeconds ?? 0)).toBeLessThanOrEqual(200e6)
  })
})
