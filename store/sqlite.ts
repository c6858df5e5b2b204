/**
 * The embedded store: SQLite files by time, a writer and a reader worker. Nothing here touches SQL or a disk.
 */
import { mkdir } from 'node:fs/promises'
import type { Batch } from '../core/batch.ts'
import { isAppError, messageOf } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { checkQuery } from './sqlite/check-query.ts'
import { packBatch, type PackedBatch } from './sqlite/pack.ts'
import type { Retention } from './sqlite/partitions.ts'
import type { ReaderData, ReaderMethods } from './sqlite/reader-worker.ts'
import { createCaller } from './sqlite/rpc.ts'
import { unpackRows, unpackSeries } from './sqlite/unpack.ts'
import type { SetAside, WriterData, WriterMethods } from './sqlite/writer-worker.ts'
import type { Store, WriteResult } from './store.ts'

export type SqliteStoreOptions = {
  directory: string
  log: Log
  now: () => number
  retention?: Partial<Retention>
}

export type SqliteStore = Store & {
  /** Finishes all roll-ups now, those of open hours as well. */
  rollUp: () => Promise<void>
}

type Waiting = { packed: PackedBatch; resolve: (outcome: { rejected?: string; retry?: true }) => void }

/** Rows of one transaction, beyond which the next is begun: bounds its time and the write-ahead log. */
const maxFlushRows = 50_000

/** Opens the store in `directory`, which is created when missing. Throws `store_unavailable` when another process has it. */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { directory, now } = options
  const log = options.log.child({ module: 'store' })
  const retention = { raw_days: 14, long_days: 1096, ...options.retention }
  await mkdir(directory, { recursive: true })
  const died = (which: string) => (reason: string) =>
    log.error({ reason }, `The ${which} of the store died; it is started again.`)
  const writerUrl = new URL('./sqlite/writer-worker.ts', import.meta.url)
  const readerUrl = new URL('./sqlite/reader-worker.ts', import.meta.url)
  const writer = createCaller<WriterMethods>(writerUrl, { directory } satisfies WriterData, died('writer'))
  const reader = createCaller<ReaderMethods>(readerUrl, { directory } satisfies ReaderData, died('reader'))
  await writer.call('open', undefined as never)

  const queue: Waiting[] = []
  let flushing = 0
  let fault: string | undefined

  const announce = async (setAsides: readonly SetAside[]) => {
    for (const { name, path, reason } of setAsides) {
      log.error(
        { partition: name, path, reason },
        `A store file was damaged and set aside; ${name.replace('-', ' of ')} begins again empty.`,
      )
    }
    await reader.call(
      'release',
      setAsides.map(({ name }) => name),
    )
  }

  const flush = async (): Promise<void> => {
    // Two in flight: the next is at the writer when it comes back from a commit.
    if (flushing >= 2 || queue.length === 0) return
    let rows = 0
    let n = 0
    while (n < queue.length && rows < maxFlushRows) rows += (queue[n++] as Waiting).packed.rows
    const taken = queue.splice(0, n)
    flushing++
    try {
      const batches = taken.map(({ packed }) => packed)
      const outcome = await writer.call(
        'flush',
        { batches },
        batches.map(({ values }) => values.buffer),
      )
      const rejected = new Map(outcome.rejected)
      const retry = new Set(outcome.retry)
      taken.forEach(({ resolve }, i) => {
        const reason = rejected.get(i)
        resolve(reason !== undefined ? { rejected: reason } : retry.has(i) ? { retry: true } : {})
      })
      setFault(outcome.fault)
      if (outcome.setAsides.length > 0) await announce(outcome.setAsides)
    } catch (error) {
      for (const { resolve } of taken) resolve({ retry: true })
      setFault(messageOf(error))
    } finally {
      flushing--
      void flush()
    }
  }

  const setFault = (next: string | undefined) => {
    if (next !== undefined && fault === undefined)
      log.error({ reason: next }, 'The store cannot write; batches wait at their senders.')
    if (next === undefined && fault !== undefined) log.info('The store writes again.')
    fault = next
  }

  const write = async (batches: readonly Batch[]): Promise<WriteResult> => {
    const time = now()
    const rejected = new Map<number, string>()
    const retry: number[] = []
    const outcomes = batches.map(async (batch, index) => {
      const packing = packBatch(batch, retention, time)
      if ('reason' in packing) {
        rejected.set(index, packing.reason)
        return
      }
      const outcome = await new Promise<{ rejected?: string; retry?: true }>((resolve) => {
        queue.push({ packed: packing.packed, resolve })
      })
      if (outcome.rejected !== undefined) rejected.set(index, outcome.rejected)
      if (outcome.retry) retry.push(index)
    })
    void flush()
    await Promise.all(outcomes)
    return { rejected, retry, durable: Promise.resolve() }
  }

  /** A query; a damaged file on the way is set aside, and the query answered from the others. */
  const read = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const name = isAppError(error, 'store_corrupt') ? error.facts['partition'] : undefined
        if (typeof name !== 'string') throw error
        await reader.call('release', [name])
        await announce(await writer.call('setAside', { name, reason: messageOf(error) }))
      }
    }
  }

  return {
    write,
    last: async (query) => unpackRows(await read(() => reader.call('last', checkQuery(query)))),
    rows: async (query) => unpackRows(await read(() => reader.call('rows', checkQuery(query)))),
    range: async (query) => unpackSeries(await read(() => reader.call('range', checkQuery(query)))),
    rollUp: async () => {},
    health: async () => ({ ok: fault === undefined, problems: fault === undefined ? [] : [fault], facts: {} }),
    close: async () => {
      // The writer last: only the last to close a file folds its write-ahead log into it.
      await reader.close()
      await writer.close()
    },
  }
}
