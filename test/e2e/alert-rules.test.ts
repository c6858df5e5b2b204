/** Alert rules in the collector as a program: over a kill -9, acknowledged, maintained, and judged once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { districtData } from '../collector/district.ts'
import { freePort } from '../services/mosquitto.ts'
import { endProgram, type Program, startProgram } from '../services/program.ts'
import { type Robot, secret, startRobot, token } from '../services/robots.ts'

const within = { timeout: 60_000, interval: 100 }
const rules = {
  rules: [
    {
      id: 'broker-down',
      title: { zh: '消息服务器连接中断', en: 'No connection to the broker' },
      when: { type: 'part', parts: ['broker'] },
      severity: 'critical',
      for_seconds: 0,
      clear_seconds: 0,
    },
  ],
}

describe('alert rules of the program', { timeout: 180_000 }, () => {
  let folder: string
  let board: number
  let robot: Robot
  const running: Program[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-rules-'))
    robot = await startRobot('dingtalk')
    board = await freePort()
    for (const [name, text] of Object.entries({ token, secret })) writeFileSync(join(folder, name), `${text}\n`)
    writeFileSync(join(folder, 'district.yaml'), stringify(districtData()))
    writeFileSync(join(folder, 'alerts.yaml'), stringify(rules))
  })
  afterEach(async () => {
    for (const program of running.splice(0)) await endProgram(program)
    await robot.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** `broker`: its URL, or an embedded one. */
  async function configure(broker?: string, name = 'collector.yaml', port = board): Promise<string> {
    const duty = { name: 'duty', type: 'dingtalk', url: robot.url, token_file: 'token', secret_file: 'secret' }
    const embedded = { type: 'embedded', port: await freePort(), users_file: 'users' }
    const collector = {
      data_dir: join(folder, 'data'),
      registry_file: 'district.yaml',
      broker: broker === undefined ? embedded : { type: 'external', url: broker },
      http: { port },
      alerts: { rules_file: 'alerts.yaml', channels: [{ ...duty, group_seconds: 0, interval_seconds: 0 }] },
    }
    writeFileSync(join(folder, name), stringify(collector))
    return join(folder, name)
  }
  function run(...args: string[]): Program {
    const program = startProgram(...args)
    running.push(program)
    return program
  }
  async function collector(config: string) {
    const program = run('collector', '--config', config)
    await vi.waitFor(() => expect(program.output()).toContain('The collector runs.'), within)
    return program
  }
  async function cli(...args: string[]): Promise<{ code: number | null; output: string }> {
    const program = run('alerts', ...args)
    return { code: await program.ended, output: program.output() }
  }
  const api = async (path: string) =>
    (await (await fetch(`http://127.0.0.1:${board}/api/v1/${path}`)).json()) as {
      alerts: { id: string; state: string; acknowledged: unknown; rule: string }[]
      maintenance: { id: string }[]
    }

  it('ring once over a kill -9, and once again when it is over', async () => {
    const config = await configure(`mqtt://127.0.0.1:${await freePort()}`)
    const first = await collector(config)
    await vi.waitFor(() => expect(robot.taken).toHaveLength(1), within)
    expect(robot.taken[0]?.text).toContain('消息服务器连接中断')
    const [ringing] = (await api('alerts')).alerts
    await endProgram(first)

    const second = await collector(config)
    // It looks at the rules as soon as it runs; three looks are 10 s.
    await new Promise((resolve) => setTimeout(resolve, 11_000))
    expect(robot.taken).toHaveLength(1)
    expect((await api('alerts')).alerts).toMatchObject([{ id: ringing?.id, rule: 'broker-down', acknowledged: null }])

    const listed = await cli('list', '--config', config, '--lang', 'en')
    expect(listed).toMatchObject({ code: 0, output: expect.stringContaining('No connection to the broker') })
    const acknowledged = await cli('ack', String(ringing?.id), '--config', config, '--by', 'lin', '--note', 'on it')
    expect(acknowledged.code).toBe(0)
    expect((await api('alerts')).alerts).toMatchObject([{ acknowledged: { by: 'lin', note: 'on it' } }])
    expect((await cli('ack', 'nothing', '--config', config)).code).toBe(1)
    expect((await cli('maintain', '--minutes', '60', '--rule', 'no-such', '--config', config)).code).toBe(1)
    expect((await cli('maintain', '--minutes', '60', '--note', 'works', '--config', config)).code).toBe(0)
    const { maintenance } = await api('alerts')
    expect(maintenance).toMatchObject([{ note: 'works', site: null }])
    const ends = () => cli('maintain-end', String(maintenance[0]?.id), '--config', config)
    expect((await ends()).code).toBe(0)
    expect((await api('alerts')).maintenance).toEqual([])
    expect((await ends()).code).toBe(1)
    await endProgram(second)

    const third = await collector(await configure())
    await vi.waitFor(() => expect(robot.taken).toHaveLength(2), within)
    expect(robot.taken[1]?.text).toContain('已恢复')
    expect((await api('alerts')).alerts).toEqual([])
    expect((await api('alerts/history')).alerts).toMatchObject([
      { id: ringing?.id, state: 'resolved', acknowledged: { by: 'lin' } },
    ])
    await endProgram(third, 'SIGTERM')
    expect(third.child.exitCode).toBe(0)
    expect(robot.complaints).toEqual([])
  })
})
