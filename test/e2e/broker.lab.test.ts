/**
 * A broker that stops under 400 agents: a real Mosquitto, the collector and one agent as programs. 400 processes of agents
 * do not fit on one machine: the other 399 are the agent's own uplink, with spool and session of its own each, in this one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { districtData } from '../collector/district.ts'
import { changedRules, type Rang } from '../lab/centre.ts'
import { has } from '../services/capabilities.ts'
import { createMosquitto, freePort, type Mosquitto } from '../services/mosquitto.ts'
import { type Robot, secret, startRobot, token } from '../services/robots.ts'
import { createSchool, type School } from './parts.ts'

const script = join(import.meta.dirname, '..', '..', 'bin', 'linkbell.js')
const count = 400
const atOnce = 20
const within = { timeout: 120_000, interval: 500 }
const schools = Array.from({ length: count }, (_, i) => `s${i}`)

describe.skipIf(!has('mosquitto'))('a broker with 400 agents', () => {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-broker-'))
  const children: ChildProcess[] = []
  const simulated: School[] = []
  let robot: Robot | undefined
  let broker: Mosquitto | undefined
  afterEach(async () => {
    await Promise.all(
      simulated.splice(0).map((school) => school.stop().finally(() => rmSync(school.folder, { recursive: true }))),
    )
    for (const child of children.splice(0)) {
      const gone = child.exitCode === null && child.signalCode === null && once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    await robot?.close()
    await broker?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function put(name: string, content: unknown): string {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content))
    return join(folder, name)
  }
  const run = (kind: string, config: object) =>
    children.push(
      spawn(process.execPath, [script, kind, '--config', put(`${kind}.yaml`, config)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    )

  it('rings once when it stops, not 400 times, and once more when it is back', async () => {
    const mosquitto = await createMosquitto()
    broker = mosquitto
    await mosquitto.start()
    const duty = await startRobot('dingtalk')
    robot = duty
    const http = await freePort()
    for (const [name, text] of Object.entries({ token, secret })) put(name, text)
    // As delivered it ends after two minutes, for agents that were away for long.
    put('alerts.yaml', changedRules({ 'broker-down': { clear_seconds: 60 } }))
    const channel = { name: 'duty', type: 'dingtalk', url: duty.url, token_file: 'token', secret_file: 'secret' }
    run('collector', {
      data_dir: join(folder, 'centre'),
      registry_file: put(
        'district.yaml',
        districtData({
          sites: schools.map((id, i) => ({ id, name: id, town: i % 2 === 0 ? 't1' : 't2', category: 'rural' })),
          agents: schools.map((site) => ({ id: `gw-${site}`, site })),
        }),
      ),
      broker: { type: 'external', url: mosquitto.url },
      http: { port: http },
      alerts: { rules_file: 'alerts.yaml', channels: [channel] },
    })
    run('agent', { agent: 'gw-s0', district: 'd1', data_dir: join(folder, 'school'), broker: { url: mosquitto.url } })
    for (let i = 1; i < count; i += atOnce) {
      const some = schools.slice(i, i + atOnce).map((site) => `gw-${site}`)
      simulated.push(
        ...(await Promise.all(some.map((agent) => createSchool({ agent, connection: { url: mosquitto.url } })))),
      )
    }
    for (const school of simulated) school.make(1)

    const ask = async <T>(path: string) => (await (await fetch(`http://127.0.0.1:${http}/api/v1/${path}`)).json()) as T
    const rang = async () => (await ask<{ alerts: Rang[] }>('alerts/history')).alerts
    const allOnline = () =>
      vi.waitFor(async () => {
        const { sites } = await ask<{ sites: { presence: { state: string } }[] }>('sites')
        expect(sites.filter(({ presence }) => presence.state === 'online')).toHaveLength(count)
      }, within)
    await allOnline()
    await vi.waitFor(() => expect(simulated.filter(({ spool }) => spool.stats().batches > 0)).toHaveLength(0), within)

    const stoppedAt = Date.now()
    await mosquitto.kill('SIGTERM')
    await vi.waitFor(() => expect(duty.taken).toHaveLength(1), within)
    expect(duty.taken[0]?.text).toContain('消息服务器连接中断')
    console.log(`The robot was told ${((duty.taken[0]?.at ?? 0) - stoppedAt) / 1_000} s after the broker stopped.`)
    for (const school of simulated) school.make(2)
    await mosquitto.start()
    const backAt = Date.now()
    await vi.waitFor(() => expect(duty.taken).toHaveLength(2), within)
    console.log(`The robot was told of the end ${((duty.taken[1]?.at ?? 0) - backAt) / 1_000} s after it was back.`)
    expect(duty.taken[1]?.text).toContain('已恢复')
    await allOnline()
    // Schools that had not come back would ring by now.
    expect(await rang()).toMatchObject([{ rule: 'broker-down', state: 'resolved' }])
    await vi.waitFor(() => expect(simulated.filter(({ spool }) => spool.stats().batches > 0)).toHaveLength(0), within)
    expect(duty.complaints).toEqual([])
  }, 400_000)
})
