/**
 * The embedded store: SQLite files by time, a writer and a reader worker, one process per directory. Nothing on the main
 * thread runs SQL. Samples of `raw` measurements are kept for `raw_days`, their hourly roll-ups and all `evidence` for
 * `long_days`; older than `raw_days`, an hour counts whole where it starts, and has no quantile.
 */
import { mkdir } from 'node:fs/promises'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { healthOf } from './sqlite/check-health.ts'
import { checkQuery } from './sqlite/check-query.ts'
import type { SetAside } from './sqlite/disk.ts'
import type { Retention } from './sqlite/partitions.ts'
import type { ReaderData, ReaderMethods } from './sqlite/reader-worker.ts'
import { createCaller, type Caller } from './sqlite/rpc.ts'
import { unpackRows, unpackSeries } from './sqlite/unpack.ts'
import { createUpkeep } from './sqlite/upkeep.ts'
import { createWriteQueue } from './sqlite/write-queue.ts'
import type { WriterData, WriterMethods } from './sqlite/writer-worker.ts'
import type { Store } from './store.ts'

export type SqliteStoreOptions = {
  directory: string
  log: Log
  now: () => number
  retention?: Partial<Retention>
}

export type SqliteStore = Store & {
  /** Finishes all roll-ups now, those of open hours as well. */
  rollUp: () => Promise<void>
  /** Deletes now what is older than it is kept; by itself it happens each hour. */
  retain: () => Promise<void>
}

/** Opens the store, creating what is missing. Throws `store_unavailable` when another process has the directory. */
export async function createSqliteStore({ directory, log, now, retention }: SqliteStoreOptions): Promise<SqliteStore> {
  const kept = { raw_days: 14, long_days: 1096, ...retention }
  const own = log.child({ module: 'store' })
  await makeFolder(directory)
  const { writer, reader } = startWorkers(directory, kept, own)
  try {
    await writer.call('open', undefined)
  } catch (error) {
    await writer.close()
    throw error
  }
  const queue = createWriteQueue({ writer, retention: kept, log: own, now })
  const upkeep = createUpkeep({ writer, reader, log: own, now })
  upkeep.start()

  /** A query. A damaged file on the way is set aside, and the query answered from the others. */
  const read = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const name = isAppError(error, 'store_corrupt') ? error.facts['partition'] : undefined
        if (typeof name !== 'string') throw error
        await reader.call('release', [name])
        await writer.call('setAside', { name, reason: messageOf(error), time: now() })
      }
    }
  }

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
    range: async (query) => unpackSeries(await read(() => reader.call('range', checkQuery(query)))),
    rollUp: upkeep.rollUp,
    retain: upkeep.retain,
    health: async () =>
      healthOf({
        ...(await writer.call('facts', undefined)),
        directory,
        fault: queue.fault(),
        leftOutRows: queue.leftOutRows(),
        rolledUpAt: upkeep.rolledUpAt(),
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

function startWorkers(directory: string, retention: Retention, log: Log) {
  const onDeath = (which: string) => (reason: string) =>
    log.error({ reason }, `The ${which} of the store died; the next call starts another.`)
  const reader: Caller<ReaderMethods> = createCaller({
    file: new URL('./sqlite/reader-worker.ts', import.meta.url),
    workerData: { directory } satisfies ReaderData,
    onDeath: onDeath('reader'),
  })
  const writer: Caller<WriterMethods> = createCaller({
    file: new URL('./sqlite/writer-worker.ts', import.meta.url),
    workerData: { directory, retention } satisfies WriterData,
    onDeath: onDeath('writer'),
    onNote: (note) => {
      const { name, path, reason } = note as SetAside
      const what = name.replace('-', ' of ')
      log.error({ partition: name, path, reason }, `A store file was damaged: ${what} is set aside and begins anew.`)
      // Already closed: it has let go.
      reader.call('release', [name]).catch(() => {})
    },
  })
  return { writer, reader }
}
