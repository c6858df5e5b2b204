/** What a failure of SQLite means for the store. Codes: https://www.sqlite.org/rescode.html */
import { AppError, messageOf } from '../../core/errors.ts'

const corruptCodes = new Set([11 /* CORRUPT */, 26 /* NOTADB */])

/** Whether a file is damaged: it will not get better by trying again. */
export function isCorrupt(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode
  // The lowest byte is the primary code; extended codes (CORRUPT_INDEX …) stand above it.
  return typeof code === 'number' && corruptCodes.has(code & 0xff)
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
