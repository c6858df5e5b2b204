/** The program that a newcomer starts: the real command line, its real children, on free ports of this machine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../services/mosquitto.ts'
import { isAlive } from '../../services/process.ts'
import { repository } from '../linkbell.ts'

type Run = { child: ChildProcess; text: () => string; exit: Promise<number | null> }
type Site = { latest: Record<string, { time: string; tags: Record<string, string> }[]> }

const soon = { timeout: 30_000, interval: 50 }

describe.skipIf(process.platform !== 'linux')('linkbell up', () => {
  let folder: string
  let port: number
  const runs: Run[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-up-'))
    port = await threeFreePorts()
  })
  afterAll(async () => {
    for (const { child, exit } of runs) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exit
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })

  function up(...more: string[]): Run {
    const script = join(repository, 'bin', 'linkbell.js')
    const args = [script, 'up', '--port', String(port), '--data-dir', join(folder, 'data'), '--lang', 'en', ...more]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const run = { child, text: () => text, exit: once(child, 'exit').then(([code]) => code as number | null) }
    runs.push(run)
    return run
  }
  const ready = ({ text }: Run) =>
    vi.waitFor(() => expect(text()).toMatch(/^Linkbell is up after [\d.]+ s: http:\/\/127\.0\.0\.1:\d+\//m), soon)
  const latest = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/sites`)
    const { sites } = (await response.json()) as { sites: Site[] }
    return (sites[0] as Site).latest
  }
  const directions = (rows: Site['latest'][string] = []) => rows.map(({ tags }) => tags['direction']).toSorted()

  it('shows this very machine, stands faults, ends cleanly, and remembers', { timeout: 240_000 }, async () => {
    const first = up()
    await ready(first)
    await vi.waitFor(
      async () => {
        const { host = [], path = [], wan = [], bandwidth } = await latest()
        expect([host.length, path.length, wan.length, directions(bandwidth)]).toEqual([1, 1, 1, ['down', 'up']])
      },
      { timeout: 90_000, interval: 500 },
    )
    expect(first.text()).toMatch(/^\d\d:\d\d:\d\d {2}Gateway host: CPU/m)

    const agent = () => childrenOf(first.child.pid).find(({ command }) => command.includes('agent'))
    const killed = agent()?.pid as number
    process.kill(killed, 'SIGKILL')
    await vi.waitFor(() => expect(agent()?.pid).toSatisfy((pid) => pid !== undefined && pid !== killed), soon)
    expect(first.text()).toContain('agent ended unexpectedly; it is started again.')

    const tests = (await latest())['bandwidth'] ?? []
    const children = childrenOf(first.child.pid)
    expect(children).toHaveLength(3)
    first.child.kill('SIGINT')
    const stopping = performance.now()
    expect(await first.exit).toBe(0)
    expect(performance.now() - stopping).toBeLessThan(5_000)
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([])

    const second = up()
    await ready(second)
    const again = (await latest())['bandwidth'] ?? []
    expect(again.map(({ time }) => time)).toEqual(expect.arrayContaining(tests.slice(0, 1).map(({ time }) => time)))

    const orphans = childrenOf(second.child.pid)
    expect(orphans).toHaveLength(3)
    second.child.kill('SIGKILL')
    await vi.waitFor(() => expect(orphans.filter(({ pid }) => isAlive(pid))).toEqual([]), soon)
  })

  it('names the port that is in use, and starts nothing', async () => {
    const other = createServer().listen(port + 1, '127.0.0.1')
    await once(other, 'listening')
    const run = up()
    expect(await run.exit).toBe(1)
    other.close()
    expect(run.text()).toContain(`Port ${port + 1} on 127.0.0.1 cannot be used (EADDRINUSE); stop the other program`)
    expect(run.text()).not.toContain('starting')
  })

  it('ends cleanly also when it is stopped while it starts', { timeout: 60_000 }, async () => {
    const run = up()
    await vi.waitFor(() => expect(childrenOf(run.child.pid).length).toBeGreaterThan(0), {
      timeout: 30_000,
      interval: 5,
    })
    const children = childrenOf(run.child.pid)
    run.child.kill('SIGINT')
    expect(await run.exit).toBe(0)
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([])
  })
})

function childrenOf(parent: number | undefined): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [, after = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
        const [state, ppid] = after.split(' ')
        if (Number(ppid) !== parent || state === 'Z') return []
        return [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }]
      } catch {
        // It ended while we looked.
        return []
      }
    })
}

/** The first of three in a row that were free a moment ago. */
async function threeFreePorts(): Promise<number> {
  for (;;) {
    const first = await freePort()
    const free = await Promise.all([first + 1, first + 2].map(isFree))
    if (free.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
