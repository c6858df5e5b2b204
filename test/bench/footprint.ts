/**
 * What an agent with its default probes costs a gateway: memory and CPU of its whole process tree, child processes,
 * bytes on its connection. Real agent, Mosquitto and collector; a bandwidth test is planned for later. `--role terminal`
 * measures the agent of a classroom device.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { createMosquitto, freePort } from '../services/mosquitto.ts'
import { cpuSecondsOf } from '../services/process.ts'

const root = join(import.meta.dirname, '..', '..')
const pageBytes = 4096
const warmUpSeconds = 20

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: 'string', default: '300' }, role: { type: 'string', default: 'gateway' } },
  })
  const seconds = Number(values.seconds)
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-footprint-'))
  const broker = await createMosquitto({ users: { collector: 'c', 'school-1': 'a' } })
  await broker.start()
  const board = await freePort()
  writeConfigs(folder, broker.url, board, values.role)
  const programs: ChildProcess[] = []
  try {
    programs.push(await launch('collector', folder))
    // Once before, so that the compiled code is in its cache, as on every start but the first.
    const first = await launch('agent', folder)
    await sleep(5_000)
    await end(first)
    const agent = await launch('agent', folder)
    programs.push(agent)
    await sleep(warmUpSeconds * 1000)
    return await watch(agent.pid as number, broker.port, board, seconds)
  } finally {
    for (const child of programs.toReversed()) await end(child)
    await broker.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function writeConfigs(folder: string, url: string, port: number, role: string): void {
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content), { mode: 0o600 })
  write('c', 'c')
  write('a', 'a')
  write('district.yaml', {
    district: { id: 'd1', name: 'Bench', trials_per_day: 1 },
    towns: [{ id: 't1', name: 'Town' }],
    sites: [{ id: 's1', name: 'School', town: 't1', category: 'rural' }],
    agents: [{ id: 'school-1', site: 's1', role }],
    terminals: [{ id: 'panel-1', kind: 'panel', site: 's1', agent: 'school-1' }],
    // Nobody listens there.
    testpoints: [{ id: 'tp1', url: 'http://127.0.0.1:9/' }],
    paths: ['site', 'district', 'city', 'province'].map((level) => ({ id: level, level, host: '127.0.0.1' })),
    services: [{ id: 'board', url: `http://127.0.0.1:${port}/api/v1/health` }],
  })
  write('collector.yaml', {
    data_dir: 'collector',
    registry_file: 'district.yaml',
    broker: { type: 'external', url, password_file: 'c' },
    http: { port },
  })
  write('agent.yaml', {
    agent: 'school-1',
    district: 'd1',
    role,
    data_dir: 'agent',
    broker: { url, password_file: 'a' },
  })
}

async function launch(program: string, folder: string): Promise<ChildProcess> {
  const child = fork(join(root, 'bin/linkbell.js'), [program, '--config', join(folder, `${program}.yaml`)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}

async function watch(pid: number, brokerPort: number, board: number, seconds: number) {
  const started = performance.now()
  const before = { cpu: cpuSecondsOf(pid), sent: sentBytes(pid, brokerPort) }
  const memory: number[] = []
  while (performance.now() - started < seconds * 1000) {
    memory.push(treeBytes(pid))
    await sleep(1000)
  }
  const elapsed = (performance.now() - started) / 1000
  const cpu = (cpuSecondsOf(pid) - before.cpu) / elapsed
  const sent = ((sentBytes(pid, brokerPort) - before.sent) / elapsed) * 86_400
  const spawned = await spawnedPerMinute(board)
  const sorted = memory.toSorted((a, b) => a - b)
  const rss = sorted[sorted.length >> 1] as number
  process.stdout.write(
    `${elapsed.toFixed(0)} s: RSS of the tree median ${(rss / 1e6).toFixed(1)} MB (highest ${((sorted.at(-1) as number) / 1e6).toFixed(1)}), CPU ${(cpu * 100).toFixed(2)} % of a core, ${spawned.toFixed(1)} child processes a minute, ${(sent / 1e6).toFixed(2)} MB a day (TCP payload)\n`,
  )
  return {
    rss_bytes: rss,
    rss_max_bytes: sorted.at(-1),
    cpu_ratio: Number(cpu.toFixed(5)),
    spawned_per_minute: Number(spawned.toFixed(2)),
    sent_bytes_per_day: Math.round(sent),
    seconds: Math.round(elapsed),
  }
}

/** Resident bytes of a process and all its descendants. */
function treeBytes(pid: number): number {
  let bytes = 0
  try {
    bytes = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean))
        bytes += treeBytes(Number(child))
    }
  } catch {
    // Ended between two looks.
  }
  return bytes
}

/** Bytes that the process has put on its connection to the broker, TLS and TCP headers left out. */
function sentBytes(pid: number, port: number): number {
  const output = execFileSync('ss', ['-tinpH', `dport = :${port}`]).toString()
  const line = output
    .replaceAll('\n\t', ' ')
    .split('\n')
    .find((text) => text.includes(`pid=${pid},`))
  return Number(/bytes_sent:(\d+)/.exec(line ?? '')?.[1] ?? Number.NaN)
}

/** Child processes a minute since the start, as the agent reports of itself; it counts every child that it starts. */
async function spawnedPerMinute(board: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${board}/api/v1/sites/s1`)
  const { latest } = (await response.json()) as { latest: { agent?: { fields: Record<string, number> }[] } }
  const { spawned_count: spawned = Number.NaN, uptime_seconds: uptime = Number.NaN } = latest.agent?.[0]?.fields ?? {}
  return (spawned / uptime) * 60
}
