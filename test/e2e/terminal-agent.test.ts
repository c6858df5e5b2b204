/** The agent on a classroom device, as the program that it is, beside the same on a gateway. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { registryOf } from '../collector/district.ts'
import { embeddedBroker } from './brokers.ts'
import { useBroker } from './centre-and-school.ts'

const script = join(import.meta.dirname, '..', '..', 'bin', 'linkbell.js')
const within = { timeout: 30_000, interval: 100 }
const rows = {
  agents: [
    { id: 'a-gw1', site: 's1' },
    { id: 'b-gw1', site: 's1', role: 'terminal' },
  ],
  testpoints: [{ id: 't', url: 'http://127.0.0.1:9/' }],
  paths: [{ id: 'p', level: 'city', host: '127.0.0.1', reflector: '127.0.0.1:9' }],
  services: [{ id: 'w', url: 'http://127.0.0.1:9/' }],
  terminals: [
    { id: 'panel-101', kind: 'panel', room: 'none', site: 's1', address: '127.0.0.1', agent: 'b-gw1' },
    { id: 'proj-101', kind: 'projector', site: 's1', address: '127.0.0.1', pjlink: 'open', snmp: 'public' },
  ],
}
/** What measures others, and what only a line needs; not the bytes of a month, which the plan counts with. */
const heavy =
  /agent\/(probes\/(bandwidth|path|pjlink|service|snmp|stream(?!\/cost)|terminals|wan)|bandwidth\/(?!budget)|evidence|snmp\/(?!credentials)|ping|stamp)|net-snmp/

describe('an agent on a classroom device', { timeout: 60_000 }, () => {
  const { broker, centre } = useBroker(embeddedBroker)
  const children: ChildProcess[] = []
  const folders: string[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    }
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  function run(agent: string, role: string, slice?: unknown) {
    const folder = mkdtempSync(join(tmpdir(), 'linkbell-terminal-'))
    folders.push(folder)
    const { url, password } = broker().connection(agent)
    const data = join(folder, 'data')
    mkdirSync(data)
    if (slice !== undefined) writeFileSync(join(data, 'slice.json'), JSON.stringify(slice))
    writeFileSync(join(folder, 'password'), password ?? '')
    const fast = { interval_seconds: 1 }
    const config = {
      agent,
      district: 'd1',
      role,
      data_dir: data,
      broker: { url, password_file: 'password' },
      wan: { interface: 'lo' },
      snmp: { public: { version: '2c', community: '${COMMUNITY}' } },
      probes: { machine: fast, self: fast },
    }
    writeFileSync(join(folder, 'agent.yaml'), stringify(config))
    const log = join(folder, 'modules')
    const hook = pathToFileURL(join(import.meta.dirname, 'module-log-child.ts')).href
    const child = spawn(process.execPath, ['--import', hook, script, 'agent', '--config', join(folder, 'agent.yaml')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LINKBELL_MODULE_LOG: log, COMMUNITY: 'public' },
    })
    children.push(child)
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    return {
      said: () => said,
      modules: () => (existsSync(log) ? [...new Set(readFileSync(log, 'utf8').split('\n'))] : []),
    }
  }

  it('tells of the device and its network link, and its school stays as silent as its gateway', async () => {
    const at = await centre({ rows })
    run('b-gw1', 'terminal')
    const newest = async (measurement: 'device' | 'interface' | 'agent' | 'host' | 'wan') => {
      const found = await at.store.last({ measurement, match: { agent: 'b-gw1' }, from: 0, to: Date.now() + 60_000 })
      return found[0]
    }
    await vi.waitFor(async () => expect((await newest('interface'))?.fields['rx_bps']).toBeTypeOf('number'), within)
    const { tags, fields } = (await newest('device')) ?? {}
    expect(tags).toMatchObject({ site: 's1', terminal: 'panel-101', kind: 'panel', agent: 'b-gw1' })
    for (const name of ['cpu_ratio', 'memory_used_ratio', 'storage_used_ratio', 'uptime_seconds'])
      expect(fields?.[name], name).toBeGreaterThanOrEqual(0)
    expect(await newest('interface')).toMatchObject({ tags: { terminal: 'panel-101', port: 'lo' }, fields: { up: 1 } })
    await vi.waitFor(async () => expect(await newest('agent')).toBeDefined(), within)
    expect([await newest('host'), await newest('wan')]).toEqual([undefined, undefined])
    expect(at.fleet.state('b-gw1').presence).toBe('online')
    expect(at.fleet.state('a-gw1').presence).toBe('unknown')
  })

  it('loads nothing that measures others, whatever the slice says', async () => {
    const full = registryOf(rows).slice('a-gw1', Date.now())
    const slice = { ...full, terminal: { id: 'panel-101', kind: 'panel' } }
    const terminal = run('b-gw1', 'terminal', slice)
    const gateway = run('a-gw1', 'gateway', full)
    const loaded = (name: string) => expect.stringContaining(`agent/probes/${name}.ts`)
    await vi.waitFor(() => {
      expect(terminal.said()).toContain('The agent runs.')
      expect(gateway.said()).toContain('The agent runs.')
    }, within)
    const all = ['bandwidth', 'pjlink', 'stream', 'path', 'service', 'wan']
    expect(gateway.modules()).toEqual(expect.arrayContaining(all.map(loaded)))
    expect(terminal.modules()).toContainEqual(loaded('machine'))
    expect(terminal.modules().filter((url) => heavy.test(url))).toEqual([])
  })

  it('says so when the registry does not name its device', async () => {
    const stray = { ...rows, agents: [{ id: 'b-gw1', site: 's1' }], terminals: [] }
    await centre({ rows: stray })
    const { said } = run('b-gw1', 'terminal')
    await vi.waitFor(() => expect(said()).toContain('does not say on which device'), within)
  })
})
