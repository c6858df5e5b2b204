/** `npm run bench -- testpoint`: what the testpoint carries on loopback, beside nginx and iperf3, and what that costs. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { has, pathOf, reason } from '../services/capabilities.ts'
import { freePort } from '../services/mosquitto.ts'
import { cpuSecondsOf } from '../services/process.ts'
import { type Load, loadDown, loadUp } from './testpoint/load.ts'

/** No limit that a loopback could reach: the program is measured, not its manners. */
const config = { listen: { port: 0 }, capacity_bps: 1e12 }
const streams = 4
const sharedFolder = '/dev/shm'
const fileBytes = 1024 ** 3

export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' } },
  })
  const seconds = Number(values.seconds)
  console.log(
    `${streams} streams for ${seconds} s each, ${values.rounds} rounds; ${cpus().length} CPUs shared by both ends, load ${loadavg()[0]?.toFixed(2)}.`,
  )
  const ends: (() => unknown)[] = []
  try {
    const testpoint = await startTestpoint(ends)
    const nginx = has('nginx') ? await startNginx(ends) : undefined
    const iperf3 = has('iperf3') ? await startIperf3(ends) : undefined
    const rates: Record<string, number[]> = {}
    const costs: number[] = []
    const note = (name: string, bps: number) => {
      ;(rates[name] ??= []).push(bps)
      console.log(`${name.padEnd(16)} ${(bps / 1e9).toFixed(2)} Gbit/s`)
    }
    // Interleaved: the machine's moods fall on all alike.
    for (let round = 0; round < Number(values.rounds); round++) {
      const cpu = cpuSecondsOf(testpoint.child.pid)
      const down = await loadDown({ url: `${testpoint.url}/garbage?ckSize=1024`, streams, seconds })
      costs.push((cpuSecondsOf(testpoint.child.pid) - cpu) / ((down.bytes * 8) / 1e9))
      note('down', rateOf(down))
      note('up', rateOf(await loadUp({ url: `${testpoint.url}/empty`, streams, seconds })))
      if (nginx !== undefined) note('nginx_down', rateOf(await loadDown({ url: `${nginx}/file`, streams, seconds })))
      if (iperf3 !== undefined) {
        note('iperf3_down', await iperf3Rate(iperf3, seconds, ['-R']))
        note('iperf3_up', await iperf3Rate(iperf3, seconds, []))
      }
    }
    if (nginx === undefined) console.log(`nginx was left out: ${reason('nginx')}.`)
    return {
      ...Object.fromEntries(Object.entries(rates).map(([name, list]) => [`${name}_bps`, Math.round(medianOf(list))])),
      cpu_seconds_per_gbit: Number(medianOf(costs).toFixed(4)),
    }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

async function startTestpoint(ends: (() => unknown)[]): Promise<{ url: string; child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, '..', 'lab', 'testpoint.ts'), [JSON.stringify(config)])
  ends.push(() => stop(child))
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { url, child }
}

/** nginx with one worker and sendfile, as it comes; its file lies in memory. */
async function startNginx(ends: (() => unknown)[]): Promise<string> {
  const folder = mkdtempSync(join(sharedFolder, 'linkbell-bench-'))
  ends.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file'), '')
  truncateSync(join(folder, 'file'), fileBytes)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; user root; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events {} http { access_log off; sendfile on; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; root ${folder}; } }`,
  )
  const child = spawn(pathOf('nginx'), ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
  ends.push(() => stop(child, 'SIGTERM'))
  await answers(port)
  return `http://127.0.0.1:${port}`
}

async function startIperf3(ends: (() => unknown)[]): Promise<number> {
  const port = await freePort()
  const child = spawn(pathOf('iperf3'), ['-s', '-p', String(port), '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  ends.push(() => stop(child))
  await once(child.stdout, 'data')
  return port
}

async function iperf3Rate(port: number, seconds: number, args: string[]): Promise<number> {
  const all = ['-c', '127.0.0.1', '-p', String(port), '-t', String(seconds), '-P', String(streams), '-J', ...args]
  const child = spawn(pathOf('iperf3'), all, { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  return (JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } }).end.sum_received.bits_per_second
}

function rateOf({ bytes, seconds }: Load): number {
  return (bytes * 8) / seconds
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      )
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('nginx did not start.')
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}
