/** Agent and collector as the programs that they are: what they do at the start, in trouble, and at the end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { setUser } from '../../collector/users.ts'
import { districtData } from '../collector/district.ts'
import { freePort } from '../services/mosquitto.ts'
import type { LogLine } from '../services/memory-log.ts'

const script = join(import.meta.dirname, '..', '..', 'bin', 'linkbell.js')
const within = { timeout: 30_000, interval: 50 }

type Program = { child: ChildProcess; lines: LogLine[]; stderr: () => string; exit: Promise<number | null> }

describe('the programs', { timeout: 60_000 }, () => {
  let folder: string
  let ports: { broker: number; board: number }
  const running: Program[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-programs-'))
    ports = { broker: await freePort(), board: await freePort() }
    put('district.yaml', districtData())
  })
  afterEach(async () => {
    for (const { child, exit } of running.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exit
    }
    rmSync(folder, { recursive: true, force: true })
  })

  const put = (name: string, content: unknown) => {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content))
    return join(folder, name)
  }
  const users = () => join(folder, 'users')

  function run(name: 'agent' | 'collector', config: object): Program {
    const file = put(`${name}-${running.length}.yaml`, config)
    const child = spawn(process.execPath, [script, name, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] })
    const lines: LogLine[] = []
    let [rest, stderr] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => {
      const whole = `${rest}${chunk.toString()}`.split('\n')
      rest = whole.pop() ?? ''
      lines.push(...whole.map((line) => JSON.parse(line) as LogLine))
    })
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const program = {
      child,
      lines,
      stderr: () => stderr,
      exit: once(child, 'exit').then(([code]) => code as number | null),
    }
    running.push(program)
    return program
  }
  const collector = (more: object = {}) =>
    run('collector', {
      data_dir: join(folder, 'centre'),
      registry_file: join(folder, 'district.yaml'),
      broker: { type: 'embedded', port: ports.broker, users_file: users() },
      http: { port: ports.board },
      ...more,
    })
  const agent = (password = setUser(users(), 'a-gw1')) => {
    const password_file = put('password', password)
    return run('agent', {
      agent: 'a-gw1',
      district: 'd1',
      data_dir: join(folder, 'school'),
      broker: { url: `mqtt://127.0.0.1:${ports.broker}`, password_file },
      probes: { wan: { enabled: false }, self: { interval_seconds: 1 }, host: { interval_seconds: 1 } },
    })
  }
  const says = (program: Program, msg: string) =>
    vi.waitFor(() => expect(program.lines.map((line) => line.msg)).toContain(msg), within)
  const site = async () => {
    const response = await fetch(`http://127.0.0.1:${ports.board}/api/v1/sites`)
    const { sites } = (await response.json()) as {
      sites: { id: string; presence: { state: string }; latest: Record<string, unknown[]> }[]
    }
    return sites.find(({ id }) => id === 's1')
  }
  const stop = async ({ child, exit }: Program) => {
    child.kill('SIGTERM')
    return exit
  }

  it('find each other, whichever was first, and end with 0', async () => {
    const school = agent()
    await says(school, 'Connection to the broker lost.')
    const centre = collector()
    await vi.waitFor(async () => {
      const { presence, latest } = (await site()) ?? {}
      expect(presence?.state).toBe('online')
      expect(latest?.['host']).toHaveLength(1)
    }, within)
    expect(await stop(school)).toBe(0)
    expect(await stop(centre)).toBe(0)
    expect([school.stderr(), centre.stderr()]).toEqual(['', ''])
    expect(centre.lines.filter(({ level }) => level >= 40)).toEqual([])
  })

  it('say what is wrong with a password, and go on when the user is there', async () => {
    const centre = collector()
    await says(centre, 'The collector runs.')
    const school = agent('not the password')
    await vi.waitFor(
      () =>
        expect(school.lines).toContainEqual(
          expect.objectContaining({
            msg: 'Connection to the broker lost.',
            reason: expect.stringMatching(/not authorized/i),
          }),
        ),
      within,
    )
    await says(centre, 'A client was refused: wrong user, password, certificate or client id.')
    expect(school.child.exitCode).toBeNull()
    expect(await stop(school)).toBe(0)
  })

  it('name the port of the broker that is in use, and end with 1', async () => {
    const other = createServer().listen(ports.broker, '127.0.0.1')
    await once(other, 'listening')
    const centre = collector()
    expect(await centre.exit).toBe(1)
    expect(centre.stderr()).toContain(`${ports.broker} on 127.0.0.1 is in use`)
    other.close()
  })

  it('do not share a store: the second collector says who has it, and ends with 1', async () => {
    const first = collector()
    await says(first, 'The collector runs.')
    const second = collector({
      broker: { type: 'embedded', port: 0, users_file: users() },
      http: { port: await freePort() },
    })
    expect(await second.exit).toBe(1)
    expect(second.stderr()).toContain(join(folder, 'centre', 'store'))
    expect(first.child.exitCode).toBeNull()
  })

  it('end with 2 for a registry that is broken, and tell all that is wrong', async () => {
    put('district.yaml', districtData({ agents: [{ id: 'A', site: 's9' }] }))
    const centre = collector()
    expect(await centre.exit).toBe(2)
    expect(centre.stderr()).toMatch(/district\.yaml:\d+: agents\.0\.id: an agent id has 3 to 40/)
    expect(centre.stderr()).toMatch(/district\.yaml:\d+: agents\.0\.site: no site "s9"/)
  })

  it('take a registry that is changed while they run, and keep the last good one', async () => {
    const centre = collector()
    await says(centre, 'The collector runs.')
    put('district.yaml', 'district: [')
    await says(centre, 'The changed registry is not used; the last good one stays.')
    expect((await site())?.id).toBe('s1')
    put('district.yaml', districtData({ agents: [{ id: 'c-gw1', site: 's1' }] }))
    await says(centre, 'The registry was read again.')
  })

  it('begin anew beside files that are damaged: an agent', async () => {
    const password = setUser(users(), 'a-gw1')
    const first = agent(password)
    await says(first, 'The agent runs.')
    await stop(first)
    put('school/spool.sqlite', 'not a database'.repeat(1_000))
    put('school/slice.json', '{"v":')
    const again = agent(password)
    await says(again, 'The agent runs.')
    expect(again.lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([
        'The spool was damaged and set aside; what could be read of it is sent again.',
        'The configuration kept from last time cannot be read; waiting for the centre.',
      ]),
    )
    collector()
    await vi.waitFor(async () => expect((await site())?.latest['host']).toHaveLength(1), within)
    expect(readdirSync(join(folder, 'school')).some((name) => name.startsWith('spool.sqlite.corrupt-'))).toBe(true)
    expect(await stop(again)).toBe(0)
  })

  it('end at once also without any network', async () => {
    const school = agent()
    await says(school, 'Connection to the broker lost.')
    expect(await stop(school)).toBe(0)
  })
})
