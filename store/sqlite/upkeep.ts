/** What the store does by itself: roll-ups each minute, retention each hour and at start. */
import { isAppError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { hourMs } from './partitions.ts'
import type { ReaderMethods } from './reader-methods.ts'
import type { Caller } from './rpc.ts'
import type { WriterMethods } from './writer-methods.ts'

const tickMs = 60_000
/** An hour is rolled up when its last batches are in: agents send each minute. Later ones roll it up again. */
const graceMs = 5 * 60_000

export type UpkeepDeps = { writer: Caller<WriterMethods>; reader: Caller<ReaderMethods>; log: Log; now: () => number }

export type Upkeep = {
  start: () => void
  stop: () => Promise<void>
  rollUp: () => Promise<void>
  retain: () => Promise<void>
  /** When roll-ups were last up to date. */
  rolledUpAt: () => number
  /** Nothing is deleted: the clock is too far ahead of what is stored. */
  clockDoubtful: () => boolean
}

export function createUpkeep({ writer, reader, log, now }: UpkeepDeps): Upkeep {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let retainedHour = 0
  let rolledUpAt = now()
  let failing = false
  let clockDoubtful = false

  const retain = async () => {
    const { names: expired, doubtful } = await writer.call('expire', { time: now() })
    if (doubtful && !clockDoubtful)
      log.error(
        { now: new Date(now()).toISOString() },
        'The clock here is days ahead of the samples in the store: nothing is deleted. Check the clock.',
      )
    clockDoubtful = doubtful
    if (expired.length === 0) return
    // The reader lets go first: Windows deletes no file that is open.
    await reader.call('release', expired)
    await writer.call('remove', expired)
    log.info({ files: expired }, 'Store files beyond their retention were deleted.')
  }

  const tick = async () => {
    const time = now()
    const hour = Math.floor(time / hourMs)
    await writer.call('rollUp', { before: Math.floor((time - graceMs) / hourMs) * hourMs, time })
    rolledUpAt = time
    if (hour !== retainedHour) await retain()
    retainedHour = hour
  }

  const tickSafely = async () => {
    try {
      await tick()
      if (failing) log.info('The upkeep of the store works again.')
      failing = false
    } catch (error) {
      if (isAppError(error, 'aborted')) return
      if (!failing)
        log.error({ reason: messageOf(error) }, 'The upkeep of the store failed; it is tried again each minute.')
      failing = true
    }
  }

  const run = () => {
    // A long tick (roll-ups after a backfill) is let finish, not overtaken.
    running ??= tickSafely().finally(() => {
      running = undefined
    })
  }

  return {
    start: () => {
      timer = setInterval(run, tickMs)
      run()
    },
    stop: async () => {
      clearInterval(timer)
      await writer.call('halt', undefined)
      await running
    },
    rollUp: async () => {
      await writer.call('rollUp', { before: Number.POSITIVE_INFINITY, time: now() })
      rolledUpAt = now()
    },
    retain,
    rolledUpAt: () => rolledUpAt,
    clockDoubtful: () => clockDoubtful,
  }
}
