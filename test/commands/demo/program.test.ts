/** `linkbell demo` as a user runs it: a child process, its own port, its own folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const shim = join(import.meta.dirname, '..', '..', '..', 'bin', 'linkbell.js')
const small = ['--sites', '6', '--days', '2', '--terminals', '5', '--lang', 'en']

let directory: string
const children: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'linkbell-demo-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

function run(...args: string[]) {
  const child = spawn(process.execPath, [shim, 'demo', '--data-dir', directory, ...args])
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)))
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number, said }))
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const found = /live: (http:\S+)/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(said)))
  })
  url.catch(() => undefined)
  return { child, ended, url }
}

type Sites = { simulated: boolean; sites: { id: string; presence: { state: string }; latest: { host: unknown[] } }[] }
const sitesAt = async (url: string) => (await (await fetch(new URL('/api/v1/sites', url))).json()) as Sites

describe('linkbell demo', () => {
  it('makes a district, shows it live and labelled, ends on Ctrl-C, and goes on with it at the next start', async () => {
    const first = run('--port', '0', ...small)
    const { simulated, sites } = await sitesAt(await first.url)
    expect(simulated).toBe(true)
    expect(sites).toHaveLength(6)
    expect(sites.filter(({ latest }) => latest.host.length > 0).length).toBeGreaterThan(2)
    first.child.kill('SIGINT')
    expect(await first.ended).toMatchObject({ code: 0, said: expect.stringContaining('None of it is real') })

    const second = run('--port', '0', ...small)
    const again = await sitesAt(await second.url)
    expect(again.sites.map(({ id }) => id)).toEqual(sites.map(({ id }) => id))
    second.child.kill('SIGINT')
    const { code, said } = await second.ended
    expect({ code, made: said.includes('Making up') }).toEqual({ code: 0, made: false })
  }, 60_000)

  it('refuses a folder that holds something else, a number out of bounds and a port in use', async () => {
    expect(await run('--sites', '0').ended).toMatchObject({ code: 2, said: expect.stringContaining('from 1 to 3000') })
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await run('--port', String(port), ...small).ended).toMatchObject({
      code: 1,
      said: expect.stringContaining(`Port ${port}`),
    })
    server.close()
    writeFileSync(join(directory, 'mine.txt'), 'mine')
    const refused = await run('--port', '0', ...small).ended
    expect(refused).toMatchObject({ code: 2, said: expect.stringContaining('something else') })
  }, 30_000)
})
