/**
 * Tells when what a server accepted is safe, where its answer does not say so: after a time in which it has not started
 * anew. Its start is read before a request goes out and again at the end; a server that was killed in between has
 * forgotten what it had not yet written, and everything that waits is taken for lost.
 */
import { AppError, messageOf } from '../../core/errors.ts'

/** A restart is noticed within it, so that what was lost comes again soon. */
const lookEveryMs = 3_000
/** Nor more often: many become due one after another, and a look costs the server some milliseconds. */
const leastPauseMs = 1_000
/** After this much more than the time to settle without a word from the server, what waits is left to be sent again. */
const patienceMs = 300_000
/** Rows whose callers wait: each holds its batch in memory. */
const maxRows = 1_000_000

export type Settler = {
  /** Reads the server's start. Why it cannot be read, or undefined. */
  look: () => Promise<string | undefined>
  /** Call it before a request is sent, its result when the request was answered. Undefined: too much waits already. */
  begin: () => ((rows: number) => Promise<void>) | undefined
  facts: () => { settling_rows: number }
  stop: () => void
}

type Entry = { start: string; rows: number; dueAt: number; resolve: () => void; reject: (error: Error) => void }

export function createSettler(options: {
  settleMs: number
  server: string
  readStart: () => Promise<string>
}): Settler {
  const { settleMs, server, readStart } = options
  let entries: Entry[] = []
  let rows = 0
  let start: string | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const end = (ended: ReadonlySet<Entry>, finish: (entry: Entry) => void) => {
    entries = entries.filter((entry) => !ended.has(entry))
    for (const entry of ended) {
      rows -= entry.rows
      finish(entry)
    }
  }
  const loseAll = (which: (entry: Entry) => boolean, why: string) =>
    end(new Set(entries.filter(which)), ({ reject }) => reject(new AppError('store_unavailable', why)))

  const look = async (): Promise<string | undefined> => {
    const askedAt = performance.now()
    let seen: string
    try {
      seen = await readStart()
    } catch (error) {
      const because = `nothing was heard of ${server} for too long`
      loseAll(({ dueAt }) => dueAt + patienceMs < askedAt, because)
      return messageOf(error)
    }
    start = seen
    loseAll((entry) => entry.start !== seen, `${server} was started anew and may have lost what it had accepted`)
    end(new Set(entries.filter(({ dueAt }) => dueAt <= askedAt)), ({ resolve }) => resolve())
    return undefined
  }
  const schedule = () => {
    const [first] = entries
    if (timer !== undefined || first === undefined || stopped) return
    const wait = Math.min(lookEveryMs, Math.max(first.dueAt - performance.now(), Math.min(leastPauseMs, settleMs)))
    timer = setTimeout(() => {
      void look().then(() => {
        timer = undefined
        schedule()
      })
    }, wait)
  }

  return {
    look,
    begin: () => {
      const known = start
      if (known === undefined || rows > maxRows) return undefined
      return (count) =>
        new Promise((resolve, reject) => {
          rows += count
          entries.push({ start: known, rows: count, dueAt: performance.now() + settleMs, resolve, reject })
          schedule()
        })
    },
    facts: () => ({ settling_rows: rows }),
    stop: () => {
      stopped = true
      clearTimeout(timer)
      loseAll(() => true, `the store was closed before ${server} had the time to write it down`)
    },
  }
}
