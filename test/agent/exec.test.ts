import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createExec } from '../../agent/exec.ts'
import { isAlive } from '../services/process.ts'

const never = new AbortController().signal
const node = process.execPath

/** The id that a child has written down there. */
async function pidIn(folder: string): Promise<number> {
  const read = async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''))
  return vi.waitUntil(read, { timeout: 10_000, interval: 20 })
}

describe('exec', () => {
  it('gives exit code and both outputs, and takes a non-zero code as a result', async () => {
    const exec = createExec()
    const script = 'console.log("out"); console.error("err"); process.exitCode = 3'
    expect(await exec(node, ['-e', script], { signal: never })).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' })
  })

  it('hands on what the program is to read, and bears one that does not', async () => {
    const exec = createExec()
    const input = 'line\n'.repeat(100_000)
    expect((await exec('wc', ['-l'], { signal: never, input })).stdout.trim()).toBe('100000')
    expect(await exec('cat', [], { signal: never })).toMatchObject({ code: 0, stdout: '' })
    expect(await exec('true', [], { signal: never, input })).toMatchObject({ code: 0 })
  })

  it('passes arguments as they are, without a shell', async () => {
    const exec = createExec()
    const { stdout } = await exec(node, ['-p', 'process.argv[1]', '$HOME; echo x'], { signal: never })
    expect(stdout).toBe('$HOME; echo x\n')
  })

  it('sets LC_ALL=C and hands on the environment it was given', async () => {
    const exec = createExec({ env: { PATH: '/usr/bin:/bin', LC_ALL: 'de_DE.UTF-8', SCHOOL: 'one' } })
    const { stdout } = await exec(node, ['-p', 'process.env.LC_ALL + process.env.SCHOOL'], { signal: never })
    expect(stdout).toBe('Cone\n')
  })

  it('says tool_missing with the name of a program that is not there', async () => {
    const exec = createExec()
    await expect(exec('no-such-program', [], { signal: never })).rejects.toMatchObject({
      code: 'tool_missing',
      message: expect.stringContaining('no-such-program'),
    })
  })

  it('says tool_missing for a file that may not be executed', async () => {
    await expect(createExec()('/etc/passwd', [], { signal: never })).rejects.toMatchObject({ code: 'tool_missing' })
  })

  it('counts the children that started, and only those', async () => {
    let spawned = 0
    const exec = createExec({ onSpawn: () => spawned++ })
    await exec(node, ['-e', ''], { signal: never })
    await exec('no-such-program', [], { signal: never }).catch(() => {})
    expect(spawned).toBe(1)
  })

  it('kills the child when it is aborted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'linkbell-exec-'))
    const controller = new AbortController()
    const script = 'require("fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)'
    const run = createExec()(node, ['-e', script, join(folder, 'pid')], { signal: controller.signal })
    const ended = expect(run).rejects.toMatchObject({ code: 'aborted' })
    const pid = await pidIn(folder)
    controller.abort()
    await ended
    expect(isAlive(pid)).toBe(false)
    await rm(folder, { recursive: true })
  })

  it('says timeout when the signal is a deadline', async () => {
    const signal = AbortSignal.timeout(50)
    await expect(createExec()('sleep', ['30'], { signal })).rejects.toMatchObject({ code: 'timeout' })
  })

  it('does not start anything under a signal that has fired', async () => {
    let spawned = 0
    const exec = createExec({ onSpawn: () => spawned++ })
    await expect(exec('sleep', ['30'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(spawned).toBe(0)
  })

  it('stops a program that writes more than it may', async () => {
    const script = 'for (;;) require("fs").writeSync(1, "x".repeat(10000))'
    await expect(createExec()(node, ['-e', script], { signal: never, maxBytes: 50_000 })).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('50000'),
    })
  })

  it('does not wait for a grandchild that keeps the pipes of a killed child', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'linkbell-exec-'))
    const controller = new AbortController()
    const run = createExec()('sh', ['-c', `sleep 15 & echo $! > ${folder}/pid; wait`], { signal: controller.signal })
    const ended = expect(run).rejects.toMatchObject({ code: 'aborted' })
    const pid = await pidIn(folder)
    controller.abort()
    await ended
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
    await rm(folder, { recursive: true })
  })
})
