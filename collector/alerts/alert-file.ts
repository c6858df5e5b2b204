/** Tables of alerts in `state.sqlite`, which outlives a power cut; more than one part of the collector keeps some there. */
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'

export type AlertFile = {
  db: DatabaseSync
  /** All that `work` writes, or nothing of it; durable when it returns. Throws `io` when the disk takes nothing. */
  write: <T>(work: () => T) => T
}

const settings = 'pragma journal_mode=wal; pragma synchronous=full; pragma busy_timeout=2000;'

/** `tables`: statements that make them where they are not. */
export function openAlertFile(file: string, tables: string): AlertFile {
  const db = open(file, tables)
  return {
    db,
    write: (work) => {
      try {
        return transaction(db, work)
      } catch (cause) {
        const message = `${file} does not take alerts: ${messageOf(cause)}; free space on its disk`
        throw new AppError('io', message, { cause, file })
      }
    },
  }
}

function open(file: string, tables: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    db.exec(`${settings} ${tables}`)
    return db
  } catch (cause) {
    db?.close()
    throw new AppError('io', `${file} cannot be opened for alerts: ${messageOf(cause)}`, { cause, file })
  }
}
