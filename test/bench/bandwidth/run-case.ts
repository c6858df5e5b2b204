/** Runs the cases of a plan in labs, and says what each run showed. */
import { once } from 'node:events'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BandwidthResult } from '../../../agent/bandwidth/result.ts'
import { hold } from '../../lab/hold.ts'
import type { Lab } from '../../lab/lab.ts'
import { createSchool, type School } from '../../lab/school.ts'
import type { Case, Cross } from './cases.ts'

export type Run = {
  case: Case
  result: BandwidthResult
  wanBytes: number
  /** Cores that programs other than the lab's kept busy meanwhile: what disturbs a lab that is made of CPU. */
  foreignCores: number
  /** Runs before this one that were disturbed. */
  repeats: number
}

const mega = 1e6
const iperfPort = 5201
/** A server of its own for each run: iperf3 takes its time to see that a client has gone. */
let crossPort = iperfPort
/** What is still in queues when a test has ended belongs to it. */
const tailMs = 150
/** iperf3 counts UDP payload: 42 bytes of headers around it at layer 2. */
const udpPayloadBytes = 1448
const udpFrameRatio = udpPayloadBytes / (udpPayloadBytes + 42)
const tcpFrameRatio = 1448 / 1514
const quietMs = 300
const quietRatio = 0.8
const maxQuietTries = 100

/** A lab for the path of a case; cases on the same path share one. */
export async function openSchool({ capacityMbps, rttMs, lossRatio }: Case): Promise<School> {
  const bps = capacityMbps * mega
  const school = await createSchool({ downBps: bps, upBps: bps, rttMs, lossRatio })
  school.spawn('srv', 'iperf3', ['-s', '-p', String(iperfPort)], 'ignore')
  await sleep(300)
  return school
}

const urls = {
  ndt7: ({ url }: School) => url.replace('http', 'ws'),
  iperf3: ({ server }: School) => `iperf3://${server}:${iperfPort}`,
}

/** Waits, for a while, until the machine has nothing else to do: the lab's whole network is made of its CPU. */
async function quiet(): Promise<void> {
  const idle = () => cpus().reduce((sum, { times }) => sum + times.idle, 0)
  for (let tries = 0; tries < maxQuietTries; tries++) {
    const before = idle()
    await sleep(quietMs)
    if (idle() - before > quietRatio * quietMs * cpus().length) return
  }
}

/** Begins to watch the machine's time in user mode, in which the lab's own processes spend next to nothing. */
function watchUserTime(): () => number {
  const user = () => cpus().reduce((sum, { times }) => sum + times.user, 0)
  const before = user()
  const begun = performance.now()
  return () => (user() - before) / (performance.now() - begun)
}

/** One measurement of a case. */
export async function runOnce(school: School, given: Case): Promise<Run> {
  const { targetMbps, capacityMbps, direction, cross, cpuRatio, interfaceMbps, protocol } = given
  await quiet()
  school.shape(capacityMbps * mega, capacityMbps * mega)
  const traffic = cross === undefined ? undefined : await startCross(school, given, cross)
  const release = cpuRatio === undefined ? undefined : hold(school.agent.pid as number, cpuRatio)
  try {
    const before = school.wanBytes()[direction]
    const userSeconds = watchUserTime()
    const [result] = await school.measure({
      targets: [{ direction, target_bps: targetMbps * mega }],
      ...(protocol !== 'librespeed' && { testpoints: [{ id: 'lab', type: protocol, url: urls[protocol](school) }] }),
      ...(interfaceMbps !== undefined && { interface_rate_bps: interfaceMbps * mega }),
    })
    const foreignCores = userSeconds()
    await sleep(tailMs)
    return {
      case: given,
      result: result as BandwidthResult,
      wanBytes: school.wanBytes()[direction] - before,
      foreignCores,
      repeats: 0,
    }
  } finally {
    release?.()
    await traffic?.()
  }
}

/** Traffic between the school's LAN and the server, a share of the line; returns what ends it. */
async function startCross(lab: Lab, given: Case, { ratio, type }: Cross): Promise<() => Promise<void>> {
  const rate = Math.round(given.capacityMbps * mega * ratio * (type === 'udp' ? udpFrameRatio : tcpFrameRatio))
  crossPort += 1
  const server = lab.spawn('srv', 'iperf3', ['-s', '-1', '-p', String(crossPort)], 'ignore')
  await sleep(200)
  const args = ['-c', lab.server, '-p', String(crossPort), '-t', '120', '-b', String(rate)]
  if (type === 'udp') args.push('-u', '-l', String(udpPayloadBytes))
  if (given.direction === 'down') args.push('-R')
  const client = lab.spawn('lan', 'iperf3', args, 'ignore')
  await sleep(1000)
  return async () => {
    if (client.exitCode !== null) throw new Error(`The cross traffic ended by itself: iperf3 ${args.join(' ')}.`)
    await Promise.all(
      [client, server].map((child) => {
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        return ended
      }),
    )
  }
}

/** Goodput that iperf3 sees in 10 s, in Mbit/s: the independent reference. */
export async function iperf3(school: School, { direction, capacityMbps }: Case): Promise<number> {
  school.shape(capacityMbps * mega, capacityMbps * mega)
  const args = [
    '-c',
    school.server,
    '-p',
    String(iperfPort),
    '-t',
    '10',
    '-P',
    '4',
    '-J',
    ...(direction === 'down' ? ['-R'] : []),
  ]
  const child = school.spawn('gw', 'iperf3', args, ['ignore', 'pipe', 'ignore'])
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(child, 'close')
  const { end } = JSON.parse(text) as { end?: { sum_received?: { bits_per_second: number } } }
  return (end?.sum_received?.bits_per_second ?? 0) / mega
}
