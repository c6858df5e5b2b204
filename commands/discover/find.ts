/** Who is there: echo requests, the neighbours' table, TCP ports. Never faster than the given packets per second. */
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { sweep } from '../../agent/ping/sweep.ts'
import { isLost } from '../../agent/ping/echo.ts'
import { inPool } from '../../agent/pool.ts'
import type { Exec } from '../../agent/probe.ts'
import type { Log } from '../../core/log.ts'
import { readNeighbours } from './neighbours.ts'

export type Seen = { address: string; mac?: string; ports: number[]; by: 'icmp' | 'arp' | 'tcp' }
export type FindDeps = {
  exec: Exec
  signal: AbortSignal
  log: Log
  packetsPerSecond: number
  /** Told after each step. */
  progress: (step: 'sweep' | 'ports', done: number, of: number) => void
}

/** What tells kinds apart, and nothing more. */
const knownPorts = [80, 443, 22, 3389, 9100, 631, 554, 4352, 8080, 445] as const
const echoes = { count: 2, spacingSeconds: 0.5, timeoutSeconds: 1 }
const sweepSeconds = echoes.spacingSeconds + echoes.timeoutSeconds
const portTimeoutMs = 1000
const devicesAtOnce = 32
/** From stale to reachable or failed: 5 s until the kernel asks, 3 requests of 1 s (neighbour discovery, arp(7)). */
const settleMs = 8_500
/** A router with proxy ARP answers for everybody. */
const mostAddressesOfMac = 4

/** `known`: addresses of the inventory; they are knocked at even where nothing else speaks for them. */
export async function findDevices(
  addresses: readonly string[],
  known: readonly string[],
  deps: FindDeps,
): Promise<Seen[]> {
  const own = new Set(Object.values(networkInterfaces()).flatMap((rows = []) => rows.map(({ address }) => address)))
  const wanted = addresses.filter((address) => !own.has(address))
  const { alive, macs } = await sweepAll(wanted, deps)
  const isWanted = new Set(wanted)
  const candidates = [...new Set([...alive, ...macs.fresh.keys(), ...known.filter((address) => isWanted.has(address))])]
  const found: Seen[] = []
  const answering = new Set<string>()
  const silent = new Set<string>()
  const pace = createPace(deps.packetsPerSecond, deps.signal)
  let done = 0
  await inPool(candidates, devicesAtOnce, async (address) => {
    const { open, isThere } = await tryPorts(address, pace)
    const by = alive.has(address) ? 'icmp' : macs.fresh.has(address) ? 'arp' : 'tcp'
    const mac = macs.all.get(address)
    if (mac !== undefined && (by === 'icmp' || isThere)) answering.add(mac)
    else if (by === 'arp') silent.add(address)
    if (by !== 'tcp' || isThere) found.push({ address, ports: open, by, ...(mac !== undefined && { mac }) })
    deps.progress('ports', ++done, candidates.length)
  })
  const order = new Map(addresses.map((address, index) => [address, index]))
  // The table may remember an address that a device has left half a minute ago.
  const isLeft = ({ address, mac }: Seen) => silent.has(address) && mac !== undefined && answering.has(mac)
  return found.filter((one) => !isLeft(one)).sort((a, b) => (order.get(a.address) ?? 0) - (order.get(b.address) ?? 0))
}

async function sweepAll(addresses: readonly string[], deps: FindDeps) {
  const { exec, signal, packetsPerSecond, progress } = deps
  const alive = new Set<string>()
  const all = new Map<string, string>()
  const fresh = new Map<string, string>()
  const look = async () => {
    const wanted = new Set(addresses)
    let doubtful = 0
    for (const [address, { mac, isFresh }] of await readNeighbours(exec, signal)) {
      if (!wanted.has(address)) continue
      all.set(address, mac)
      if (isFresh) fresh.set(address, mac)
      else if (!alive.has(address)) doubtful += 1
    }
    return doubtful
  }
  const atOnce = Math.max(1, Math.floor((packetsPerSecond * sweepSeconds) / echoes.count))
  let doubtful = 0
  for (let start = 0; start < addresses.length; start += atOnce) {
    const part = addresses.slice(start, start + atOnce)
    const began = performance.now()
    for (const [address, times] of await sweep(part, echoes, deps)) if (!isLost(times)) alive.add(address)
    // The table of the kernel holds about a thousand.
    doubtful = await look()
    progress('sweep', start + part.length, addresses.length)
    const least = (part.length * echoes.count * 1000) / packetsPerSecond
    await delay(Math.max(0, least - (performance.now() - began)), undefined, { signal })
  }
  if (doubtful > 0) {
    await delay(settleMs, undefined, { signal })
    await look()
  }
  return { alive, macs: withoutProxies(all, fresh) }
}

function withoutProxies(all: Map<string, string>, fresh: Map<string, string>) {
  const counts = new Map<string, number>()
  for (const mac of all.values()) counts.set(mac, (counts.get(mac) ?? 0) + 1)
  const isOne = (mac: string) => (counts.get(mac) ?? 0) <= mostAddressesOfMac
  const only = (macs: Map<string, string>) => new Map([...macs].filter(([, mac]) => isOne(mac)))
  return { all: only(all), fresh: only(fresh) }
}

/** Waits for the next turn. */
function createPace(perSecond: number, signal: AbortSignal): () => Promise<void> {
  let next = performance.now()
  return async () => {
    next = Math.max(next, performance.now()) + 1000 / perSecond
    await delay(Math.max(0, next - performance.now()), undefined, { signal })
  }
}

async function tryPorts(address: string, pace: () => Promise<void>): Promise<{ open: number[]; isThere: boolean }> {
  const results: { port: number; answer: Answer }[] = []
  await inPool(knownPorts, 4, async (port) => {
    await pace()
    results.push({ port, answer: await tryPort(address, port) })
  })
  const open = results.filter(({ answer }) => answer === 'open').map(({ port }) => port)
  return { open: open.sort((a, b) => a - b), isThere: results.some(({ answer }) => answer !== 'silent') }
}

type Answer = 'open' | 'refused' | 'silent'

function tryPort(host: string, port: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (answer: Answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(portTimeoutMs, () => end('silent'))
    socket.once('connect', () => end('open'))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED' ? 'refused' : 'silent'))
  })
}
