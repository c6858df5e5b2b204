import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isUser, readUsers } from '../../collector/users.ts'
import { linkbell } from './linkbell.ts'

let folder: string
let usersFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-users-'))
  usersFile = join(folder, 'users')
})
afterEach(() => rmSync(folder, { recursive: true }))

const add = (...args: string[]) => linkbell(['user', 'add', '--users-file', usersFile, ...args])
const accepts = (name: string, password: string) => isUser(readUsers(usersFile), name, password)

describe('linkbell user add', () => {
  it('shows the password of a new user once, and keeps only its hash', async () => {
    const { code, stdout } = await add('school-gw1')
    const password = /Password \(shown only now\): (\S+)/.exec(stdout)?.[1] ?? ''
    expect(code).toBe(0)
    expect(accepts('school-gw1', password)).toBe(true)
    expect(readFileSync(usersFile, 'utf8')).not.toContain(password)
    expect(statSync(usersFile).mode & 0o777).toBe(0o600)
  })

  it('writes the password to a file that only its owner reads', async () => {
    const file = join(folder, 'deep', 'agent.password')
    const { stdout } = await add('school-gw1', '--password-file', file)
    const password = readFileSync(file, 'utf8').trim()
    expect(accepts('school-gw1', password)).toBe(true)
    expect(stdout).not.toContain(password)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('gives a known user a new password and leaves the others as they are', async () => {
    const passwordOf = async (name: string) => (await add(name)).stdout.trim().split(' ').at(-1) ?? ''
    const [first, other, second] = [await passwordOf('a-gw1'), await passwordOf('b-gw1'), await passwordOf('a-gw1')]
    expect([accepts('a-gw1', first), accepts('a-gw1', second), accepts('b-gw1', other)]).toEqual([false, true, true])
  })

  it.each(['Upper-Case', 'a/b', '+', 'collector'])('refuses the name %s with exit code 2', async (name) => {
    const { code, stderr } = await add(name)
    expect(code).toBe(2)
    expect(stderr).toContain(`user "${name}"`)
    expect(readUsers(usersFile).size).toBe(0)
  })

  it('changes nothing when the password cannot be written down', async () => {
    const { code, stderr } = await add('school-gw1', '--password-file', folder)
    expect(code).toBe(2)
    expect(stderr).toContain(`${folder}: cannot be written`)
    expect(readUsers(usersFile).size).toBe(0)
  })
})
