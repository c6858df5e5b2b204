/** The queue and its robots under a clock that jumps over every wait: hours of trouble in a moment. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Channel } from '../../../collector/alerts/config.ts'
import { createDelivery, type Delivery } from '../../../collector/alerts/delivery.ts'
import { type AlertMetrics, createAlertMetrics } from '../../../collector/alerts/metrics.ts'
import type { Notice } from '../../../collector/alerts/notice.ts'
import { createNotifier } from '../../../collector/alerts/notifiers/index.ts'
import { openOutbox, type Outbox } from '../../../collector/alerts/outbox.ts'
import { createMemoryLog, type MemoryLog } from '../../services/memory-log.ts'
import { type Robot, secret, startRobot, token } from '../../services/robots.ts'
import { channel, deps, notice, notices, recovery, start } from './notices.ts'

const second = 1_000
const minute = 60_000
const hour = 60 * minute

describe('the delivery of alerts', () => {
  let folder: string
  let clock: number
  /** The clock does not go beyond: then everything rests. */
  let until: number
  let outbox: Outbox
  let robot: Robot
  let memory: MemoryLog
  let metrics: Registry
  let counters: AlertMetrics
  /** Nothing happens any more before `until`. */
  let resting: boolean
  const running: Delivery[] = []
  const now = () => clock

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-delivery-'))
    clock = start
    until = start
    resting = false
    outbox = openOutbox(join(folder, 'state.sqlite'))
    robot = await startRobot('dingtalk', now)
    memory = createMemoryLog()
    metrics = new Registry()
    counters = createAlertMetrics(metrics, () => [])
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((delivery) => delivery.stop()))
    await robot.close()
    outbox.close()
    rmSync(folder, { recursive: true })
  })

  /** Instead of waiting the clock is set ahead, up to `until`; then it waits until something wakes it. */
  async function sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (clock + ms <= until) {
      clock += ms
      return turn()
    }
    clock = Math.max(clock, until)
    resting = true
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    resting = false
  }

  function begin(over: Record<string, unknown> = {}): Delivery {
    const to: Channel = channel('dingtalk', { url: robot.url, token, secret, ...over })
    const notifier = createNotifier(to, deps({ now }))
    const delivery = createDelivery({ channel: to, notifier, outbox, now, log: memory.log, metrics: counters, sleep })
    running.push(delivery)
    delivery.start()
    return delivery
  }

  const give = (given: readonly Notice[]) => outbox.add(given, () => ['duty'], clock)
  /** Lets the time pass, and everything that falls into it happen. */
  async function pass(ms: number, delivery: Delivery): Promise<void> {
    until = clock + ms
    resting = false
    delivery.wake()
    while (!resting) await turn()
    clock = until
  }
  const titles = () => robot.taken.map(({ text }) => text.split('\n')[0])

  it('says the alerts of 400 schools in one message, not in 400', async () => {
    const delivery = begin()
    for (let i = 0; i < 4; i++) {
      give(notices(400).slice(i * 100, i * 100 + 100))
      await pass(2 * second, delivery)
    }
    await pass(hour, delivery)
    expect(titles()).toEqual(['### 【警告】400 条告警'])
    expect(robot.taken[0]?.text).toContain('下行带宽未达标 × 400')
    expect(robot.taken[0]?.text).toContain('涉及 400 所学校')
    expect(robot.taken[0]?.text).toContain('……另有 390 条')
  })

  it('waits for others, but not longer than it is told', async () => {
    const delivery = begin({ group_seconds: 30 })
    give([notice(1)])
    await pass(29 * second, delivery)
    expect(robot.taken).toEqual([])
    await pass(2 * second, delivery)
    expect(robot.taken.map(({ at }) => at - start)).toEqual([30 * second])
  })

  it('gathers what comes within the interval, in order', async () => {
    const delivery = begin()
    for (let i = 1; i <= 12; i++) {
      give([notice(i)])
      await pass(10 * second, delivery)
    }
    give([recovery(12)])
    await pass(10 * minute, delivery)
    const seconds = robot.taken.map(({ at }) => (at - start) / second)
    expect(seconds).toEqual([10, 70, 130])
    expect(titles().at(-1)).toContain('恢复')
  })

  it('never exceeds what the robot takes in a minute, also over a restart and with retries', async () => {
    const settings = { group_seconds: 0, interval_seconds: 0, max_per_minute: 20 }
    const first = begin(settings)
    for (let i = 1; i <= 15; i++) {
      give([notice(i)])
      await pass(100, first)
    }
    await first.stop()
    robot.next({ status: 500, body: '' })
    const again = begin(settings)
    for (let i = 16; i <= 40; i++) {
      give([notice(i)])
      await pass(100, again)
    }
    await pass(10 * minute, again)
    expect(robot.complaints).toEqual([])
    expect(robot.taken.length).toBeGreaterThan(15)
    expect(outbox.waiting('duty').count).toBe(0)
  })

  it('keeps trying through an hour of errors, ever more slowly, and says so once', async () => {
    const delivery = begin()
    robot.next(...Array.from({ length: 9 }, () => ({ status: 503, body: 'down' })))
    give([notice(1)])
    await pass(10 * minute, delivery)
    give([notice(2)])
    await pass(3 * hour, delivery)
    expect(titles()).toEqual(['### 【警告】第1小学：下行带宽未达标', '### 【警告】第2小学：下行带宽未达标'])
    expect(memory.warnings()).toEqual(['Alerts do not get through; trying again.'])
    expect(memory.lines.map(({ msg }) => msg)).toContain('Alerts get through again.')
    expect(delivery.problem()).toBeUndefined()
    expect(await metrics.metrics()).toContain('linkbell_alert_attempts_total{channel="duty",outcome="retry"} 9')
  })

  it('tells while nothing gets through why', async () => {
    const delivery = begin()
    robot.next(
      ...Array.from({ length: 99 }, () => ({ status: 200, body: '{"errcode":310000,"errmsg":"sign not match"}' })),
    )
    give([notice(1)])
    await pass(hour, delivery)
    expect(delivery.problem()).toMatch(/duty since 2026-11-23T02:03:\d\d\.000Z: errcode 310000: .*sign not match/)
    // Every ten minutes: what a person must change stays wrong for a while.
    expect(robot.requests()).toBeLessThanOrEqual(7)
    expect(JSON.stringify(memory.lines)).not.toContain(token)
    expect(JSON.stringify(memory.lines)).not.toContain(secret)
  })

  it('is silent as long as the robot asks for', async () => {
    const delivery = begin()
    robot.next({ status: 429, body: '', headers: { 'retry-after': '300' } })
    give([notice(1)])
    await pass(hour, delivery)
    expect(robot.taken.map(({ at }) => (at - start) / second)).toEqual([310])
  })

  it('gives a message up after its time, with an error, a number, and the next one tried', async () => {
    const delivery = begin({ give_up_seconds: 7_200 })
    robot.next(...Array.from({ length: 17 }, () => ({ status: 500, body: 'broken' })))
    give([notice(1), notice(2)])
    await pass(20 * minute, delivery)
    give([notice(3)])
    await pass(24 * hour, delivery)
    expect(titles()).toEqual(['### 【警告】第3小学：下行带宽未达标'])
    const lost = memory.lines.find(({ level }) => level >= 50)
    expect(lost).toMatchObject({ channel: 'duty', notices: 2, reason: 'HTTP 500 broken' })
    expect(await metrics.metrics()).toContain('linkbell_alert_notices_lost_total{channel="duty",reason="given_up"} 2')
  })

  it('drops a message that will never be taken, and goes on', async () => {
    const delivery = begin()
    robot.next({ status: 200, body: '{"errcode":430102,"errmsg":"bad words"}' })
    give([notice(1)])
    await pass(minute, delivery)
    expect(delivery.problem()).toMatch(/duty were given up at 2026-11-23T02:03:\d\d\.000Z: errcode 430102/)
    give([notice(2)])
    await pass(10 * minute, delivery)
    expect(titles()).toEqual(['### 【警告】第2小学：下行带宽未达标'])
    expect(delivery.problem()).toBeUndefined()
    expect(await metrics.metrics()).toContain('linkbell_alert_notices_lost_total{channel="duty",reason="refused"} 1')
  })

  it('says everything that piled up in one message once the robot is back', async () => {
    const delivery = begin()
    robot.next(...Array.from({ length: 30 }, () => 'broken' as const))
    for (let i = 1; i <= 60; i++) {
      give([notice(i), ...(i % 2 === 0 ? [recovery(i)] : [])])
      await pass(5 * minute, delivery)
    }
    await pass(24 * hour, delivery)
    expect(robot.taken).toHaveLength(2)
    expect(titles()[1]).toBe('### 【警告】29 条告警，30 条恢复')
  })

  it.each([
    ['back an hour', -hour],
    ['ahead three days', 72 * hour],
  ])('goes on when the clock is set %s', async (_name, step) => {
    const delivery = begin()
    give([notice(1)])
    await pass(minute, delivery)
    robot.next({ status: 500, body: '' })
    give([notice(2)])
    await pass(90 * second, delivery)
    clock += step
    give([notice(3)])
    await pass(30 * minute, delivery)
    expect(titles().join()).toContain('第2小学')
    expect(titles().join()).toContain('第3小学')
    expect(memory.lines.filter(({ level }) => level >= 50)).toEqual([])
  })

  it('does not send again what arrived although the disk did not take that it did', async () => {
    const finish = outbox.finish.bind(outbox)
    let failures = 3
    // A disk that is full for a while, at the worst moment.
    outbox.finish = (name) => {
      if (failures-- > 0) throw new Error('disk full')
      finish(name)
    }
    const delivery = begin()
    give([notice(1)])
    await pass(10 * minute, delivery)
    expect(robot.taken).toHaveLength(1)
    expect(outbox.current('duty')).toBeUndefined()
  })
})
