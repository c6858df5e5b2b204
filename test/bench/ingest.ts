/**
 * The collector's receive path: MQTT, gunzip, decode, check, enrich, a store that keeps nothing, deferred
 * acknowledgement; beside mosquitto_sub and a plain mqtt.js counter fed the same messages by the same broker. Then the
 * store stalls for a minute at the rate of a province.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { quantileOf } from '../../store/quantile.ts'
import { batchOf, encodeBatch } from '../../core/batch.ts'
import { topics } from '../../core/topics.ts'
import { pathOf } from '../services/capabilities.ts'
import { createMosquitto } from '../services/mosquitto.ts'
import { createLoad, type Load } from './ingest/load.ts'
import { randomOf } from '../../commands/demo/random.ts'
import { terminalSamples } from './samples.ts'

const agents = 400
const terminals = 60
/** A province: 40,000 agents with one batch a minute (reference/mqtt.md §7). */
const provincePerSecond = 667
const connections = 8
const rounds = 3
/** Batches before the stall. */
const warmUp = 20_000

type Report = {
  batches: number
  records: number
  sessions: number
  connected: boolean
  rss: number
  cpuSeconds: number
}

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: { batches: { type: 'string', default: '40000' }, 'stall-seconds': { type: 'string', default: '60' } },
  })
  const count = Number(values.batches)
  // Unlimited queue: the rate is that of the receiver, not of what the broker drops.
  const broker = await createMosquitto({ lines: ['max_queued_messages 0', 'max_queued_bytes 0'] })
  await broker.start()
  const load = await createLoad(broker.port, connections, messages())
  try {
    const rates = { collector: [] as number[], sub: [] as number[], plain: [] as number[] }
    let cpuSeconds = 0
    for (let round = 0; round < rounds; round++) {
      rates.sub.push(await bySub(broker.port, load, count))
      rates.plain.push((await byChild('plain.ts', broker.port, load, count)).rate)
      const collector = await byChild('collector.ts', broker.port, load, count)
      rates.collector.push(collector.rate)
      cpuSeconds += collector.cpuSeconds
      process.stdout.write(
        `round ${round + 1}: mosquitto_sub ${say(rates.sub)}, plain mqtt.js ${say(rates.plain)}, collector ${say(rates.collector)} batches/s\n`,
      )
    }
    const stall = await stalled(broker.port, load, Number(values['stall-seconds']))
    process.stdout.write(
      `stalled ${values['stall-seconds']} s at ${provincePerSecond} batches/s: RSS +${(stall.growth / 1e6).toFixed(1)} MB, disconnects ${stall.disconnects}, then ${stall.drained} of ${stall.published} batches in ${stall.drainSeconds.toFixed(1)} s\n`,
    )
    const rate = median(rates.collector)
    return {
      batches_per_second: Math.round(rate),
      records_per_second: Math.round(rate * terminals),
      mosquitto_sub_per_second: Math.round(median(rates.sub)),
      plain_mqtt_per_second: Math.round(median(rates.plain)),
      cpu_seconds_per_million_records: Number(((cpuSeconds / (rounds * count * terminals)) * 1e6).toFixed(3)),
      stall_rss_growth_bytes: stall.growth,
      stall_disconnects: stall.disconnects,
      stall_lost_batches: stall.published - stall.drained,
    }
  } finally {
    load.close()
    await broker.stop()
  }
}

const say = (values: number[]) => Math.round(values.at(-1) as number).toLocaleString('en')
const median = (values: number[]) => quantileOf(values, 0.5)

function messages() {
  const next = randomOf(11)
  return Array.from({ length: 2000 }, (_, index) => {
    const agent = `agent-${index % agents}`
    const batch = batchOf(terminalSamples(terminals, next), Date.now())
    return {
      topic: topics.batch('d1', agent, 'terminal'),
      payload: encodeBatch({ agent, stream: `stream-${agent}`, seq: index + 1 }, batch),
    }
  })
}

async function bySub(port: number, load: Load, count: number): Promise<number> {
  const sub = spawn(
    pathOf('mosquitto_sub'),
    ['-p', String(port), '-V', '5', '-q', '1', '-t', 'linkbell/v1/+/+/batch/+', '-C', String(count), '-N'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await sleep(500)
  const started = performance.now()
  const gone = once(sub, 'exit')
  await Promise.all([gone, load.publish(count)])
  return (count / (performance.now() - started)) * 1000
}

async function byChild(script: string, port: number, load: Load, count: number) {
  const child = await startChild(script, port)
  const before = await ask(child)
  const started = performance.now()
  let report = before
  await Promise.all([
    load.publish(count),
    (async () => {
      while (report.batches - before.batches < count) {
        await sleep(5)
        report = await ask(child)
      }
    })(),
  ])
  const seconds = (performance.now() - started) / 1000
  child.disconnect()
  await once(child, 'exit')
  return { rate: count / seconds, cpuSeconds: report.cpuSeconds - before.cpuSeconds }
}

async function stalled(port: number, load: Load, seconds: number) {
  const child = await startChild('collector.ts', port)
  // Warm: what is measured is the stall, not the first use of everything.
  const { batches: none } = await ask(child)
  await load.publish(warmUp)
  while ((await ask(child)).batches - none < warmUp) await sleep(50)
  const before = await ask(child, 'stall')
  const published = Math.round(provincePerSecond * seconds)
  let peak = before.rss
  const watch = (async () => {
    const until = performance.now() + seconds * 1000
    while (performance.now() < until) {
      peak = Math.max(peak, (await ask(child)).rss)
      await sleep(250)
    }
  })()
  await Promise.all([load.publish(published, provincePerSecond), watch])
  const resumed = performance.now()
  let report = await ask(child, 'go')
  while (report.batches - before.batches < published && performance.now() - resumed < 60_000) {
    await sleep(50)
    report = await ask(child)
  }
  child.disconnect()
  await once(child, 'exit')
  return {
    growth: peak - before.rss,
    disconnects: report.sessions - before.sessions,
    published,
    drained: report.batches - before.batches,
    drainSeconds: (performance.now() - resumed) / 1000,
  }
}

async function startChild(script: string, port: number): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'ingest', script), [String(port), String(agents)])
  while (!(await ask(child)).connected) await sleep(50)
  await sleep(300)
  return child
}

async function ask(child: ChildProcess, message = 'report'): Promise<Report> {
  const answer = once(child, 'message')
  child.send(message)
  return ((await answer) as [Report])[0]
}
