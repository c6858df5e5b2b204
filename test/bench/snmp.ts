/**
 * How long a poll of many switches takes: system and 24 ports in and out, on snmpsim. With `--full` errors, drops and
 * resets of each port, too, as of a real switch. The simulator runs as two processes; what it needs of the CPU is told
 * beside what the probe needs, since it is the limit.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { quantileOf } from '../../store/quantile.ts'
import { has, reason } from '../services/capabilities.ts'
import { type Snmpsim, startSnmpsim } from '../services/snmpsim.ts'
import { cpuSecondsOf } from '../services/process.ts'
import type { Order, Outcome, Poll } from './snmp/poll-child.ts'
import { switchWalk } from './snmp/switch.ts'

const devices = 500
const processes = 2
/** Runs of each size; the first has to learn what each device is. */
const rounds = 4
/** As bin/linkbell.js starts an agent. */
const agentFlags = ['--optimize-for-size', '--no-opt']

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({ args, options: { full: { type: 'boolean', default: false } } })
  if (!has('snmpsim')) throw new Error(`This needs snmpsim: ${reason('snmpsim')}.`)
  // The simulator opens a file for each walk anew when it has more than 31 of them: one walk, an address for each agent.
  const simulators = await Promise.all(
    addressesOf(devices).map((addresses) => startSnmpsim({ public: switchWalk(values.full) }, addresses)),
  )
  try {
    return await measure(simulators)
  } finally {
    await Promise.all(simulators.map((one) => one.stop()))
  }
}

/** Loopback addresses for so many agents, by process. */
function addressesOf(count: number): string[][] {
  const all = Array.from({ length: count }, (_, i) => `127.77.${Math.floor(i / 200)}.${(i % 200) + 1}`)
  return Array.from({ length: processes }, (_, n) => all.filter((_address, i) => i % processes === n))
}

async function measure(simulators: readonly Snmpsim[]): Promise<Record<string, unknown>> {
  const agents = addressesOf(devices).flatMap((addresses, n) =>
    addresses.map((address) => ({ address, port: simulators[n]?.port ?? 0 })),
  )
  const order: Order = { agents, sizes: [100, devices], concurrency: 48, rounds }
  const before = simulators.map(({ pid }) => cpuSecondsOf(pid))
  const child = join(import.meta.dirname, 'snmp', 'poll-child.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [...agentFlags, child, JSON.stringify(order)], {
    timeout: 300_000,
  })
  const { polls, rss_growth_bytes } = JSON.parse(stdout) as Outcome
  const busy = simulators.map((one, i) => cpuSecondsOf(one.pid) - (before[i] ?? 0))
  for (const { devices: count, seconds, cpu_seconds: cpu, samples, silent, rates } of polls)
    console.log(
      `${count} devices: ${seconds.toFixed(2)} s, ${cpu.toFixed(2)} CPU-s, ${samples} samples, ${rates} ports with rates, ${silent} silent`,
    )
  console.log(`snmpsim: ${busy.map((one) => one.toFixed(1)).join(' and ')} CPU-s for all of it`)
  return {
    seconds_100: median(polls, 100),
    seconds_500: median(polls, devices),
    timeouts: polls.reduce((sum, { silent }) => sum + silent, 0),
    rss_growth_bytes,
    first_seconds_100: polls.find(({ devices: count }) => count === 100)?.seconds,
    first_seconds_500: polls.find(({ devices: count }) => count === devices)?.seconds,
    cpu_seconds_500: polls.at(-1)?.cpu_seconds,
    simulator_cpu_seconds: busy.reduce((sum, one) => sum + one, 0),
  }
}

/** Of the polls after the first: the work of all days. */
function median(polls: readonly Poll[], count: number): number {
  const seconds = polls
    .filter((poll) => poll.devices === count)
    .slice(1)
    .map((poll) => poll.seconds)
  return quantileOf(seconds, 0.5)
}
