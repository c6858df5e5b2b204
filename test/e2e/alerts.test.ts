/** The collector as a program, from Grafana's webhook to a robot, over a kill -9; and `linkbell alerts test`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { districtData } from '../collector/district.ts'
import { freePort } from '../services/mosquitto.ts'
import { endProgram, type Program, startProgram } from '../services/program.ts'
import { type Robot, secret, startRobot, token } from '../services/robots.ts'

const grafana = readFileSync(join(import.meta.dirname, '../collector/alerts/fixtures/grafana-webhook.json'), 'utf8')
const relayToken = 'relay-token-0123456789'
const within = { timeout: 30_000, interval: 50 }

describe('alerts of the program', { timeout: 90_000 }, () => {
  let folder: string
  let config: string
  let board: number
  let robot: Robot
  const running: Program[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-alerts-'))
    robot = await startRobot('dingtalk')
    board = await freePort()
    for (const [name, text] of Object.entries({ token, secret, relay: relayToken }))
      writeFileSync(join(folder, name), `${text}\n`)
    writeFileSync(join(folder, 'district.yaml'), stringify(districtData()))
    config = join(folder, 'collector.yaml')
    const duty = { name: 'duty', type: 'dingtalk', url: robot.url, token_file: 'token', secret_file: 'secret' }
    const collector = {
      data_dir: join(folder, 'data'),
      registry_file: 'district.yaml',
      broker: { type: 'embedded', port: await freePort(), users_file: 'users' },
      http: { port: board },
      alerts: { channels: [{ ...duty, group_seconds: 1, interval_seconds: 1 }], relay: { token_file: 'relay' } },
    }
    writeFileSync(config, stringify(collector))
  })
  afterEach(async () => {
    for (const program of running.splice(0)) await endProgram(program)
    await robot.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function run(...args: string[]): Program {
    const program = startProgram(...args)
    running.push(program)
    return program
  }
  async function collector() {
    const program = run('collector', '--config', config)
    await vi.waitFor(() => expect(program.output()).toContain('The collector runs.'), within)
    return program
  }
  const post = async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${relayToken}` }
    const response = await fetch(`http://127.0.0.1:${board}/api/v1/relay`, { method: 'POST', headers, body: grafana })
    return (await response.json()) as unknown
  }

  it('arrive once, although the robot was down and the collector killed', async () => {
    robot.next({ status: 503, body: 'down' })
    const first = await collector()
    expect(await post()).toEqual({ accepted: 2 })
    await vi.waitFor(() => expect(robot.requests()).toBeGreaterThan(0), within)
    const health = await fetch(`http://127.0.0.1:${board}/api/v1/health`)
    expect(await health.text()).toContain('Alerts do not get through channel duty')
    await endProgram(first)
    const second = await collector()
    expect(await post()).toEqual({ accepted: 0 })
    await vi.waitFor(() => expect(robot.taken).toHaveLength(1), within)
    expect(robot.taken[0]?.text).toContain('2 条告警')
    expect(robot.complaints).toEqual([])
    const metrics = await (await fetch(`http://127.0.0.1:${board}/metrics`)).text()
    expect(metrics).toContain('linkbell_alert_attempts_total{channel="duty",outcome="delivered"} 1')
    await endProgram(second, 'SIGTERM')
    expect(second.child.exitCode).toBe(0)
    expect(`${first.output()}${second.output()}`).not.toContain(token)
  })

  it('can be tried before they are needed', async () => {
    const dry = run('alerts', 'test', 'duty', '--config', config, '--dry-run', '--notices', '400', '--lang', 'en')
    expect(await dry.ended).toBe(0)
    expect(dry.output()).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\/robot\/send\?access_token=…&timestamp=…&sign=…\n/)
    expect(dry.output()).toContain('[Notice] 400 alerts')
    expect(dry.output()).not.toContain(token)
    expect(robot.requests()).toBe(0)

    const real = run('alerts', 'test', 'duty', '--config', config)
    expect(await real.ended).toBe(0)
    expect(robot.taken[0]?.text).toContain('测试消息，并非告警')

    robot.next({ status: 200, body: '{"errcode":310000,"errmsg":"sign not match"}' })
    const refused = run('alerts', 'test', 'duty', '--config', config)
    expect(await refused.ended).toBe(1)
    expect(refused.output()).toContain('sign not match')

    const unknown = run('alerts', 'test', 'nobody', '--config', config)
    expect(await unknown.ended).toBe(2)
    expect(unknown.output()).toContain('no alert channel "nobody"; it has: duty')
  })
})
