/**
 * Bytes that tests and streams of a link may use in a month, kept across restarts. A test is charged with all it may use before it
 * begins and given back the rest afterwards: a crash in the middle never makes bytes disappear from the account.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { AppError, messageOf } from '../../core/errors.ts'
import { formatBytes } from '../../core/units.ts'

export type Account = { usedBytes: number; limitBytes: number }

export type Budget = {
  account: () => Account
  /** Takes what a test may use. Throws `probe_failed` when the month has not that much left. */
  charge: (bytes: number) => void
  /** Gives back what a test was charged but did not use; a negative number takes more. */
  refund: (bytes: number) => void
}

const stateSchema = z.object({
  v: z.literal(1),
  /**
   * Bytes of each link by month, as in 2026-11, UTC: a clock that is set by a zone must not open a new month, and one that
   * stood in 1970 until it was set must not have wiped this one.
   */
  used_bytes: z.record(z.string(), z.record(z.string(), z.number().min(0))),
})
type State = z.output<typeof stateSchema>

/** Months that are kept: the latest, and with them whatever a wrong clock has opened. */
const keptMonths = 12

const baseBytes = 5e9
const secondsAtTarget = 400

/** 30 GB a month at 500 Mbit/s, 10 GB at 100 Mbit/s (DESIGN §5.7): a base, and 400 s at the target. */
export function defaultMonthlyBytes(targetBps: number): number {
  return baseBytes + (targetBps / 8) * secondsAtTarget
}

/** The account of a link. Without a file it is kept in memory only; a damaged file is a month begun anew. */
export function openBudget(options: {
  file: string | undefined
  link: string
  limitBytes: number
  now: () => number
}): Budget {
  const { file, link, limitBytes, now } = options
  const month = new Date(now()).toISOString().slice(0, 7)
  const memory: State = { v: 1, used_bytes: {} }
  // Read each time: others charge the same file while a test runs.
  const current = () => (file === undefined ? memory : read(file))
  const usedBytes = () => current().used_bytes[month]?.[link] ?? 0
  const add = (bytes: number) => {
    // JSON holds no such number: it would come back as a damaged file.
    if (!Number.isFinite(bytes)) throw new RangeError(`${bytes} bytes cannot be charged to the link ${link}`)
    const state = current()
    const account = (state.used_bytes[month] ??= {})
    account[link] = Math.max(0, (account[link] ?? 0) + bytes)
    if (file !== undefined) write(file, state)
  }
  return {
    account: () => ({ usedBytes: usedBytes(), limitBytes }),
    charge(bytes) {
      if (usedBytes() + bytes > limitBytes) {
        const used = `${formatBytes(usedBytes())} of ${formatBytes(limitBytes)}`
        throw new AppError(
          'probe_failed',
          `The link ${link} has used ${used} for tests in ${month}; this one may need ${formatBytes(bytes)} more. Raise limits.bandwidth_bytes_per_month in the agent’s file, or wait for the next month.`,
          { link },
        )
      }
      add(bytes)
    },
    refund: (bytes) => add(-bytes),
  }
}

function read(file: string): State {
  try {
    const { v, used_bytes: all } = stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    const months = Object.keys(all).toSorted().slice(-keptMonths)
    return { v, used_bytes: Object.fromEntries(months.map((month) => [month, all[month] ?? {}])) }
  } catch {
    // None yet, or not readable: the next write replaces it.
    return { v: 1, used_bytes: {} }
  }
}

/** Whole or not at all: written beside and renamed. */
function write(file: string, state: State): void {
  const draft = `${file}.new`
  try {
    const fd = openSync(draft, 'w')
    try {
      writeSync(fd, JSON.stringify(state))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(draft, file)
  } catch (error) {
    throw new AppError(
      'io',
      `Cannot keep the byte budget in ${file}: ${messageOf(error)}; check the folder and its space.`,
      { cause: error },
    )
  }
}
