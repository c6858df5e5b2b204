/** One process per store: two writers would each remember series and dirty hours that the other does not know. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../../core/errors.ts'
import { isBusy, isCorrupt } from './faults.ts'

/** An open exclusive transaction: the system ends it with the process, however that dies. Throws when another has it. */
export function takeLock(directory: string): DatabaseSync {
  const file = join(directory, 'lock.sqlite')
  try {
    return lock(file)
  } catch (cause) {
    if (isBusy(cause)) {
      const message = `The store in ${directory} is in use by another process; stop that one first.`
      throw new AppError('store_unavailable', message, { cause, directory })
    }
    const message = `The store in ${directory} cannot be opened: ${file}: ${messageOf(cause)}.`
    throw new AppError('io', message, { cause, directory, file })
  }
}

function lock(file: string): DatabaseSync {
  try {
    return begin(file)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    // No data is ever in it.
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(file + suffix, { force: true })
    return begin(file)
  }
}

function begin(file: string): DatabaseSync {
  const db = new DatabaseSync(file)
  try {
    db.exec('begin exclusive')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
