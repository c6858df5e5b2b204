/**
 * Byte and packet counters of a network interface, cheap enough to be read 20 times a second: Linux sysfs, else
 * /proc/net/dev, else systeminformation. The kernel counts layer 2 without FCS; some drivers get it wrong.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { AppError, messageOf } from '../core/errors.ts'
import { interfaceNotFound, listInterfaces } from './interfaces.ts'

export type Counters = {
  /** Milliseconds on the monotonic clock (`performance.now()`) when the counters were read. */
  time: number
  rxBytes: number
  txBytes: number
  /** NaN where the platform does not count packets (macOS and Windows through systeminformation). */
  rxPackets: number
  txPackets: number
}
export type Faults = { rxErrors: number; txErrors: number; rxDropped: number; txDropped: number }
export type CounterReader = {
  source: 'sysfs' | 'procfs' | 'polled'
  /** Of counters that are another machine's, which refreshes them when it likes: so long may they stand still. */
  refreshSeconds?: number
  /** Settles when `read` may be called: at once on Linux, after the first poll elsewhere. */
  ready: Promise<void>
  /** Throws `io` when the interface is gone. A `polled` reader repeats a reading, with its own time, until the next poll. */
  read: () => Counters
  /** Errors and drops since the interface came up. */
  readFaults: () => Faults
  close: () => void
}
export type CounterOptions = {
  /** Where /proc and /sys are; tests put their own. */
  root?: string
  /** `polled` asks for systeminformation even on Linux. */
  source?: CounterReader['source']
}

/** What went over an interface between two readings. */
export type Difference = { seconds: number; rxBytes: number; txBytes: number; rxPackets: number; txPackets: number }

const byteNames = ['rx_bytes', 'tx_bytes', 'rx_packets', 'tx_packets'] as const
const faultNames = ['rx_errors', 'tx_errors', 'rx_dropped', 'tx_dropped'] as const
const pollMs = 1000

/** Opens the counters of `device`. Throws `probe_failed` with the list of interfaces when there is none of that name. */
export function createCounterReader(device: string, { root = '', source }: CounterOptions = {}): CounterReader {
  if (source === 'polled' || (source === undefined && process.platform !== 'linux')) return polledReader(device)
  const folder = `${root}/sys/class/net/${device}/statistics`
  return source !== 'procfs' && existsSync(folder) ? sysfsReader(device, folder) : procfsReader(device, root)
}

/** The traffic between two readings, or undefined when a counter went back: it was reset, and what passed is unknown. */
export function difference(before: Counters, after: Counters): Difference | undefined {
  const result = {
    seconds: (after.time - before.time) / 1000,
    rxBytes: after.rxBytes - before.rxBytes,
    txBytes: after.txBytes - before.txBytes,
    rxPackets: after.rxPackets - before.rxPackets,
    txPackets: after.txPackets - before.txPackets,
  }
  // A wrap of 2^32 or 2^64 cannot be told from a reset, so nothing is ever added (reference/bandwidth.md §6).
  return Object.values(result).some((value) => value < 0) ? undefined : result
}

function sysfsReader(device: string, folder: string): CounterReader {
  const files = openAll([...byteNames, ...faultNames].map((name) => `${folder}/${name}`))
  // 2^64 has 20 digits. Beyond 2^53 bytes (9 PB) the last bits are rounded off, which no rate can show.
  const buffer = Buffer.alloc(32)
  const value = (index: number) => {
    try {
      return Number(buffer.toString('latin1', 0, readSync(files[index] as number, buffer, 0, 32, 0)))
    } catch (error) {
      throw gone(device, error)
    }
  }
  return {
    source: 'sysfs',
    ready: Promise.resolve(),
    read: () => ({
      time: performance.now(),
      rxBytes: value(0),
      txBytes: value(1),
      rxPackets: value(2),
      txPackets: value(3),
    }),
    readFaults: () => ({ rxErrors: value(4), txErrors: value(5), rxDropped: value(6), txDropped: value(7) }),
    close: () => files.splice(0).forEach((file) => closeSync(file)),
  }
}

function openAll(paths: string[]): number[] {
  const files: number[] = []
  try {
    for (const path of paths) files.push(openSync(path, 'r'))
    return files
  } catch (error) {
    files.forEach((file) => closeSync(file))
    throw new AppError('io', `Cannot read the interface counters: ${messageOf(error)}`, { cause: error })
  }
}

function procfsReader(device: string, root: string): CounterReader {
  const path = `${root}/proc/net/dev`
  const open = openAll([path])
  const file = open[0] as number
  // One line of about 120 bytes for each interface: room for 500.
  const buffer = Buffer.alloc(64 * 1024)
  const columns = (): number[] => {
    const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
    const line = text.split('\n').find((row) => row.slice(0, row.indexOf(':')).trim() === device)
    if (line === undefined) throw gone(device)
    return line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
      .map(Number)
  }
  try {
    columns()
  } catch {
    closeSync(file)
    throw interfaceNotFound(device, root)
  }
  // Columns: rx bytes packets errs drop fifo frame compressed multicast, tx bytes packets errs drop …
  return {
    source: 'procfs',
    ready: Promise.resolve(),
    read: () => {
      const [rxBytes = NaN, rxPackets = NaN, , , , , , , txBytes = NaN, txPackets = NaN] = columns()
      return { time: performance.now(), rxBytes, txBytes, rxPackets, txPackets }
    },
    readFaults: () => {
      const [, , rxErrors = NaN, rxDropped = NaN, , , , , , , txErrors = NaN, txDropped = NaN] = columns()
      return { rxErrors, txErrors, rxDropped, txDropped }
    },
    close: () => open.splice(0).forEach((each) => closeSync(each)),
  }
}

/** systeminformation answers asynchronously and by child processes: polled each second, the newest answer read. */
function polledReader(device: string): CounterReader {
  let latest: (Counters & Faults) | undefined
  let failure: AppError | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const poll = async (): Promise<void> => {
    try {
      const { networkStats } = await import('systeminformation')
      const [stats] = await networkStats(device)
      // It answers zeros for an interface that does not exist.
      const isKnown = stats !== undefined && (stats.rx_bytes > 0 || listInterfaces().includes(device))
      if (!isKnown) throw interfaceNotFound(device)
      failure = undefined
      latest = {
        time: performance.now(),
        rxBytes: stats.rx_bytes,
        txBytes: stats.tx_bytes,
        rxPackets: NaN,
        txPackets: NaN,
        rxErrors: stats.rx_errors,
        txErrors: stats.tx_errors,
        rxDropped: stats.rx_dropped,
        txDropped: stats.tx_dropped,
      }
    } catch (error) {
      failure = error instanceof AppError ? error : gone(device, error)
    }
    if (!closed) timer = setTimeout(() => void poll(), pollMs)
  }
  const current = () => {
    if (failure !== undefined) throw failure
    if (latest === undefined) throw new AppError('io', `The counters of interface ${device} were not read yet.`)
    return latest
  }
  return {
    source: 'polled',
    ready: poll(),
    read: current,
    readFaults: current,
    close: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}

function gone(device: string, cause?: unknown): AppError {
  return new AppError('io', `Interface ${device} has disappeared.`, { cause, interface: device })
}
