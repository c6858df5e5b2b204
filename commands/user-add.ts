/** `linkbell user add`: a user of the embedded broker, with a password that is made here and told once. */
import { chmodSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { readUsers, setUser } from '../collector/users.ts'
import { AppError, messageOf } from '../core/errors.ts'
import { agentIdSchema } from '../core/registry.ts'

export type AddUserOptions = { name: string; usersFile: string; passwordFile?: string | undefined }

/** Adds a user, or gives an existing one a new password. Throws `config_invalid` before anything is changed. */
export function addUser({ name, usersFile, passwordFile }: AddUserOptions, write: (line: string) => void): void {
  const id = agentIdSchema.safeParse(name)
  if (!id.success) throw new AppError('config_invalid', `user "${name}": ${id.error.issues[0]?.message ?? ''}`)
  const known = readUsers(usersFile).has(name)
  // Opened first: a new password that could not be written down would lock the user out.
  const target = passwordFile === undefined ? undefined : openPrivately(passwordFile)
  const password = setUser(usersFile, name)
  if (target !== undefined) {
    writeSync(target, `${password}\n`)
    closeSync(target)
  }
  write(`${known ? 'New password for' : 'Added'} ${name} in ${usersFile}; the broker knows it within seconds.`)
  if (passwordFile === undefined) write(`Password (shown only now): ${password}`)
  else write(`Password written to ${passwordFile}.`)
}

function openPrivately(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const target = openSync(file, 'w', 0o600)
    chmodSync(file, 0o600)
    return target
  } catch (error) {
    throw new AppError('config_invalid', `${file}: cannot be written: ${messageOf(error)}`, { cause: error })
  }
}
