/** The parts of the embedded store put together, whatever threads its writer and reader run on. */
import { mkdir } from 'node:fs/promises'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { checkQuery } from '../check-query.ts'
import type { Store } from '../store.ts'
import { healthOf } from './check-health.ts'
import type { SetAside } from './disk.ts'
import type { Retention } from './partitions.ts'
import { createSharedRange } from './shared-range.ts'
import type { StartThreads, StoreThreads } from './threads.ts'
import { unpackRows } from './unpack.ts'
import { createUpkeep } from './upkeep.ts'
import { createWriteQueue } from './write-queue.ts'

export type SqliteStoreOptions = {
  directory: string
  log: Log
  now: () => number
  /** `raw_days`: samples of `raw` measurements (14); `long_days`: their roll-ups, and all evidence (1096). */
  retention?: Partial<Retention>
}

export type SqliteStore = Store & {
  /** Finishes all roll-ups now, those of open hours as well. */
  rollUp: () => Promise<void>
  /** Deletes now what is older than it is kept; by itself it happens each hour. */
  retain: () => Promise<void>
}

export async function openStore(options: SqliteStoreOptions, startThreads: StartThreads): Promise<SqliteStore> {
  const { directory, now } = options
  const retention = { raw_days: 14, long_days: 1096, ...options.retention }
  const log = options.log.child({ module: 'store' })
  await makeFolder(directory)
  const threads = startThreads({ directory, retention }, log, (note) => announce(threads, log, note))
  const { writer, reader } = threads
  try {
    await writer.call('open', undefined)
  } catch (error) {
    await Promise.all([writer.close(), reader.close()])
    throw error
  }
  const queue = createWriteQueue({ writer, retention, log, now })
  const upkeep = createUpkeep({ writer, reader, log, now })
  const read = createRead(threads, now)
  const range = createSharedRange((call) => read(() => reader.call('range', call)))
  upkeep.start()

  let closed: Promise<void> | undefined
  const close = async () => {
    await Promise.all([upkeep.stop(), queue.drained()])
    // The writer last: only the last to close a file folds its write-ahead log into it.
    await reader.close()
    await writer.close()
  }

  return {
    write: queue.write,
    last: async (query) => unpackRows(await read(() => reader.call('last', checkQuery(query)))),
    rows: async (query) => unpackRows(await read(() => reader.call('rows', checkQuery(query)))),
    range: async (query) => range(checkQuery(query)),
    rollUp: upkeep.rollUp,
    retain: upkeep.retain,
    health: async () =>
      healthOf({
        ...(await writer.call('facts', undefined)),
        directory,
        fault: queue.fault(),
        leftOutRows: queue.leftOutRows(),
        rolledUpAt: upkeep.rolledUpAt(),
        clockDoubtful: upkeep.clockDoubtful(),
        now: now(),
      }),
    close: () => (closed ??= close()),
  }
}

async function makeFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (cause) {
    const reason = messageOf(cause)
    throw new AppError('io', `The folder of the store ${directory} cannot be made: ${reason}.`, { cause, directory })
  }
}

function announce({ reader }: StoreThreads, log: Log, { name, path, reason }: SetAside): void {
  const what = name.replace('-', ' of ')
  log.error({ partition: name, path, reason }, `A store file was damaged: ${what} is set aside and begins anew.`)
  // It fails when the reader is closed already, and has let go.
  reader.call('release', [name]).catch(() => {})
}

/**
 * Runs a query. A file in which it meets damage is opened afresh, for the writer may just have replaced it; damaged still,
 * it is set aside, and the query answered from the others.
 */
function createRead({ writer, reader }: StoreThreads, now: () => number) {
  return async <T>(ask: () => Promise<T>): Promise<T> => {
    const damaged = new Set<string>()
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const name = isAppError(error, 'store_corrupt') ? error.facts['partition'] : undefined
        if (typeof name !== 'string') throw error
        await reader.call('release', [name])
        if (damaged.has(name)) await writer.call('setAside', { name, reason: messageOf(error), time: now() })
        damaged.add(name)
      }
    }
  }
}
