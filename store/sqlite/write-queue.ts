/** Batches on their way to the writer: what comes while a commit runs shares the next one. */
import type { Batch } from '../../core/batch.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { WriteResult } from '../store.ts'
import { packBatch, type PackedBatch } from './pack.ts'
import type { Retention } from './partitions.ts'
import type { Caller } from './rpc.ts'
import type { WriterMethods } from './writer-methods.ts'

/** Rows after which a transaction ends: bounds its time and the write-ahead log. */
const maxFlushRows = 50_000
/** The second is with the writer when it comes back from the commit of the first. */
const maxFlushing = 2

export type WriteQueueDeps = { writer: Caller<WriterMethods>; retention: Retention; log: Log; now: () => number }

export type WriteQueue = {
  write: (batches: readonly Batch[]) => Promise<WriteResult>
  /** Resolves when every write that was begun has its outcome. */
  drained: () => Promise<unknown>
  /** Why nothing can be written at present. */
  fault: () => string | undefined
  /** Rows left out of accepted batches for their time. */
  leftOutRows: () => number
}

type Outcome = { rejected?: string; retry?: boolean }
type Waiting = { packed: PackedBatch; resolve: (outcome: Outcome) => void }

export function createWriteQueue({ writer, retention, log, now }: WriteQueueDeps): WriteQueue {
  const queue: Waiting[] = []
  let flushing = 0
  let fault: string | undefined
  let leftOutRows = 0

  const setFault = (next: string | undefined) => {
    if (next !== undefined && fault === undefined) {
      log.error({ reason: next }, 'The store cannot write; nothing is acknowledged until it can.')
    }
    if (next === undefined && fault !== undefined) log.info('The store writes again.')
    fault = next
  }

  const send = async (taken: readonly Waiting[]) => {
    const batches = taken.map(({ packed }) => packed)
    try {
      const outcome = await writer.call('flush', { batches, time: now() }, movable(batches))
      const rejected = new Map(outcome.rejected)
      const retry = new Set(outcome.retry)
      setFault(outcome.fault)
      taken.forEach(({ resolve }, i) => {
        const reason = rejected.get(i)
        resolve(reason === undefined ? { retry: retry.has(i) } : { rejected: reason })
      })
    } catch (error) {
      setFault(messageOf(error))
      for (const { resolve } of taken) resolve({ retry: true })
    }
  }

  const flush = () => {
    while (flushing < maxFlushing && queue.length > 0) {
      let n = 0
      for (let rows = 0; n < queue.length && rows < maxFlushRows; n++) rows += (queue[n] as Waiting).packed.rows
      flushing++
      void send(queue.splice(0, n)).then(() => {
        flushing--
        flush()
      })
    }
  }

  const enqueue = (batch: Batch, time: number): Promise<Outcome> => {
    const packing = packBatch(batch, retention, time)
    if ('reason' in packing) return Promise.resolve({ rejected: packing.reason })
    leftOutRows += packing.leftOut
    return new Promise((resolve) => {
      queue.push({ packed: packing.packed, resolve })
    })
  }

  const begun = new Set<Promise<Outcome[]>>()

  return {
    write: async (batches) => {
      const time = now()
      const outcomes = Promise.all(batches.map((batch) => enqueue(batch, time)))
      begun.add(outcomes)
      flush()
      const rejected = new Map<number, string>()
      const retry: number[] = []
      for (const [index, outcome] of (await outcomes).entries()) {
        if (outcome.rejected !== undefined) rejected.set(index, outcome.rejected)
        else if (outcome.retry) retry.push(index)
      }
      begun.delete(outcomes)
      // The writer answers after its commit, so what it accepted is durable already.
      return { rejected, retry, durable: Promise.resolve() }
    },
    drained: () => Promise.all(begun),
    fault: () => fault,
    leftOutRows: () => leftOutRows,
  }
}

/** Large blocks are moved to the worker; of small ones a copy costs less than the change of owner. */
function movable(batches: readonly PackedBatch[]): ArrayBuffer[] {
  return batches.map(({ values }) => values.buffer).filter((buffer) => buffer.byteLength > 65_536)
}
