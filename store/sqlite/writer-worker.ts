/** The writer: the only thread that changes store files. It does nothing of its own accord; the main thread asks. */
import { renameSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { AppError } from '../../core/errors.ts'
import type { PackedBatch } from './pack.ts'
import { createPartitionFiles } from './partition-file.ts'
import { serve } from './rpc.ts'
import { createWriter, type Flushed } from './writer.ts'

export type WriterData = { directory: string }
/** A damaged file that was moved away, and where it is now. */
export type SetAside = { name: string; path: string; reason: string }

const { directory } = workerData as WriterData
const lock = takeLock(directory)
const files = createPartitionFiles(directory)
let setAsides: SetAside[] = []

const writer = createWriter({ files, setAside, onRawRows: () => {} })

const methods = {
  /** Answers once the store is locked for this process, or fails. */
  open: () => {},
  flush: ({ batches }: { batches: readonly PackedBatch[] }): Flushed & { setAsides: SetAside[] } => {
    const flushed = writer.flush(batches)
    return { ...flushed, setAsides: takeSetAsides() }
  },
  setAside: ({ name, reason }: { name: string; reason: string }): SetAside[] => {
    setAside(name, reason)
    return takeSetAsides()
  },
  close: () => {
    files.closeAll()
    lock.close()
  },
}
export type WriterMethods = typeof methods

serve(methods)

/** An open exclusive transaction: the system ends it with the process, however that dies. */
function takeLock(folder: string): DatabaseSync {
  const db = new DatabaseSync(join(folder, 'lock.sqlite'))
  try {
    db.exec('begin exclusive')
    return db
  } catch (cause) {
    throw new AppError(
      'store_unavailable',
      `The store in ${folder} is in use by another process; stop that one first.`,
      { cause },
    )
  }
}

function setAside(name: string, reason: string): void {
  files.drop(name)
  const path = join(directory, `${name}.sqlite`)
  const aside = `${path}.corrupt-${new Date().toISOString().replaceAll(':', '')}`
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  setAsides.push({ name, path: aside, reason })
}

function takeSetAsides(): SetAside[] {
  const taken = setAsides
  setAsides = []
  return taken
}
