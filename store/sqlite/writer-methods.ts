/** What the writer worker can be asked. It does nothing of its own accord. */
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { AppError, isAppError } from '../../core/errors.ts'
import { deletePartition, diskFacts, setPartitionAside, type SetAside } from './disk.ts'
import { takeLock } from './lock.ts'
import type { PackedBatch } from './pack.ts'
import { createPartitionFiles } from './partition-file.ts'
import { isExpired, listPartitions, partitionNamed, retentionTime, type Retention } from './partitions.ts'
import { createRoller } from './rollup.ts'
import { createWriter, type Flushed } from './writer.ts'

export type WriterData = { directory: string; retention: Retention }
export type WriterMethods = ReturnType<typeof createWriterMethods>

/** `notify` is told of each damaged file that was set aside. `time`: the clock of the main thread. */
export function createWriterMethods({ directory, retention }: WriterData, notify: (note: SetAside) => void) {
  let lock: DatabaseSync | undefined
  let halted = false
  const files = createPartitionFiles(directory)
  const rawNames = listPartitions(directory, 'raw').map(({ name }) => name)
  const roller = createRoller(files, rawNames)

  const open = (): void => {
    lock ??= takeLock(directory)
  }

  const setAside = (name: string, reason: string, time: number): void => {
    files.drop(name)
    notify(setPartitionAside(directory, name, reason, time))
    const lost = partitionNamed(`${name}.sqlite`)
    if (lost?.kind !== 'hourly') return
    // What the samples still tell of these hours is rolled up again.
    for (const partition of listPartitions(directory, 'raw', lost.from, lost.to)) {
      orSetAside(time, () => roller.redo(partition))
    }
  }

  /** What `work` returns, or undefined when it met a damaged file, which is then set aside. */
  const orSetAside = <T>(time: number, work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      if (!isAppError(error, 'store_corrupt')) throw error
      setAside(String(error.facts['partition']), error.message, time)
      return undefined
    }
  }

  const rollUp = async (before: number, time: number): Promise<void> => {
    open()
    while (orSetAside(time, () => roller.slice(before)) !== false) {
      await setImmediate()
      // Not as if done: what is not rolled up must not be deleted.
      if (halted)
        throw new AppError('aborted', 'The store is being closed; its roll-ups go on when it is opened again.')
    }
  }

  return {
    /** Answers once the store is locked for this process, or fails. */
    open,
    flush: ({ batches, time }: { batches: readonly PackedBatch[]; time: number }): Flushed => {
      open()
      return createWriter({
        files,
        setAside: (name, reason) => setAside(name, reason, time),
        onRawRows: roller.add,
      }).flush(batches)
    },
    /** Rolls up what is dirty in hours that begin before `before`, in slices between which batches are written. */
    rollUp: ({ before, time }: { before: number; time: number }): Promise<void> => rollUp(before, time),
    /**
     * The partitions that are older than they are kept; what there was to roll up in them is rolled up. `doubtful`: there
     * would be some, but the clock is too far ahead of what is stored.
     */
    expire: async ({ time }: { time: number }): Promise<{ names: string[]; doubtful: boolean }> => {
      const expiredAt = (now: number) =>
        listPartitions(directory).filter((partition) => isExpired(partition, retention, now))
      const believed = retentionTime(listPartitions(directory, 'raw'), time)
      if (believed === undefined) return { names: [], doubtful: expiredAt(time).length > 0 }
      const expired = expiredAt(believed)
      await rollUp(Math.max(0, ...expired.filter(({ kind }) => kind === 'raw').map(({ to }) => to)), time)
      return { names: expired.map(({ name }) => name), doubtful: false }
    },
    remove: (names: readonly string[]): void => {
      for (const name of names) {
        files.drop(name)
        roller.forget(name)
        deletePartition(directory, name)
      }
    },
    setAside: ({ name, reason, time }: { name: string; reason: string; time: number }): void =>
      setAside(name, reason, time),
    /** Ends roll-ups after their present slice. */
    halt: (): void => {
      halted = true
    },
    facts: () => ({ disk: diskFacts(directory), waitingHours: roller.waiting() }),
    close: (): void => {
      files.closeAll()
      lock?.close()
    },
  }
}
