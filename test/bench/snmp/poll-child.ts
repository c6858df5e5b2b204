/** The probe by itself, so that its memory is nobody else's. Its arguments and its result are JSON. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { createExec } from '../../../agent/exec.ts'
import { createSnmpProbe } from '../../../agent/probes/snmp.ts'

export type Order = {
  agents: { address: string; port: number }[]
  sizes: number[]
  concurrency: number
  rounds: number
}
export type Poll = {
  devices: number
  seconds: number
  cpu_seconds: number
  samples: number
  silent: number
  rates: number
}
export type Outcome = { polls: Poll[]; rss_growth_bytes: number }

const order = JSON.parse(process.argv[2] ?? '{}') as Order
const context = {
  signal: new AbortController().signal,
  log: pino({ level: 'silent' }),
  exec: createExec({ env: process.env, onSpawn: () => {} }),
  now: Date.now,
}
// The port stands with the credentials.
const credentials = Object.fromEntries(
  order.agents.map(({ port }) => [`p${port}`, { community: 'public', port, timeout_seconds: 5, retries: 1 }]),
)
const probe = createSnmpProbe()

/** So many of all, of each simulator the same share. */
function spread(count: number): Order['agents'] {
  const step = order.agents.length / count
  return Array.from({ length: count }, (_, i) => order.agents[Math.floor(i * step)]).filter((one) => one !== undefined)
}

async function poll(count: number): Promise<Poll> {
  const config = probe.config.parse({
    terminals: spread(count).map(({ address, port }) => ({ id: address, kind: 'switch', address, snmp: `p${port}` })),
    credentials,
    concurrency: order.concurrency,
  })
  const started = performance.now()
  const cpu = process.cpuUsage()
  const samples = await probe.run(config, context)
  const { user, system } = process.cpuUsage(cpu)
  return {
    devices: count,
    seconds: (performance.now() - started) / 1000,
    cpu_seconds: (user + system) / 1e6,
    samples: samples.length,
    silent: samples.filter(
      ({ measurement, fields }) => measurement === 'device' && (fields as { snmp?: number }).snmp !== 0,
    ).length,
    rates: samples.filter(({ fields }) => 'rx_bps' in fields).length,
  }
}

const polls: Poll[] = []
// One device first: what is loaded once is no growth.
await poll(1)
const before = process.memoryUsage().rss
let highest = before
for (const count of order.sizes) {
  for (let round = 0; round < order.rounds; round++) {
    polls.push(await poll(count))
    highest = Math.max(highest, process.memoryUsage().rss)
    await sleep(500)
  }
}
process.stdout.write(`${JSON.stringify({ polls, rss_growth_bytes: highest - before } satisfies Outcome)}\n`)
