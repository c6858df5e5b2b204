import { describe, expect, it } from 'vitest'
import { agentConfigSchema } from '../../agent/config.ts'
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
async function bandwidthOf(given: Slice, { bandwidth = {}, limits = {} }: Local = {}) {
  const config = agentConfigSchema.parse({
    agent: 'a-gw1',
    district: 'd1',
    broker: { url: 'mqtt://127.0.0.1:1' },
    probes: { bandwidth },
    limits,
  })
  const self: Probe = { ...(host as Probe), type: 'self' }
  const jobs = await planJobs(given, { config, defaultInterface: () => Promise.resolve('eth0'), self })
  return jobs.find(({ id }) => id === 'bandwidth-wan')
}

describe('the bandwidth job', () => {
  it('has slots after the schedule of the site, as many a day as the registry says, and waits for them', async () => {
    const job = await bandwidthOf({ ...slice, trials_per_day: 5 })
    expect(job).toMatchObject({ firstRun: 'in phase', slots: { schedule, perDay: 5 } })
  })

  it('takes cautious hours where an older collector sends no schedule', async () => {
    const { schedule: _, ...older } = slice
    expect((await bandwidthOf(older))?.slots?.schedule).toEqual(cautiousSchedule)
  })

  it('gives a busy testpoint up soon: the link is held meanwhile, and another slot comes', async () => {
    const job = await bandwidthOf(slice)
    expect(job?.config).toMatchObject({ max_wait_seconds: 30 })
    // Both directions and their confirmation, each with its whole wait, end before the deadline.
    expect(job?.timeoutSeconds).toBe(240)
  })

  it('runs once at the start where the agent is told so', async () => {
    const job = await bandwidthOf(slice, { bandwidth: { at_start: true } })
    expect(job).toMatchObject({ firstRun: 'soon', slots: { perDay: 3 } })
  })

  it('may use what the local configuration allows a month, kept in the data directory', async () => {
    const job = await bandwidthOf(slice, { limits: { bandwidth_bytes_per_month: '2GB' } })
    expect(job?.config).toMatchObject({ monthly_bytes: 2e9, state_file: '/var/lib/linkbell/bandwidth.json' })
    expect((await bandwidthOf(slice))?.config).not.toHaveProperty('monthly_bytes')
  })

  it.each([
    ['no trial a day', { trials_per_day: 0 }, {}],
    ['no testpoint', { testpoints: [] }, {}],
    ['a probe that is switched off', {}, { enabled: false }],
  ])('is not there with %s', async (_, change, bandwidth) => {
    expect(await bandwidthOf({ ...slice, ...change }, { bandwidth })).toBeUndefined()
  })
})
