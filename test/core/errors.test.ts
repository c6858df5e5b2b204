import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { AppError, errorCodes, isAppError, messageOf } from '../../core/errors.ts'
import { freePort } from '../services/mosquitto.ts'

describe('an error of ours', () => {
  it('has a code to decide by, facts for machines, and its cause', () => {
    const cause = new Error('disk')
    const error = new AppError('io', 'Cannot write x.', { cause, file: 'x' })
    expect(error).toMatchObject({
      name: 'AppError',
      code: 'io',
      message: 'Cannot write x.',
      facts: { file: 'x' },
      cause,
    })
    expect(isAppError(error)).toBe(true)
    expect(isAppError(error, 'io')).toBe(true)
    expect(isAppError(error, 'timeout')).toBe(false)
    expect(isAppError(cause)).toBe(false)
    expect('cause' in new AppError('io', 'x')).toBe(false)
  })
})

it('every code of an error is one that somebody throws', () => {
  const root = join(import.meta.dirname, '..', '..')
  const sources = globSync('{agent,collector,commands,core,dashboards,store,testpoint}/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('errors.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join()
  expect(errorCodes.filter((code) => !sources.includes(`'${code}'`))).toEqual([])
})

describe('the text of anything thrown', () => {
  it.each([
    [new Error('why'), 'why'],
    [new TypeError(''), 'TypeError'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [7, '7'],
  ])('%j reads %s', (thrown, text) => {
    expect(messageOf(thrown)).toBe(text)
  })

  it('is the code where a connection failed by both address families without a word', async () => {
    const port = await freePort()
    const error = await new Promise((resolve) =>
      connect({ port, host: 'localhost', autoSelectFamily: true }).once('error', resolve),
    )
    expect(messageOf(error)).toContain('ECONNREFUSED')
  })

  it('is the reason where the other end speaks no TLS', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const error = await new Promise((resolve) => connectTls({ port, host: '127.0.0.1' }).once('error', resolve))
    server.close()
    expect(messageOf(error)).toBe('TLS failed: wrong version number')
  })
})
