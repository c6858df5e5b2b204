/** What a failure of SQLite means for the store. Codes: https://www.sqlite.org/rescode.html */
import { AppError, messageOf } from '../../core/errors.ts'

const busy = 5
const corrupt = 11
const notADatabase = 26

/** Whether a file is damaged: it will not get better by trying again. */
export function isCorrupt(error: unknown): boolean {
  const code = codeOf(error)
  return code === corrupt || code === notADatabase
}

/** Whether another connection holds the file. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === busy
}

/** The primary code: the lowest byte, above which stand the extended ones (CORRUPT_INDEX …). */
function codeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Thrown inside a worker when a partition turns out to be damaged. */
export function corruptError(name: string, cause: unknown): AppError {
  return new AppError('store_corrupt', `The store file ${name}.sqlite is damaged: ${messageOf(cause)}.`, {
    cause,
    partition: name,
  })
}

/** Runs `work` on a partition; damage found on the way is thrown as `store_corrupt` with the name of the partition. */
export function guarded<T>(name: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw isCorrupt(error) ? corruptError(name, error) : error
  }
}
