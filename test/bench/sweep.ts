/**
 * The sweep of a full site by the terminals probe, beside plain fping with the same options in the same run: a thousand
 * addresses of this host, and two hundred of which nobody answers, in a network namespace.
 * CPU: of the process that runs the probe (resolving, parsing, the batch as it is sent) and of its children, without
 * the start of Node.js.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { quantileOf } from '../../store/quantile.ts'
import { createNamespaces, sh } from '../lab/namespaces.ts'
import { has, reason } from '../services/capabilities.ts'
import type { Round } from './sweep/agent.ts'

const rounds = 3
const alive = Array.from({ length: 1000 }, (_, i) => `127.1.${Math.floor(i / 250)}.${(i % 250) + 1}`)
const dead = (network: string) => Array.from({ length: 200 }, (_, i) => `${network}.1.${i + 1}`)

export async function run(): Promise<Record<string, unknown>> {
  const live = measure([], alive)
  for (const round of live) if (round.up !== 1000) throw new Error(`${round.up} of 1000 addresses answered.`)
  const result = {
    wall_seconds: median(live.map(({ wallSeconds }) => wallSeconds)),
    cpu_seconds: median(live.map(({ cpuSeconds }) => cpuSeconds)),
    fping_wall_seconds: median(live.map(({ fpingWallSeconds }) => fpingWallSeconds)),
    fping_cpu_seconds: median(live.map(({ fpingCpuSeconds }) => fpingCpuSeconds)),
  }
  print('1000 that answer', live)
  const silent = has('netns') ? measureDead() : undefined
  if (silent === undefined) process.stdout.write(`200 dead: left out, ${reason('netns')}\n`)
  return { ...result, dead_wall_seconds: silent ?? null, rounds }
}

/** The slower of two kinds: switched off in the same network (no ARP), and behind a router that drops. */
function measureDead(): number {
  const namespaces = createNamespaces(['gw', 'lan'])
  const ip = (host: 'gw' | 'lan', ...args: string[]) => sh('ip', '-n', namespaces.name(host), ...args)
  try {
    ip('gw', 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1', 'netns', namespaces.name('lan'))
    ip('gw', 'addr', 'add', '10.77.0.1/16', 'dev', 'lan0')
    ip('lan', 'addr', 'add', '10.77.0.2/16', 'dev', 'lan1')
    ip('gw', 'link', 'set', 'lan0', 'up')
    ip('lan', 'link', 'set', 'lan1', 'up')
    ip('gw', 'route', 'add', '10.78.0.0/16', 'via', '10.77.0.2')
    const inside = ['ip', 'netns', 'exec', namespaces.name('gw')]
    const walls = (['10.77', '10.78'] as const).map((network) => {
      const found = measure(inside, dead(network))
      for (const { up, down } of found)
        if (up !== 0 || down !== 200) throw new Error(`${up} of 200 dead addresses answered, ${down} were down.`)
      print(network === '10.77' ? '200 dead in the same network' : '200 dead behind a router', found)
      return median(found.map(({ wallSeconds }) => wallSeconds))
    })
    return Math.max(...walls)
  } finally {
    namespaces.remove()
  }
}

function measure(before: readonly string[], addresses: readonly string[]): Round[] {
  const child = join(import.meta.dirname, 'sweep', 'agent.ts')
  const args = [...before, process.execPath, child, String(rounds)]
  return JSON.parse(execFileSync('env', args, { input: addresses.join('\n'), encoding: 'utf8' })) as Round[]
}

function print(what: string, found: readonly Round[]): void {
  const row = (pick: (round: Round) => number) => found.map((round) => pick(round).toFixed(2)).join(', ')
  process.stdout.write(
    `${what}: terminals ${row((r) => r.wallSeconds)} s (CPU ${row((r) => r.cpuSeconds)} s), ` +
      `plain fping ${row((r) => r.fpingWallSeconds)} s (CPU ${row((r) => r.fpingCpuSeconds)} s)\n`,
  )
}

function median(values: readonly number[]): number {
  return Number(quantileOf(values, 0.5).toFixed(3))
}
