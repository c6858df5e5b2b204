/**
 * Delivery under faults: real Mosquitto (persistence off), real agents' spools and uplinks, real collectors, which share
 * the batches where there are several, the store, embedded or a real server, and `kill -9` on all of them. Every batch
 * made must be stored, exactly once.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { createMosquitto, freePort, type Mosquitto } from '../services/mosquitto.ts'
import { createStoreServer, type StoreServer, type StoreType, storeTypes } from './delivery/servers.ts'

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
      collectors: { type: 'string', default: '1' },
      store: { type: 'string', default: 'sqlite' },
    },
  })
  const seconds = Number(values.seconds)
  const type = values.store as StoreType
  const collectors = Number(values.collectors)
  if (!storeTypes.includes(type)) throw new Error(`--store is one of ${storeTypes.join(', ')}`)
  if (type === 'sqlite' && collectors !== 1) throw new Error('the embedded store has one collector')
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-delivery-'))
  const store = await createStoreServer(type, folder)
  const bench = await createBench(folder, store, {
    agents: Number(values.agents),
    collectors,
    makeUntil: Date.now() + seconds * 1000,
  })
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
    await store.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Agent = { id: string; madeFile: string; child: ChildProcess | undefined; waiting: number; launch: () => void }
type Bench = {
  store: StoreServer
  broker: Mosquitto
  agents: Agent[]
  collectors: { kill: () => Promise<void>; launch: () => Promise<void> }[]
  stop: () => Promise<void>
}

type Size = { agents: number; collectors: number; makeUntil: number }

async function createBench(folder: string, store: StoreServer, size: Size): Promise<Bench> {
  const { makeUntil } = size
  const ids = Array.from({ length: size.agents }, (_, index) => `bench-${index + 1}`)
  const users = { collector: 'collector-secret', ...Object.fromEntries(ids.map((id) => [id, `${id}-secret`])) }
  const broker = await createMosquitto({ district, users })
  await broker.start()
  const agents = ids.map((id) => createAgent(folder, id, broker.url, users[id as keyof typeof users], makeUntil))
  writeRegistry(folder, ids)
  const collectors = await Promise.all(
    Array.from({ length: size.collectors }, (_, index) =>
      createCollector(folder, index, { url: broker.url, store: store.config, shared: size.collectors > 1 }),
    ),
  )
  await Promise.all(collectors.map((collector) => collector.launch()))
  for (const agent of agents) agent.launch()
  let stopped = false
  return {
    store,
    broker,
    agents,
    collectors,
    stop: async () => {
      if (stopped) return
      stopped = true
      for (const agent of agents) await killed(agent.child)
      for (const collector of collectors) await collector.kill()
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

function writeRegistry(folder: string, ids: string[]): void {
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
}

type CollectorSetting = { url: string; store: Record<string, unknown>; shared: boolean }

async function createCollector(folder: string, index: number, { url, store, shared }: CollectorSetting) {
  const id = `collector-${index + 1}`
  const file = join(folder, `${id}.yaml`)
  writeFileSync(
    file,
    stringify({
      id,
      data_dir: join(folder, id),
      registry_file: 'district.yaml',
      broker: { type: 'external', url, password_file: 'password', ...(shared && { shared_group: 'linkbell' }) },
      store,
      http: { port: await freePort() },
      judge: { enabled: index === 0 },
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

/** Spreads the kills over the time: agents, collectors, broker and store in turn, each started again within a second. */
async function chaos({ store, broker, agents, collectors }: Bench, seconds: number, wanted: number) {
  const kills = { total: 0, agents: 0, collector: 0, broker: 0, store: 0 }
  const turns = store.restart === undefined ? 5 : 6
  const started = performance.now()
  const paceMs = (seconds * 1000) / (wanted + 1)
  for (let index = 0; index < wanted; index++) {
    await sleep(Math.max(0, started + paceMs * (index + 1) - performance.now()))
    const victim = index % turns
    if (victim === 1) {
      const collector = collectors[kills.collector++ % collectors.length]
      await collector?.kill()
      void collector?.launch()
    } else if (victim === 5) {
      kills.store++
      await store.restart?.()
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
async function count({ store: server, agents }: Bench) {
  const store = await server.open()
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
