import { mkdirSync, statSync } from 'node:fs'
import { AppError, messageOf } from './errors.ts'

/** Makes the folder that a key of the configuration names. Throws `config_invalid` with both. */
export function makeFolder(key: string, path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (cause) {
    const is = statSync(path, { throwIfNoEntry: false })?.isDirectory() === false ? 'not a folder' : undefined
    const reason = is ?? `cannot be made: ${messageOf(cause)}`
    throw new AppError('config_invalid', `${key} ${path}: ${reason}; name one that this user may write to.`, { cause })
  }
}
