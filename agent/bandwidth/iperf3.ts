/**
 * iperf3 as testpoint, through the installed program. It tells nothing before it ends: a download is read on the
 * interface and ended by killing it; an upload runs a fixed number of seconds and is judged by what the server received.
 */
import { lookup } from 'node:dns/promises'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import { pause } from '../pause.ts'
import type { Exec } from '../probe.ts'
import { unknownServer } from './about.ts'
import type { TestpointTarget } from './config.ts'
import { connectTime } from './connect-time.ts'
import { hostOf } from './http.ts'
import type { Mark } from './curve.ts'
import { interfaceTowards, isOwnAddress } from './local.ts'
import type { Session } from './session.ts'
import { now, runTransfer, type Transfer, type TransferOptions } from './transfer.ts'

type Server = { id: string; address: string; port: number; exec: Exec }

const defaultPort = 5201
const connectTimeoutMs = 5000
/** An upload is judged once it is over; this long a plateau tells what early stopping would. */
const uploadSeconds = 4
const intervalSeconds = 0.1
/** What it writes at a time: its own default. */
const blockBytes = 128 * 1024
/** One test at a time is all that an iperf3 server does; this is how long to wait before asking again. */
const busyMs = 3000
const maxOutputBytes = 8 * 1024 * 1024

type Report = {
  error?: string
  intervals: { sum: { end: number; bytes: number } }[]
  end: { sum_sent?: { bytes: number }; sum_received?: { bytes: number } }
}

export async function openIperf3(testpoint: TestpointTarget, exec: Exec, signal: AbortSignal): Promise<Session> {
  const url = new URL(testpoint.url)
  try {
    const { address } = await lookup(hostOf(url))
    const server = { id: testpoint.id, address, port: Number(url.port || defaultPort), exec }
    // Also finds out, before anything is loaded, whether the program is there at all.
    await exec('iperf3', ['--version'], { signal })
    return {
      ...unknownServer,
      id: server.id,
      address,
      interface: await interfaceTowards(address),
      self: isOwnAddress(address),
      admit: () => Promise.resolve(undefined),
      ping: (pinging) => pingOnce(server, pinging),
      pingGapMs: 500,
      start: (direction, options) =>
        direction === 'down' ? startDownload(server, options) : startUpload(server, options),
      strain: () => ({ testpointWaitedRatio: null }),
      close: () => {},
    }
  } catch (error) {
    if (error instanceof AppError || signal.aborted) throw error
    const message = `Testpoint ${testpoint.id} (${testpoint.url}) cannot be reached: ${messageOf(error)}.`
    throw new AppError('testpoint_failed', message, { cause: error, testpoint: testpoint.id })
  }
}

/** By fping: a connection of ours is taken for a broken test. Where there is none, or no reply, that must do. */
async function pingOnce(server: Server, signal: AbortSignal): Promise<number> {
  try {
    const { stderr } = await server.exec('fping', ['-q', '-C', '1', '-t', '1000', server.address], { signal })
    const ms = Number(stderr.split(' : ')[1])
    if (!Number.isNaN(ms)) return ms / 1000
  } catch (error) {
    if (!isAppError(error, 'tool_missing')) throw error
  }
  return (await connectTime(server, signal)).seconds
}

function startDownload(server: Server, options: TransferOptions): Transfer {
  let ran = false
  return runTransfer(
    nameOf(server),
    { ...options, streams: 1 },
    {
      marks: () => [],
      usedBytes: () => null,
      mayGoOn: () => !ran && now() < options.deadlineSeconds,
      async step(_stream, signal) {
        await runIperf3(server, ['-R', ...common(options, options.maxBytes)], signal)
        ran = true
      },
    },
  )
}

function startUpload(server: Server, options: TransferOptions): Transfer {
  const { maxBytes, paceBps = 0 } = options
  const marks: Mark[] = []
  let used: number | null = null
  const bytes = paceBps > 0 ? Math.min(maxBytes, Math.round((paceBps / 8) * uploadSeconds)) : maxBytes
  return runTransfer(
    nameOf(server),
    { ...options, streams: 1 },
    {
      marks: () => marks,
      usedBytes: () => used,
      mayGoOn: () => used === null && now() < options.deadlineSeconds,
      async step(_stream, signal) {
        const begun = now()
        const { intervals, end } = await runIperf3(server, common(options, bytes), signal)
        const sent = end.sum_sent?.bytes ?? 0
        used = sent
        // The intervals are the sender's: what filled its buffers is cut off as a first burst, what was lost is taken off here.
        const arrived = sent > 0 ? (end.sum_received?.bytes ?? 0) / sent : 0
        let sum = 0
        marks.push({ seconds: begun, bytes: 0 })
        for (const { sum: interval } of intervals) {
          sum += interval.bytes * arrived
          marks.push({ seconds: begun + interval.end, bytes: sum })
        }
      },
    },
  )
}

function common({ streams, paceBps }: TransferOptions, bytes: number): string[] {
  const pace = paceBps === undefined ? [] : ['-b', String(Math.round(paceBps / streams))]
  // Each stream ends with a block that it had begun.
  const within = Math.max(blockBytes, Math.round(bytes) - streams * blockBytes)
  const size = ['-n', String(within), '-l', String(blockBytes)]
  return [...pace, ...size, '-P', String(streams), '-i', String(intervalSeconds)]
}

async function runIperf3({ exec, address, port }: Server, args: string[], signal: AbortSignal): Promise<Report> {
  const target = ['-c', address, '-p', String(port), '--connect-timeout', String(connectTimeoutMs)]
  const { stdout } = await exec('iperf3', [...target, '-J', ...args], { signal, maxBytes: maxOutputBytes })
  const report = JSON.parse(stdout) as Report
  if (report.error === undefined) return report
  if (report.error.includes('busy')) await pause(busyMs, signal)
  throw new Error(`iperf3 says: ${report.error}`)
}

function nameOf({ id, address, port }: Server): string {
  return `Testpoint ${id} (iperf3 at ${address}:${port})`
}
