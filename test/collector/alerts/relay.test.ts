/** Webhooks as Grafana and Alertmanager send them (fixtures/), to a real board, through the queue, to a robot. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Alerts, createAlerts } from '../../../collector/alerts/alerts.ts'
import { alertsConfigSchema } from '../../../collector/alerts/config.ts'
import { createMemoryLog, type MemoryLog } from '../../services/memory-log.ts'
import { type Robot, secret, startRobot, token } from '../../services/robots.ts'
import { httpConfig, type Running, startBoard } from '../board/setup.ts'
import { registryOf } from '../district.ts'
import { notice } from './notices.ts'

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8')
const grafana = fixture('grafana-webhook')
const relayToken = 'a token of the relay'.replaceAll(' ', '-')
const bearer = { authorization: `Bearer ${relayToken}` }
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const hour = 3_600_000
type Body = { alerts: { status: string; endsAt: string }[] }
/** What the sender told when those of the group that are resolved began. */
const before = (body: string) => {
  const resolved = (JSON.parse(body) as Body).alerts.filter(({ status }) => status === 'resolved')
  const alerts = resolved.map((alert) => ({ ...alert, status: 'firing', endsAt: '0001-01-01T00:00:00Z' }))
  return JSON.stringify({ alerts })
}

describe('the relay', () => {
  let folder: string
  let clock: number
  let robot: Robot
  let alerts: Alerts
  let board: Running
  let memory: MemoryLog
  const now = () => clock

  async function begin(
    relay: Record<string, unknown> | undefined,
    more: Record<string, unknown>[] = [],
  ): Promise<void> {
    const pace = { group_seconds: 0, interval_seconds: 0 }
    const duty = { name: 'duty', type: 'dingtalk', url: robot.url, token, secret, ...pace }
    alerts = createAlerts({
      config: alertsConfigSchema.parse({ channels: [duty, ...more.map((one) => ({ ...pace, ...one }))], relay }),
      file: join(folder, 'state.sqlite'),
      registry: () => registryOf(),
      now,
      log: memory.log,
      metrics: new Registry(),
    })
    alerts.start()
    const config = httpConfig({ auth: { username: 'bureau', password: 'the board password' } })
    board = await startBoard({ sites: 1, days: 1 }, { config, relay: alerts.relay })
  }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-relay-'))
    clock = Date.parse('2026-11-23T10:03:30+08:00')
    robot = await startRobot('dingtalk', now)
    memory = createMemoryLog()
  })
  afterEach(async () => {
    await board.stop()
    await alerts.stop()
    await robot.close()
    rmSync(folder, { recursive: true })
  })

  async function post(body: string, headers: Record<string, string> = bearer) {
    const response = await fetch(new URL('/api/v1/relay', board.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    return { status: response.status, body: (await response.json()) as unknown }
  }
  const told = (count: number) => vi.waitFor(() => expect(robot.taken).toHaveLength(count))

  it("passes a group of Grafana's on as one message, with the names of the registry", async () => {
    await begin({ token: relayToken })
    await post(before(grafana))
    await told(1)
    expect(await post(grafana)).toEqual({ status: 200, body: { accepted: 3 } })
    await told(2)
    const { text = '' } = robot.taken[1] ?? {}
    expect(text.split('\n')[0]).toBe('### 【严重】2 条告警，1 条恢复')
    expect(text).toContain('**【严重】First：下行带宽未达标：301.2 / 500 Mbit/s**')
    expect(text).toContain('镇街：One')
    expect(text).toContain('最近一次：下行 301.2 Mbit/s。')
    expect(text).toContain('**【警告】DatasourceNoData**')
    expect(text).toContain('**【已恢复】Second：到区级丢包率过高**')
    expect(text).toContain('2026-11-23 09:20 至 2026-11-23 10:02，历时 43 分钟')
    expect(text).toContain('](https://grafana.qingcheng.example/d/linkbell-site?orgId=1&viewPanel=4)')
  })

  it('knows a group that is sent again, and passes on what is new, and a reminder after some hours', async () => {
    await begin({ token: relayToken })
    await post(grafana)
    await told(1)
    clock += 60_000
    expect((await post(grafana)).body).toEqual({ accepted: 0 })
    const more = JSON.parse(grafana) as { alerts: { fingerprint: string; status: string; endsAt: string }[] }
    const [first] = more.alerts as [(typeof more.alerts)[number]]
    Object.assign(first, { status: 'resolved', endsAt: '2026-11-23T10:30:00+08:00' })
    expect((await post(JSON.stringify(more))).body).toEqual({ accepted: 1 })
    await told(2)
    expect(robot.taken[1]?.text).toContain('【已恢复】First')
    clock += 4 * hour
    expect((await post(JSON.stringify(more))).body).toEqual({ accepted: 1 })
    await told(3)
    expect(robot.taken[2]?.text).toContain('【警告·持续】DatasourceNoData')
    expect((await post(JSON.stringify(more))).body).toEqual({ accepted: 0 })
  })

  it("passes on Alertmanager's", async () => {
    await begin({ token: relayToken })
    const body = fixture('alertmanager-webhook')
    await post(before(body))
    await told(1)
    expect((await post(body)).body).toEqual({ accepted: 1 })
    await told(2)
    expect(robot.taken[1]?.text).toContain('【已恢复】Disk nearly full')
    expect(robot.taken[1]?.text).toContain('历时 60 分钟')
  })

  it('tells no end of what it never told', async () => {
    await begin({ token: relayToken })
    expect((await post(fixture('alertmanager-webhook'))).body).toEqual({ accepted: 0 })
    expect((await post(grafana)).body).toEqual({ accepted: 2 })
    await told(1)
    expect(robot.taken[0]?.text).not.toContain('已恢复')
  })

  it('takes its token as Bearer or as a password, and nothing else opens it; nor does it open the board', async () => {
    await begin({ token: relayToken })
    expect((await post(grafana, basic('grafana', relayToken))).status).toBe(200)
    for (const wrong of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: relayToken },
      basic('bureau', 'the board password'),
    ] as Record<string, string>[]) {
      expect((await post(grafana, wrong)).status).toBe(401)
    }
    expect((await post(grafana, { ...bearer, origin: 'http://evil.example' })).status).toBe(403)
    expect((await board.get('/api/v1/sites', bearer)).status).toBe(401)
    expect((await board.get('/api/v1/sites', basic('bureau', 'the board password'))).status).toBe(200)
  })

  it.each([
    ['{}', 400, /alerts/],
    ['{"alerts":[{"status":"odd"}]}', 400, /alerts/],
    ['not JSON', 400, /JSON/],
    [`{"alerts":[],"x":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413, /large/],
  ])('refuses %.30s with a reason', async (body, status, reason) => {
    await begin({ token: relayToken })
    const answer = await post(body)
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).toMatch(reason)
  })

  it('takes 400 alerts at once', async () => {
    await begin({ token: relayToken })
    const { alerts: some } = JSON.parse(grafana) as { alerts: Record<string, unknown>[] }
    const many = Array.from({ length: 400 }, (_, index) => ({ ...some[0], fingerprint: `f${index}` }))
    expect((await post(JSON.stringify({ alerts: many }))).body).toEqual({ accepted: 400 })
    await told(1)
    expect(robot.taken[0]?.text).toContain('400 条告警')
  })

  it('speaks only to the channels that it is told to, and by itself to no Alertmanager', async () => {
    const manager = { name: 'manager', type: 'alertmanager', url: 'http://127.0.0.1:1/' }
    await begin({ token: relayToken }, [manager])
    await post(grafana)
    await told(1)
    expect(alerts.health().problems).toEqual([])
    await alerts.stop()
    await board.stop()
    rmSync(join(folder, 'state.sqlite'))
    await begin({ token: relayToken, channels: ['manager'] }, [manager])
    await post(grafana)
    await vi.waitFor(() => expect(alerts.health().problems.join()).toContain('channel manager'))
    expect(robot.taken).toHaveLength(1)
  })

  it('is not there when it is not configured', async () => {
    await begin(undefined)
    expect((await post(grafana)).status).toBe(401)
    expect((await post(grafana, basic('bureau', 'the board password'))).status).toBe(404)
  })
})

describe('the alerts of a collector', () => {
  let folder: string
  let memory: MemoryLog
  let alerts: Alerts
  let robots: Robot[]
  const pace = { group_seconds: 0, interval_seconds: 0, token }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-alerts-'))
    memory = createMemoryLog()
    robots = await Promise.all([startRobot('dingtalk'), startRobot('wecom'), startRobot('feishu')])
  })
  afterEach(async () => {
    await alerts.stop()
    await Promise.all(robots.map((robot) => robot.close()))
    rmSync(folder, { recursive: true })
  })
  const begin = (channels: object[]) => {
    const config = alertsConfigSchema.parse({ channels: channels.map((each) => ({ ...each, ...pace })) })
    const file = join(folder, 'state.sqlite')
    const { log } = memory
    alerts = createAlerts({ config, file, registry: () => registryOf(), now: Date.now, log, metrics: new Registry() })
    alerts.start()
  }
  const [dingtalk, wecom, feishu] = [0, 1, 2].map((index) => () => robots[index] as Robot) as [
    () => Robot,
    () => Robot,
    () => Robot,
  ]

  it('go to the channels that want to know of the severity and the place', async () => {
    begin([
      { name: 'd', type: 'dingtalk', url: dingtalk().url, secret, severities: ['critical'] },
      { name: 'w', type: 'wecom', url: wecom().url, towns: ['t2'], language: 'en' },
      { name: 'f', type: 'feishu', url: feishu().url, secret, sites: ['s1'] },
    ])
    const town = (id: string) => ({ town: { id, name: { en: id, zh: id } } })
    alerts.notify([notice(1, town('t1')), notice(2, town('t2')), notice(3, { severity: 'critical' })])
    await vi.waitFor(() => expect(robots.map(({ taken }) => taken.length)).toEqual([1, 1, 1]))
    expect(dingtalk().taken[0]?.text).toContain('第3小学')
    expect(wecom().taken[0]?.text).toContain('School 2: Download below target')
    expect(feishu().taken[0]?.text).toContain('第1小学')
    expect(JSON.stringify(memory.lines)).not.toContain(token)
  })

  it('get out also while the disk takes nothing, once, and rest on it again afterwards', async () => {
    begin([{ name: 'w', type: 'wecom', url: wecom().url }])
    alerts.notify([notice(1)])
    await vi.waitFor(() => expect(wecom().taken).toHaveLength(1))
    await vi.waitFor(() => expect(alerts.health().facts).toMatchObject({ notices_waiting: 0 }))
    // Whoever holds the file stands for a disk that is full.
    const other = new DatabaseSync(join(folder, 'state.sqlite'))
    other.exec('begin immediate')
    alerts.notify([notice(1), notice(2)])
    alerts.notify([notice(2)])
    expect(alerts.health().problems.join()).toMatch(/kept in memory only, and a restart loses them: .*state\.sqlite/)
    await vi.waitFor(() => expect(wecom().taken).toHaveLength(2))
    other.exec('rollback')
    other.close()
    alerts.notify([notice(2), notice(3)])
    await vi.waitFor(() => expect(wecom().taken).toHaveLength(3))
    expect(wecom().taken.map(({ text }) => /第(\d)小学/.exec(text)?.[1])).toEqual(['1', '2', '3'])
    expect(memory.lines.filter(({ level }) => level >= 50)).toHaveLength(1)
    expect(alerts.health().ok).toBe(true)
  }, 20_000)
})
