/** Many agents, one testpoint: what it leases together never exceeds what it has, and everyone gets a turn. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { bandwidthSchema } from '../../../agent/bandwidth/config.ts'
import { leaseRatio } from '../../../agent/bandwidth/load.ts'
import type { BandwidthResult } from '../../../agent/bandwidth/result.ts'
import { agentConfigSchema } from '../../../agent/config.ts'
import { bandwidthJobId, planJobs } from '../../../agent/plan.ts'
import type { Probe } from '../../../agent/probe.ts'
import { host } from '../../../agent/probes/host.ts'
import type { Slice } from '../../../core/slice.ts'
import { createSchool, startNode } from '../../lab/school.ts'

const agents = 40
const capacityBps = 1e9
const targetBps = 100e6
/** As agent/bandwidth asks, for the longest test and a little around it. */
const leaseBps = leaseRatio * targetBps
const leaseSeconds = 13
/** Longest pause between two questions of the one whose turn it is, and of anyone. */
const turnSeconds = 2
const maxRetrySeconds = 30
/** All of them stand behind the lab's one gateway. */
const oneAddress = { max_client_connections: 1000, max_client_leases: 256, max_client_packets_per_second: 10_000 }
/** Started in groups: forty programs that load at once test the machine, not the testpoint. */
const groupSize = 8

export async function runFleet(): Promise<Record<string, unknown>> {
  const lineBps = 1.2 * capacityBps
  const school = await createSchool({
    downBps: lineBps,
    upBps: lineBps,
    testpoint: { capacity_bps: capacityBps, max_connections: 1000, ...oneAddress },
  })
  try {
    const watcher = await startNode(school, 'gw', 'watch.ts', school.url)
    const fleet: ChildProcess[] = []
    while (fleet.length < agents) {
      const group = Array.from({ length: groupSize }, () => startNode(school, 'gw', 'agent.ts'))
      fleet.push(...(await Promise.all(group)))
    }
    console.log(
      `${agents} agents with ${targetBps / 1e6} Mbit/s each ask a testpoint of ${capacityBps / 1e6} Mbit/s at the same time.`,
    )
    const job = await shippedJob(school.url)
    const done = await Promise.all(fleet.map((agent) => measureOne(agent, job)))
    watcher.send({})
    const [highest] = (await once(watcher, 'message')) as [Record<string, number>]
    return { ...figures(done, highest), patience_seconds: job.patienceSeconds }
  } finally {
    school.stop()
  }
}

type Done = { seconds: number; result: BandwidthResult | undefined; error: string | undefined }

type ShippedJob = { config: object; timeoutSeconds: number; patienceSeconds: number }

/** What an agent of a school with such a line is told to do: its patience and its deadline are the product's own. */
async function shippedJob(url: string): Promise<ShippedJob> {
  const slice: Slice = {
    v: 1,
    revision: 'r',
    site: { id: 's', name: { en: 'S', zh: 'S' } },
    timezone: 'Asia/Shanghai',
    threshold_ratio: 0.95,
    trials_per_day: 3,
    links: [{ id: 'wan', targets: [{ direction: 'down', target_bps: targetBps }] }],
    testpoints: [{ id: 'lab', level: 'district', type: 'librespeed', url, priority: 0 }],
    paths: [],
    services: [],
    terminals: [],
  }
  const config = agentConfigSchema.parse({ agent: 'a-gw1', district: 'd1', broker: { url: 'mqtt://127.0.0.1:1' } })
  const self = host as Probe
  const jobs = await planJobs(slice, { config, defaultInterface: () => Promise.resolve('wan0'), self })
  const job = jobs.find(({ id }) => id === bandwidthJobId('wan'))
  const planned = bandwidthSchema.parse(job?.config)
  return {
    config: { ...planned, state_file: undefined },
    timeoutSeconds: job?.timeoutSeconds ?? 0,
    patienceSeconds: planned.max_wait_seconds,
  }
}

async function measureOne(agent: ChildProcess, { config, timeoutSeconds }: ShippedJob): Promise<Done> {
  const begun = performance.now()
  agent.send({ config, timeoutSeconds })
  const [answer] = (await once(agent, 'message')) as [{ results?: BandwidthResult[]; error?: string }]
  agent.disconnect()
  return { seconds: (performance.now() - begun) / 1000, result: answer.results?.[0], error: answer.error }
}

function figures(done: readonly Done[], highest: Record<string, number>): Record<string, unknown> {
  for (const { error } of done) if (error !== undefined) console.log(`An agent could not measure: ${error}`)
  const unproven = done.flatMap(({ result }) => (result === undefined || result.outcome === 'met' ? [] : result))
  for (const [cause, results] of Map.groupBy(unproven, ({ cause: why }) => why)) {
    const rates = results.map(({ linkRateBps }) => ((linkRateBps ?? 0) / 1e6).toFixed(0)).join(', ')
    console.log(`${results.length} not met: ${cause} (${rates} Mbit/s)`)
  }
  const waits = done.map(({ seconds, result }) => seconds - (result?.durationSeconds ?? 0))
  const atOnce = Math.floor(capacityBps / leaseBps)
  const boundSeconds = Math.ceil(agents / atOnce) * (leaseSeconds + turnSeconds) + maxRetrySeconds
  return {
    agents: done.length,
    finished: done.filter(({ result }) => result !== undefined).length,
    met: done.filter(({ result }) => result?.outcome === 'met').length,
    leased_max_bps: highest['leased_down_bps'],
    capacity_bps: capacityBps,
    leases_max: highest['leases'],
    wait_max_seconds: Number(Math.max(...waits).toFixed(1)),
    wait_bound_seconds: boundSeconds,
  }
}
