/** Many agents, one testpoint: what it leases together never exceeds what it has, and everyone gets a turn. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { BandwidthResult } from '../../../agent/bandwidth/result.ts'
import { createSchool, startNode } from '../../lab/school.ts'

const agents = 40
const capacityBps = 1e9
const targetBps = 100e6
/** As agent/bandwidth asks: 1.15 × target, for the longest test and a little around it. */
const leaseBps = 1.15 * targetBps
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
    const done = await Promise.all(fleet.map((agent) => measureOne(agent, school.url)))
    watcher.send({})
    const [highest] = (await once(watcher, 'message')) as [Record<string, number>]
    return figures(done, highest)
  } finally {
    school.stop()
  }
}

type Done = { seconds: number; result: BandwidthResult | undefined; error: string | undefined }

async function measureOne(agent: ChildProcess, url: string): Promise<Done> {
  const begun = performance.now()
  const targets = [{ direction: 'down', target_bps: targetBps }]
  agent.send({ config: { interface: 'wan0', confirm: false, testpoints: [{ id: 'lab', url }], targets } })
  const [answer] = (await once(agent, 'message')) as [{ results?: BandwidthResult[]; error?: string }]
  agent.disconnect()
  return { seconds: (performance.now() - begun) / 1000, result: answer.results?.[0], error: answer.error }
}

function figures(done: readonly Done[], highest: Record<string, number>): Record<string, unknown> {
  for (const { error } of done) if (error !== undefined) console.log(`An agent could not measure: ${error}`)
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
