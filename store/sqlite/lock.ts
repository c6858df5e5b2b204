/** One process per store: two writers would each remember series and dirty hours that the other does not know. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../../core/errors.ts'
import { isBusy } from './faults.ts'

/** An open exclusive transaction: the system ends it with the process, however that dies. Throws when another has it. */
export function takeLock(directory: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(join(directory, 'lock.sqlite'))
    db.exec('begin exclusive')
    return db
  } catch (cause) {
    db?.close()
    const [code, message] = isBusy(cause)
      ? (['store_unavailable', `The store in ${directory} is in use by another process; stop that one first.`] as const)
      : (['io', `The store in ${directory} cannot be opened: ${messageOf(cause)}.`] as const)
    throw new AppError(code, message, { cause, directory })
  }
}
