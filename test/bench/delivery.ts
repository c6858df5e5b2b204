/**
 * Delivery under faults: real Mosquitto (persistence off), real agents' spools and uplinks, the real collector with its
 * embedded store, and `kill -9` on all of them. Every batch made must be stored, exactly once.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { createLog } from '../../core/log.ts'
import { createSqliteStore } from '../../store/sqlite.ts'
import { createMosquitto, freePort, type Mosquitto } from '../services/mosquitto.ts'

const root = join(import.meta.dirname, '..', '..')
const district = 'd1'
const rows = 5
const everyMs = 40
const drainLimitSeconds = 180

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      kills: { type: 'string', default: '42' },
      agents: { type: 'string', default: '3' },
    },
  })
  const seconds = Number(values.seconds)
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-delivery-'))
  const bench = await createBench(folder, Number(values.agents), Date.now() + seconds * 1000)
  try {
    const kills = await chaos(bench, seconds, Number(values.kills))
    const drainSeconds = await drain(bench)
    await bench.stop()
    const result = { ...(await count(bench)), kills: kills.total, drain_seconds: Number(drainSeconds.toFixed(2)) }
    process.stdout.write(
      `made ${result.made}, stored ${result.stored}, doubled ${result.doubled}; kills ${JSON.stringify(kills)}; drained ${result.drain_seconds} s after the last fault\n`,
    )
    return result
  } finally {
    await bench.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Agent = { id: string; madeFile: string; child: ChildProcess | undefined; waiting: number; launch: () => void }
type Bench = {
  folder: string
  broker: Mosquitto
  agents: Agent[]
  collector: { kill: () => Promise<void>; launch: () => Promise<void> }
  stop: () => Promise<void>
}

async function createBench(folder: string, count: number, makeUntil: number): Promise<Bench> {
  const ids = Array.from({ length: count }, (_, index) => `bench-${index + 1}`)
  const users = { collector: 'collector-secret', ...Object.fromEntries(ids.map((id) => [id, `${id}-secret`])) }
  const broker = await createMosquitto({ district, users })
  await broker.start()
  const agents = ids.map((id) => createAgent(folder, id, broker.url, users[id as keyof typeof users], makeUntil))
  const collector = await createCollector(folder, ids, broker.url)
  await collector.launch()
  for (const agent of agents) agent.launch()
  let stopped = false
  return {
    folder,
    broker,
    agents,
    collector,
    stop: async () => {
      if (stopped) return
      stopped = true
      for (const agent of agents) await killed(agent.child)
      await collector.kill()
      await broker.stop()
    },
  }
}

function createAgent(folder: string, id: string, url: string, password: string | undefined, makeUntil: number): Agent {
  const directory = join(folder, id)
  mkdirSync(directory)
  const madeFile = join(folder, `${id}.made`)
  writeFileSync(madeFile, '')
  const input = JSON.stringify({ agent: id, district, directory, madeFile, url, password, everyMs, rows, makeUntil })
  const agent: Agent = {
    id,
    madeFile,
    child: undefined,
    waiting: Number.NaN,
    launch: () => {
      agent.child = fork(join(root, 'test/bench/delivery/agent.ts'), [input], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      agent.child.on('message', ({ waiting }: { waiting: number }) => {
        agent.waiting = waiting
      })
    },
  }
  return agent
}

async function createCollector(folder: string, ids: string[], url: string) {
  writeFileSync(
    join(folder, 'district.yaml'),
    stringify({
      district: { id: district, name: 'Bench' },
      towns: [{ id: 't1', name: 'Town' }],
      sites: ids.map((id) => ({ id: `site-${id}`, name: id, town: 't1', category: 'rural' })),
      agents: ids.map((id) => ({ id, site: `site-${id}` })),
    }),
  )
  writeFileSync(join(folder, 'password'), 'collector-secret')
  const file = join(folder, 'collector.yaml')
  writeFileSync(
    file,
    stringify({
      data_dir: join(folder, 'collector'),
      registry_file: 'district.yaml',
      broker: { type: 'external', url, password_file: 'password' },
      http: { port: await freePort() },
      log_level: process.env['BENCH_LOG'] ?? 'error',
    }),
  )
  let child: ChildProcess | undefined
  return {
    launch: () =>
      new Promise<void>((resolve, reject) => {
        child = fork(join(root, 'bin/linkbell.js'), ['collector', '--config', file], {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        })
        child.once('message', () => resolve())
        // A kill during the start is a fault like the others.
        child.once('exit', (_code, signal) =>
          signal === null ? reject(new Error('the collector did not start')) : resolve(),
        )
      }),
    kill: () => killed(child),
  }
}

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Spreads the kills over the time: agents, collector and broker in turn, each started again within a second. */
async function chaos({ broker, agents, collector }: Bench, seconds: number, wanted: number) {
  const kills = { total: 0, agents: 0, collector: 0, broker: 0 }
  const started = performance.now()
  const paceMs = (seconds * 1000) / (wanted + 1)
  for (let index = 0; index < wanted; index++) {
    await sleep(Math.max(0, started + paceMs * (index + 1) - performance.now()))
    const victim = index % 5
    if (victim === 1) {
      kills.collector++
      await collector.kill()
      void collector.launch()
    } else if (victim === 3) {
      kills.broker++
      await broker.kill()
      await sleep(200)
      await broker.start()
    } else {
      kills.agents++
      const agent = agents[index % agents.length] as Agent
      await killed(agent.child)
      agent.launch()
    }
    kills.total++
    if (process.stdout.isTTY) process.stdout.write(`\r${kills.total}/${wanted} kills `)
  }
  await sleep(Math.max(0, started + seconds * 1000 - performance.now()))
  if (process.stdout.isTTY) process.stdout.write('\n')
  return kills
}

/** Seconds after the last fault until every spool is empty. */
async function drain({ agents }: Bench): Promise<number> {
  const started = performance.now()
  for (const agent of agents) agent.waiting = Number.NaN
  while (!agents.every((agent) => agent.waiting === 0)) {
    if ((performance.now() - started) / 1000 > drainLimitSeconds)
      throw new Error(`not drained: ${agents.map((a) => `${a.id} ${a.waiting}`).join(', ')}`)
    await sleep(100)
  }
  return (performance.now() - started) / 1000
}

/** Compares the agents' logs with what the store holds, key by key. */
async function count({ folder, agents }: Bench) {
  const store = await createSqliteStore({
    directory: join(folder, 'collector', 'store'),
    log: createLog({ name: 'bench', level: 'error' }),
    now: Date.now,
  })
  let made = 0
  let stored = 0
  let doubled = 0
  let missing = 0
  for (const agent of agents) {
    const times = new Set(readFileSync(agent.madeFile, 'utf8').split('\n').filter(Boolean).map(Number))
    made += times.size
    const found = await store.rows({
      measurement: 'terminal',
      match: { agent: agent.id },
      from: 0,
      to: Date.now() + 3_600_000,
      limit: 10_000_000,
    })
    const perTime = new Map<number, number>()
    for (const { time } of found) perTime.set(time, (perTime.get(time) ?? 0) + 1)
    for (const [time, samples] of perTime) {
      if (samples === rows && times.has(time)) stored++
      else if (samples > rows || !times.has(time)) doubled++
    }
    missing += [...times].filter((time) => perTime.get(time) !== rows).length
  }
  await store.close()
  if (missing > 0) process.stdout.write(`missing: ${missing}\n`)
  return { made, stored, doubled }
}
