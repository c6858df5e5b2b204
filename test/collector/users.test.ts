import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isUser, readUsers, setUser } from '../../collector/users.ts'

describe('the users of the embedded broker', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-users-'))
    file = join(folder, 'deeper', 'users')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are none before the first', () => {
    expect(readUsers(file).size).toBe(0)
    expect(isUser(readUsers(file), 'a-gw1', '')).toBe(false)
  })

  it('are not in a folder, which is named', () => {
    expect(() => readUsers(folder)).toThrow(`broker.users_file ${folder} cannot be read: EISDIR`)
  })

  it('have a password that holds, and no other does', () => {
    const first = setUser(file, 'a-gw1')
    const second = setUser(file, 'b-gw1')
    const users = readUsers(file)
    expect(isUser(users, 'a-gw1', first)).toBe(true)
    expect(isUser(users, 'b-gw1', second)).toBe(true)
    expect(isUser(users, 'a-gw1', second)).toBe(false)
    expect(isUser(users, 'c-gw1', first)).toBe(false)
    expect(first).not.toBe(second)
  })

  it('get a new password in place of the old one', () => {
    const old = setUser(file, 'a-gw1')
    const renewed = setUser(file, 'a-gw1')
    expect(isUser(readUsers(file), 'a-gw1', old)).toBe(false)
    expect(isUser(readUsers(file), 'a-gw1', renewed)).toBe(true)
    expect(readUsers(file).size).toBe(1)
  })

  it('stand in a file that only its owner reads, without any password', () => {
    const password = setUser(file, 'a-gw1')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const [user] = readUsers(file).values()
    expect(JSON.stringify(user)).not.toContain(password)
  })

  it('may be written with empty lines and comments between', () => {
    const password = setUser(file, 'a-gw1')
    appendFileSync(file, '\n# since September\n')
    expect(isUser(readUsers(file), 'a-gw1', password)).toBe(true)
  })

  it('are not read from a file with anything else in it: file and line are named', () => {
    setUser(file, 'a-gw1')
    appendFileSync(file, 'b-gw1:plain password\n')
    expect(() => readUsers(file)).toThrow(
      `${file}:2: not a line of the form name:salt:hash; add users with "linkbell user add"`,
    )
  })
})
