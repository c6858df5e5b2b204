/**
 * Users of the embedded broker: one `name:salt:hash` a line. Passwords are made here, never chosen: 128 random bits
 * need no slow hash, and 400 agents that reconnect at once would make one expensive (scrypt: some 50 ms each).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'

export type Users = ReadonlyMap<string, { salt: string; hash: Buffer }>

/** Throws `config_invalid` with file and line. A missing file is an empty one. */
export function readUsers(file: string): Users {
  const users = new Map<string, { salt: string; hash: Buffer }>()
  if (!existsSync(file)) return users
  read(file)
    .split('\n')
    .forEach((line, index) => {
      if (line.trim() === '' || line.startsWith('#')) return
      const [, name, salt, hash] = /^([A-Za-z0-9_.-]+):([0-9a-f]{16}):([0-9a-f]{64})$/.exec(line.trim()) ?? []
      if (name === undefined || salt === undefined || hash === undefined) {
        throw new AppError(
          'config_invalid',
          `${file}:${index + 1}: not a line of the form name:salt:hash; add users with "linkbell user add"`,
        )
      }
      users.set(name, { salt, hash: Buffer.from(hash, 'hex') })
    })
  return users
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `broker.users_file ${file} cannot be read: ${messageOf(cause)}`
    throw new AppError('config_invalid', message, { cause, file })
  }
}

/** Adds or renews a user and returns its new password. */
export function setUser(file: string, name: string): string {
  const users = new Map(readUsers(file))
  const password = randomBytes(16).toString('base64url')
  const salt = randomBytes(8).toString('hex')
  users.set(name, { salt, hash: hashOf(salt, password) })
  mkdirSync(dirname(file), { recursive: true })
  const lines = [...users].map(([user, { salt: s, hash }]) => `${user}:${s}:${hash.toString('hex')}\n`)
  // Renamed into place: the broker must never read half a file.
  writeFileSync(`${file}.new`, lines.join(''), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return password
}

export function isUser(users: Users, name: string, password: string): boolean {
  const user = users.get(name)
  return user !== undefined && timingSafeEqual(user.hash, hashOf(user.salt, password))
}

function hashOf(salt: string, password: string): Buffer {
  return createHash('sha256').update(`${salt}:${password}`).digest()
}
