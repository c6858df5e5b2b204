import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type Broker, startBroker } from '../../collector/broker/broker.ts'
import { brokerSchema } from '../../collector/config.ts'
import { setUser } from '../../collector/users.ts'
import type { Slice } from '../../core/slice.ts'
import { testpointSchema } from '../../testpoint/config.ts'
import { createTestpoint, type Testpoint } from '../../testpoint/testpoint.ts'
import { has } from '../services/capabilities.ts'
import { createMosquitto, freePort } from '../services/mosquitto.ts'
import { linkbell } from './linkbell.ts'

type Check = { id: string; status: string; found: string; means?: string; todo?: string }
type Report = { code: number; ok: boolean; check: (id: string) => Check | undefined }

const log = pino({ level: 'silent' })
const agent = 'school-gw1'
let folder: string
const cleanUp: (() => unknown)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-doctor-'))
})
afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step()
  rmSync(folder, { recursive: true })
})

async function doctor(configFile?: string, env: Record<string, string> = {}): Promise<Report> {
  const config = configFile === undefined ? [] : ['--config', configFile]
  const { code, stdout, stderr } = await linkbell(['doctor', '--json', '--lang', 'en', ...config], env)
  expect(stderr).toBe('')
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] }
  return { code, ok, check: (id) => checks.find((check) => check.id === id) }
}

function write(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content))
  return join(folder, name)
}

function agentFile(url: string, more: Record<string, unknown> = {}): string {
  return write('agent.yaml', { agent, district: 'd1', data_dir: join(folder, 'data'), broker: { url, ...more } })
}

async function embeddedBroker(): Promise<{ broker: Broker; passwordFile: string }> {
  const usersFile = join(folder, 'users')
  const passwordFile = write('password', setUser(usersFile, agent))
  const config = brokerSchema.parse({ type: 'embedded', port: 0, users_file: usersFile })
  if (config.type !== 'embedded') throw new Error('not embedded')
  const broker = await startBroker({ config, district: 'd1', collectorPassword: 'unused' }, log, (error) =>
    log.error(error.message),
  )
  cleanUp.push(broker.stop)
  return { broker, passwordFile }
}

async function testpoint(): Promise<string> {
  const made: Testpoint = createTestpoint({ config: testpointSchema.parse({ listen: { port: 0 } }), version: '0', log })
  cleanUp.push(made.stop)
  return (await made.start()).url
}

/** As the agent keeps it. */
function keepSlice(testpoints: Pick<Slice['testpoints'][number], 'id' | 'url'>[]): void {
  const slice: Slice = {
    v: 1,
    revision: 'r1',
    site: { id: 's1', name: { en: 'School', zh: '学校' } },
    timezone: 'Asia/Shanghai',
    threshold_ratio: 0.95,
    trials_per_day: 3,
    links: [{ id: 'wan', targets: [{ direction: 'down', target_bps: 1e8 }] }],
    testpoints: testpoints.map((each) => ({ level: 'district', type: 'librespeed', priority: 0, ...each })),
    paths: [],
    services: [],
    terminals: [],
  }
  mkdirSync(join(folder, 'data'), { recursive: true })
  writeFileSync(join(folder, 'data', 'slice.json'), JSON.stringify(slice))
}

function tool(name: string, script: string): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
  return bin
}

describe('linkbell doctor on a host', () => {
  it('knows the runtime, the memory and the processors', async () => {
    const { check } = await doctor()
    expect(check('node')?.found).toContain(process.version)
    expect([check('memory')?.found, check('cpu')?.found]).toEqual([
      expect.stringMatching(/available of/),
      expect.stringMatching(/^\d+, load/),
    ])
  })

  it('works without fping, ping and iperf3, and says what is lost', async () => {
    const { check } = await doctor(agentFile('mqtt://127.0.0.1:1'), { PATH: join(folder, 'nothing') })
    expect(check('fping')).toMatchObject({ status: 'warn', found: 'not installed' })
    expect(check('ping')).toMatchObject({ status: 'warn', means: 'Path quality cannot be measured.' })
    expect(check('iperf3')?.status).toBe('ok')
  })

  it('does not believe an fping that reports this very host as lost', async () => {
    const PATH = tool('fping', 'echo "127.0.0.1 : -" >&2; exit 1')
    const { check } = await doctor(agentFile('mqtt://127.0.0.1:1'), { PATH })
    expect(check('fping')).toMatchObject({ status: 'warn', found: 'claims that all is lost, even to 127.0.0.1' })
    expect(check('fping')?.todo).toContain('cap_net_raw')
  })

  it.each([
    ['yes', 'ok'],
    ['no', 'warn'],
  ])('asks the system whether the clock is synchronised: %s is %s', async (answer, status) => {
    const { check } = await doctor(agentFile('mqtt://127.0.0.1:1'), { PATH: tool('timedatectl', `echo ${answer}`) })
    expect(check('clock')?.status).toBe(status)
  })

  it('speaks Chinese', async () => {
    const { stdout } = await linkbell(['doctor', '--lang', 'zh'])
    expect(stdout).toContain('Node.js')
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^联铃可以在本机运行。$|^补齐缺失项之前，联铃无法正常工作。$/)
  })
})

describe('linkbell doctor with the configuration of an agent', () => {
  it('logs in at the broker', async () => {
    const { broker, passwordFile } = await embeddedBroker()
    const file = agentFile(`mqtt://127.0.0.1:${broker.port}`, { password_file: passwordFile })
    const { code, check } = await doctor(file)
    expect(check('broker')).toMatchObject({ status: 'ok', found: expect.stringContaining('accepts MQTT 3.1.1') })
    expect(code).toBe(0)
  })

  it('ends with 1 when the broker refuses the password', async () => {
    const { broker } = await embeddedBroker()
    const { code, ok, check } = await doctor(
      agentFile(`mqtt://127.0.0.1:${broker.port}`, { password_file: write('wrong', 'guessed') }),
    )
    expect({ code, ok }).toEqual({ code: 1, ok: false })
    expect(check('broker')).toMatchObject({
      status: 'missing',
      found: `mqtt://127.0.0.1:${broker.port} refuses the user ${agent}`,
    })
  })

  it('ends with 1 when nobody answers', async () => {
    const { code, check } = await doctor(agentFile(`mqtt://127.0.0.1:${await freePort()}`))
    expect([code, check('broker')?.found]).toEqual([1, expect.stringContaining('ECONNREFUSED')])
  })

  it('names a certificate file that is not there', async () => {
    const { check } = await doctor(agentFile('mqtts://127.0.0.1:1', { ca_file: 'there-is-none.crt' }))
    expect(check('broker')).toMatchObject({ status: 'missing', todo: 'Correct the path or its permissions.' })
    expect(check('broker')?.found).toContain('there-is-none.crt')
  })

  it.runIf(process.platform === 'linux')('does not take the place of an agent that runs', async () => {
    const { broker } = await embeddedBroker()
    mkdirSync(join(folder, 'data'))
    const spool = openSync(join(folder, 'data', 'spool.sqlite'), 'w')
    cleanUp.push(() => closeSync(spool))
    // A password that would be refused if it were tried.
    const file = agentFile(`mqtt://127.0.0.1:${broker.port}`, { password_file: write('wrong', 'guessed') })
    const { check } = await doctor(file)
    expect(check('broker')).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('the login was not tried'),
    })
  })

  it.skipIf(!has('mosquitto'))('logs in at Mosquitto by MQTT 5', async () => {
    const mosquitto = await createMosquitto()
    await mosquitto.start()
    cleanUp.push(mosquitto.stop)
    expect((await doctor(agentFile(mosquitto.url))).check('broker')?.found).toBe(`${mosquitto.url} accepts MQTT 5`)
  })

  it('tries the testpoints that the collector has named', async () => {
    keepSlice([
      { id: 'near', url: await testpoint() },
      { id: 'dead', url: `http://127.0.0.1:${await freePort()}/` },
    ])
    const { check } = await doctor(agentFile('mqtt://127.0.0.1:1'))
    expect(check('testpoint near')).toMatchObject({ status: 'ok', found: expect.stringContaining('a self-test only') })
    expect(check('testpoint dead')).toMatchObject({ status: 'warn', found: expect.stringContaining('ECONNREFUSED') })
  })

  it('cannot work when no testpoint answers', async () => {
    keepSlice([{ id: 'dead', url: `http://127.0.0.1:${await freePort()}/` }])
    const { code, check } = await doctor(agentFile('mqtt://127.0.0.1:1'))
    expect([code, check('testpoint dead')?.status]).toEqual([1, 'missing'])
  })

  it('names the interfaces there are when the one configured is not', async () => {
    const file = write('agent.yaml', {
      agent,
      district: 'd1',
      data_dir: join(folder, 'data'),
      broker: { url: 'mqtt://127.0.0.1:1' },
      wan: { interface: 'wan9' },
    })
    const { check } = await doctor(file)
    expect(check('wan')).toMatchObject({ status: 'missing', found: 'wan9 does not exist' })
  })

  it('cannot work where nothing can be written', async () => {
    const file = write('agent.yaml', {
      agent,
      district: 'd1',
      data_dir: '/proc/linkbell',
      broker: { url: 'mqtt://127.0.0.1:1' },
    })
    expect((await doctor(file)).check('disk')).toMatchObject({
      status: 'missing',
      found: expect.stringContaining('/proc/linkbell cannot be written'),
    })
  })

  it('ends with 2 for a configuration that is broken', async () => {
    const { code, stderr } = await linkbell(['doctor', '--config', write('agent.yaml', { agent: 'X', district: 'd1' })])
    expect(code).toBe(2)
    expect(stderr).toContain('agent.yaml:1: agent: an agent id has')
  })
})

describe('linkbell doctor with the configuration of a collector', () => {
  async function collectorFile(port: number, more: object = {}): Promise<string> {
    write('district.yaml', {
      district: { id: 'd1', name: 'D' },
      towns: [{ id: 't1', name: 'T' }],
      sites: [{ id: 's1', name: 'S', town: 't1', category: 'rural' }],
      agents: [{ id: agent, site: 's1' }],
    })
    return write('collector.yaml', {
      data_dir: join(folder, 'data'),
      registry_file: 'district.yaml',
      broker: { type: 'embedded', port: await freePort(), users_file: 'users' },
      http: { port },
      ...more,
    })
  }

  it('finds its ports free, and the agents that have no password', async () => {
    const { code, check } = await doctor(await collectorFile(await freePort()))
    expect([code, check('ports')?.status]).toEqual([0, 'ok'])
    expect(check('users')).toMatchObject({ status: 'warn', found: `1/1: ${agent}` })
    expect(check('fping')).toBeUndefined()
  })

  it('says that alert messages carry no link without the address of the board', async () => {
    const channels = [{ name: 'duty', type: 'webhook', url: 'http://127.0.0.1:9/' }]
    const without = await doctor(await collectorFile(await freePort(), { alerts: { channels } }))
    expect([without.code, without.check('alerts')]).toMatchObject([0, { status: 'warn' }])
    const board_url = 'https://board.example/'
    const { check } = await doctor(await collectorFile(await freePort(), { alerts: { channels, board_url } }))
    expect(check('alerts')).toMatchObject({ status: 'ok', found: `duty; links to ${board_url}` })
  })

  it('names the port that another program has', async () => {
    const server: Server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    cleanUp.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = server.address() as AddressInfo
    const { code, check } = await doctor(await collectorFile(port))
    expect(code).toBe(1)
    expect(check('ports')?.found).toBe(`127.0.0.1:${port} (http) cannot be used: EADDRINUSE`)
  })

  it.skipIf(!has('mosquitto'))('logs in at another broker without throwing out the collector that runs', async () => {
    const mosquitto = await createMosquitto({ users: { collector: 'secret of the collector' } })
    await mosquitto.start()
    cleanUp.push(mosquitto.stop)
    await collectorFile(0)
    const file = write('collector.yaml', {
      data_dir: join(folder, 'data'),
      registry_file: 'district.yaml',
      broker: { type: 'external', url: mosquitto.url, password_file: write('password', 'secret of the collector') },
      http: { port: await freePort() },
    })
    expect((await doctor(file)).check('broker')).toMatchObject({ status: 'ok' })
  })
})
