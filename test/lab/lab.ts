/**
 * A school line in network namespaces: lan ─ gw ═ isp ─ srv. The agent runs in `gw` and reads `wan0`, the testpoint in
 * `srv`, others talk between `lan` and `srv`. The line is shaped in `isp` both ways, at layer 2 without FCS.
 * With a delay, VXLAN between `isp` and `srv` leads through a relay in `mid` (relay.ts): not every kernel has netem.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createNamespaces, type Namespaces, sh } from './namespaces.ts'

const hosts = ['lan', 'gw', 'isp', 'mid', 'srv'] as const
export type Host = (typeof hosts)[number]

export type LabOptions = {
  downBps: number
  upBps: number
  /** Round trip added by the relay; it carries some 100 Mbit/s, as it handles every packet in user space. */
  rttMs?: number
  /** Share of packets dropped, each way. */
  lossRatio?: number
  /** Of all hosts; without it, the system's. */
  congestionControl?: string
}

export type Lab = {
  /** Address of `srv` as the school sees it. */
  server: string
  shape: (downBps: number, upBps: number) => void
  /** Starts a program on a host; it is killed with the lab. */
  spawn: (host: Host, command: string, args: readonly string[], stdio?: StdioOptions) => ChildProcess
  /** Runs a program on a host to its end; throws with what it said. */
  run: (host: Host, command: string, ...args: string[]) => string
  /** Bytes that passed the WAN interface since it was made. */
  wanBytes: () => { down: number; up: number }
  stop: () => void
}

/** Bucket and queue of the shaper: 50 ms is what a home gateway has; the bucket passes an idle shaper at once. */
const shaperBurst = '256kb'
const shaperQueue = '50ms'
/** Around full frames of the VXLAN inside. */
const outerMtu = '1600'
const vxlanPort = 4789
/** Each host stands for a machine of its own: it does not wait for whatever else runs on this one. */
const priority = '-15'

export async function createLab(options: LabOptions): Promise<Lab> {
  const { rttMs = 0, lossRatio = 0, congestionControl } = options
  const namespaces = createNamespaces(hosts)
  const children: ChildProcess[] = []
  const run: Lab['run'] = (host, ...command) => sh('ip', 'netns', 'exec', namespaces.name(host), ...command)
  const start: Lab['spawn'] = (host, command, args, stdio = ['ignore', 'pipe', 'pipe']) => {
    const child = spawn('nice', ['-n', priority, 'ip', 'netns', 'exec', namespaces.name(host), command, ...args], {
      stdio,
    })
    children.push(child)
    return child
  }
  const stop = () => {
    for (const child of children) child.kill('SIGKILL')
    namespaces.remove()
  }
  const shape: Lab['shape'] = (downBps, upBps) => {
    for (const [device, bps] of [
      ['wan1', downBps],
      [rttMs > 0 ? 'vx0' : 'srv0', upBps],
    ] as const) {
      const rate = `${Math.round(bps)}bit`
      run(
        'isp',
        'tc',
        'qdisc',
        'replace',
        'dev',
        device,
        'root',
        'tbf',
        'rate',
        rate,
        'burst',
        shaperBurst,
        'latency',
        shaperQueue,
      )
    }
  }
  try {
    connect(namespaces, run)
    if (congestionControl !== undefined) {
      for (const host of hosts) run(host, 'sysctl', '-qw', `net.ipv4.tcp_congestion_control=${congestionControl}`)
    }
    if (rttMs > 0) await startRelay({ namespaces, run, start, rttMs })
    shape(options.downBps, options.upBps)
    if (lossRatio > 0) run('isp', 'nft', lossRules(lossRatio))
  } catch (error) {
    stop()
    throw error
  }
  const counter = (file: string) => Number(run('gw', 'cat', `/sys/class/net/wan0/statistics/${file}`))
  return {
    server: rttMs > 0 ? '10.77.3.2' : '10.77.2.2',
    shape,
    spawn: start,
    run,
    wanBytes: () => ({ down: counter('rx_bytes'), up: counter('tx_bytes') }),
    stop,
  }
}

/** A cable between two interfaces. */
function wire(namespaces: Namespaces<Host>, from: [Host, string], to: [Host, string], ...settings: string[]): void {
  const end = ([host, device]: [Host, string]) => [device, ...settings, 'netns', namespaces.name(host)]
  sh('ip', 'link', 'add', ...end(from), 'type', 'veth', 'peer', 'name', ...end(to))
}

function connect(namespaces: Namespaces<Host>, run: Lab['run']): void {
  wire(namespaces, ['gw', 'lan0'], ['lan', 'eth0'])
  wire(namespaces, ['gw', 'wan0'], ['isp', 'wan1'])
  wire(namespaces, ['isp', 'srv0'], ['srv', 'eth0'])
  for (const host of hosts) run(host, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
  address(run, 'lan', 'eth0', '10.77.1.2/24')
  address(run, 'gw', 'lan0', '10.77.1.1/24')
  address(run, 'gw', 'wan0', '10.77.0.1/24')
  address(run, 'isp', 'wan1', '10.77.0.2/24')
  address(run, 'isp', 'srv0', '10.77.2.1/24')
  address(run, 'srv', 'eth0', '10.77.2.2/24')
  run('lan', 'ip', 'route', 'add', 'default', 'via', '10.77.1.1')
  run('gw', 'ip', 'route', 'add', 'default', 'via', '10.77.0.2')
  run('isp', 'ip', 'route', 'add', '10.77.1.0/24', 'via', '10.77.0.1')
  run('srv', 'ip', 'route', 'add', 'default', 'via', '10.77.2.1')
}

function address(run: Lab['run'], host: Host, device: string, cidr: string): void {
  run(host, 'ip', 'addr', 'add', cidr, 'dev', device)
  run(host, 'ip', 'link', 'set', device, 'up')
  // With offloads one drop kills a packet of 64 kB, and the counters miss headers and packets.
  run(host, 'ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'gro', 'off', 'tx', 'off', 'rx', 'off')
}

/** A second way between `isp` and `srv`, 10.77.3.0/24, whose packets wait half a round trip in the relay each way. */
async function startRelay(deps: {
  namespaces: Namespaces<Host>
  run: Lab['run']
  start: Lab['spawn']
  rttMs: number
}): Promise<void> {
  const { namespaces, run, start, rttMs } = deps
  const reach = (from: Host, device: string, peer: string, near: string, far: string) => {
    wire(namespaces, [from, device], ['mid', peer], 'mtu', outerMtu)
    address(run, from, device, near)
    address(run, 'mid', peer, far)
  }
  reach('isp', 'mid0', 'isp0', '10.77.4.1/24', '10.77.4.2/24')
  reach('srv', 'mid0', 'srv0', '10.77.5.1/24', '10.77.5.2/24')
  const tunnel = (host: Host, remote: string, cidr: string) => {
    run(
      host,
      'ip',
      'link',
      'add',
      'vx0',
      'mtu',
      '1500',
      'type',
      'vxlan',
      'id',
      '77',
      'remote',
      remote,
      'dstport',
      String(vxlanPort),
      'nolearning',
    )
    address(run, host, 'vx0', cidr)
  }
  tunnel('isp', '10.77.4.2', '10.77.3.1/24')
  tunnel('srv', '10.77.5.2', '10.77.3.2/24')
  run('srv', 'ip', 'route', 'replace', 'default', 'via', '10.77.3.1')
  const args = [String(vxlanPort), '10.77.4.2', '10.77.4.1', '10.77.5.2', '10.77.5.1', String(rttMs / 2)]
  const relay = start(
    'mid',
    process.execPath,
    [join(import.meta.dirname, 'relay.ts'), ...args],
    ['ignore', 'pipe', 'inherit'],
  )
  await Promise.race([
    once(relay.stdout as NodeJS.ReadableStream, 'data'),
    once(relay, 'exit').then(() => Promise.reject(new Error('The delay relay did not start.'))),
  ])
}

function lossRules(ratio: number): string {
  const scale = 1_000_000
  return `table ip loss {
  chain forward {
    type filter hook forward priority 0;
    numgen random mod ${scale} < ${Math.round(ratio * scale)} counter drop;
  }
}`
}
