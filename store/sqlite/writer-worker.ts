/** The writer: the only thread that changes store files. It does nothing of its own accord; the main thread asks. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import { AppError, isAppError, messageOf } from '../../core/errors.ts'
import { deletePartition, diskFacts, setPartitionAside, type SetAside } from './disk.ts'
import { isBusy } from './faults.ts'
import type { PackedBatch } from './pack.ts'
import { createPartitionFiles } from './partition-file.ts'
import { isExpired, listPartitions, partitionNamed, type Retention } from './partitions.ts'
import { createRoller } from './rollup.ts'
import { serve } from './rpc.ts'
import { createWriter, type Flushed } from './writer.ts'

export type WriterData = { directory: string; retention: Retention }

const { directory, retention } = workerData as WriterData
const files = createPartitionFiles(directory)
const rawNames = listPartitions(directory, 'raw').map(({ name }) => name)
const roller = createRoller(files, rawNames)
let lock: DatabaseSync | undefined
/** The time by the clock of the main thread, as of its last call. */
let now = 0
let halted = false

const writer = createWriter({ files, setAside, onRawRows: roller.add })

const methods = {
  /** Answers once the store is locked for this process, or fails. */
  open,
  flush: ({ batches, time }: { batches: readonly PackedBatch[]; time: number }): Flushed => {
    open()
    now = time
    return writer.flush(batches)
  },
  /** Rolls up what is dirty in hours that begin before `before`, in slices between which batches are written. */
  rollUp: ({ before }: { before: number }): Promise<void> => rollUp(before),
  /** The partitions that are older than they are kept; what there was to roll up in them is rolled up. */
  expire: async ({ time }: { time: number }): Promise<string[]> => {
    now = time
    const expired = listPartitions(directory).filter((partition) => isExpired(partition, retention, now))
    await rollUp(Math.max(0, ...expired.filter(({ kind }) => kind === 'raw').map(({ to }) => to)))
    return expired.map(({ name }) => name)
  },
  remove: (names: readonly string[]): void => {
    for (const name of names) {
      files.drop(name)
      roller.forget(name)
      deletePartition(directory, name)
    }
  },
  setAside: ({ name, reason, time }: { name: string; reason: string; time: number }): void => {
    now = time
    setAside(name, reason)
  },
  /** Ends roll-ups after their present slice. */
  halt: (): void => {
    halted = true
  },
  facts: () => ({ disk: diskFacts(directory), waitingHours: roller.waiting() }),
  close: () => {
    files.closeAll()
    lock?.close()
  },
}
export type WriterMethods = typeof methods

const notify = serve<SetAside>(methods)

/** An open exclusive transaction: the system ends it with the process, however that dies. */
function open(): void {
  if (lock !== undefined) return
  const facts = { directory }
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(join(directory, 'lock.sqlite'))
    db.exec('begin exclusive')
  } catch (cause) {
    db?.close()
    throw isBusy(cause)
      ? new AppError(
          'store_unavailable',
          `The store in ${directory} is in use by another process; stop that one first.`,
          facts,
        )
      : new AppError('io', `The store in ${directory} cannot be opened: ${messageOf(cause)}.`, facts)
  }
  lock = db
}

async function rollUp(before: number): Promise<void> {
  open()
  for (let more = true; more; await setImmediate()) {
    // Not as if done: what is not rolled up must not be deleted.
    if (halted) throw new AppError('aborted', 'The store is being closed; its roll-ups go on when it is opened again.')
    try {
      more = roller.slice(before)
    } catch (error) {
      if (!isAppError(error, 'store_corrupt')) throw error
      setAside(String(error.facts['partition']), error.message)
    }
  }
}

function setAside(name: string, reason: string): void {
  files.drop(name)
  notify(setPartitionAside(directory, name, reason, now))
  const lost = partitionNamed(`${name}.sqlite`)
  if (lost?.kind !== 'hourly') return
  // What the samples still tell of these hours is rolled up again.
  for (const partition of listPartitions(directory, 'raw', lost.from, lost.to)) roller.redo(partition)
}
