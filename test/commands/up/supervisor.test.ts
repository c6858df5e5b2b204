import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSupervisor, type Supervisor } from '../../../commands/up/supervisor.ts'
import { isAlive } from '../../services/process.ts'

const script = join(import.meta.dirname, 'program.ts')
const within = { timeout: 10_000, interval: 20 }

describe('a supervisor', () => {
  let folder: string
  let said: string[]
  let supervisor: Supervisor
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-supervisor-'))
    said = []
    supervisor = createSupervisor({
      script,
      logDirectory: join(folder, 'logs'),
      env: process.env,
      say: (text) => said.push(text),
    })
  })
  afterEach(async () => {
    await supervisor.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const start = (name: string, ...does: string[]) => supervisor.start({ name, args: [join(folder, name), ...does] })
  const pids = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n').map(Number)

  it('waits until a program is ready, keeps its log, and passes warnings on', async () => {
    await start('one', 'warn')
    await vi.waitFor(() => expect(said).toEqual(['one: Something is odd. (the moon)']), within)
    expect(
      readFileSync(join(folder, 'logs', 'one.log'), 'utf8')
        .split('\n')
        .map((line) => line && JSON.parse(line).msg),
    ).toEqual(['All is well.', 'Something is odd.', ''])
  })

  it('tells why a program did not start, and does not try again', async () => {
    await expect(start('one', 'fail')).rejects.toThrow('one ended with code 1. start 1 went wrong')
    expect(said).toEqual([])
    expect(pids('one')).toHaveLength(1)
  })

  it('starts a program again when it dies', async () => {
    await start('one')
    process.kill(pids('one')[0] as number, 'SIGKILL')
    await vi.waitFor(() => expect(pids('one')).toHaveLength(2), within)
    expect(said).toEqual(['one ended unexpectedly; it is started again.'])
    await vi.waitFor(() => expect(isAlive(pids('one')[1])).toBe(true), within)
  })

  it('starts it again also when it fails to come back at first', async () => {
    await start('one', 'fail-second')
    process.kill(pids('one')[0] as number, 'SIGKILL')
    await vi.waitFor(() => expect(pids('one')).toHaveLength(3), within)
    expect(said).toEqual([
      'one ended unexpectedly; it is started again.',
      'one ended unexpectedly; it is started again. start 2 went wrong',
    ])
    expect(isAlive(pids('one')[2])).toBe(true)
  })

  it('ends all programs, also those that do not listen, by force', async () => {
    await Promise.all([start('one'), start('two', 'stay')])
    await start('three', 'stay')
    const before = performance.now()
    await supervisor.stop()
    expect(performance.now() - before).toBeLessThan(10_000)
    expect(['one', 'two', 'three'].map((name) => isAlive(pids(name)[0]))).toEqual([false, false, false])
    expect(said).toEqual([])
  })

  it('ends a program that is only starting', async () => {
    void start('one', 'never-ready').catch(() => undefined)
    await vi.waitFor(() => expect(pids('one')).toHaveLength(1), within)
    await supervisor.stop()
    expect(isAlive(pids('one')[0])).toBe(false)
  })

  it('starts nothing again once it stops', async () => {
    await start('one')
    process.kill(pids('one')[0] as number, 'SIGKILL')
    await vi.waitFor(() => expect(said).toHaveLength(1), within)
    await supervisor.stop()
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(pids('one')).toHaveLength(1)
  })

  it('goes on when logs can no longer be written', async () => {
    rmSync(join(folder, 'logs'), { recursive: true })
    await start('one', 'warn')
    await vi.waitFor(() => expect(said).toEqual(['one: Something is odd. (the moon)']), within)
    expect(isAlive(pids('one')[0])).toBe(true)
  })
})
