/** The agent's side of the protocol against a real Mosquitto; the collector is played by the test, message by message. */
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClock } from '../../agent/clock.ts'
import { createUplink, type Uplink } from '../../agent/uplink.ts'
import { decodeBatch } from '../../core/batch.ts'
import { type AgentStatus, agentStatusSchema } from '../../core/status.ts'
import { filters, topics } from '../../core/topics.ts'
import { district } from '../collector/district.ts'
import { has } from '../services/capabilities.ts'
import { createMosquitto, type Mosquitto } from '../services/mosquitto.ts'
import { batchAt, createSpool, noon, type TemporarySpool } from './temporary-spool.ts'

const within = { timeout: 15_000, interval: 20 }
const agent = 'a-gw1'

describe.skipIf(!has('mosquitto'))('an uplink', () => {
  let broker: Mosquitto
  let test: TemporarySpool
  let uplink: Uplink
  let collector: MqttClient
  const statuses: AgentStatus[] = []
  const batches: number[] = []
  const commands: string[] = []

  beforeAll(async () => {
    broker = await createMosquitto({ users: { collector: 'c', [agent]: 'a', 'b-gw1': 'b' } })
    await broker.start()
  })
  beforeEach(async () => {
    test = createSpool()
    collector = await mqtt.connectAsync(broker.url, {
      protocolVersion: 5,
      clientId: 'collector:c1',
      username: 'collector',
      password: 'c',
    })
    collector.on('message', (topic, payload, { retain }) => {
      if (topic.includes('/batch/')) batches.push(decodeBatch(payload).envelope.seq)
      else if (!retain) statuses.push(agentStatusSchema.parse(JSON.parse(payload.toString())))
    })
    await collector.subscribeAsync([filters.batches(district), filters.agentStatus(district)], { qos: 1 })
    for (const list of [statuses, batches, commands]) list.splice(0)
  })
  afterEach(async () => {
    await uplink.stop()
    for (const id of ['c1', 'c2']) await publish(topics.collectorStatus(district, id), '', { retain: true })
    await publish(topics.status(district, agent), '', { retain: true }).catch(() => undefined)
    await collector.endAsync()
    test.remove()
  })
  afterAll(() => broker.stop())

  const start = (options: Partial<Parameters<typeof createUplink>[0]> = {}) => {
    uplink = createUplink({
      connection: { url: broker.url, username: agent, password: 'a' },
      district,
      agent,
      boot: 'boot-1',
      version: 'test',
      spool: test.spool,
      clock: createClock({ wall: Date.now, monotonic: () => performance.now() }, test.log),
      log: test.log,
      plan: () => ({}),
      onSlice: () => undefined,
      onCommand: (payload) => commands.push(payload.toString()),
      ...options,
    })
    uplink.start()
  }
  const append = (count: number) => {
    test.spool.append(Array.from({ length: count }, (_, i) => batchAt(noon + i)))
    uplink.notify()
  }
  const publish = (topic: string, body: object | string, { retain = false } = {}) =>
    collector.publishAsync(topic, typeof body === 'string' ? body : JSON.stringify(body), { qos: 1, retain })
  const ack = (body: object) => publish(topics.ack(district, agent), { v: 1, now: Date.now(), ...body })
  const tellTime = () => ack({ re: statuses.at(-1)?.at })
  const announce = (id: string, boot: string, conn = 1) =>
    publish(
      topics.collectorStatus(district, id),
      { v: 1, on: true, boot, conn, at: Date.now(), version: 't' },
      { retain: true },
    )
  const ready = async () => {
    await vi.waitFor(() => expect(statuses.length).toBeGreaterThan(0), within)
    await tellTime()
  }

  it('sends nothing before a collector has told it the time, and goes on asking', async () => {
    start()
    append(3)
    await vi.waitFor(() => expect(statuses).toHaveLength(2), within)
    expect(statuses[0]).toMatchObject({ on: true, boot: 'boot-1', conn: 1, stream: test.spool.stream })
    expect(batches).toEqual([])
    await tellTime()
    await vi.waitFor(() => expect(batches).toEqual([1, 2, 3]), within)
  })

  it('forgets what is acknowledged for its own stream, and nothing else', async () => {
    start()
    append(4)
    await ready()
    await vi.waitFor(() => expect(batches).toHaveLength(4), within)
    await ack({ stream: 'another', stored: [1] })
    await publish(topics.ack(district, agent), '{"v":1,"stored":"all"}')
    await ack({ stream: test.spool.stream, stored: [2], refused: [[3, 'no such field']] })
    await vi.waitFor(() => expect(test.spool.stats()).toMatchObject({ batches: 2, refused: 1 }), within)
    expect(test.spool.read(0, 9, 9).map(({ seq }) => seq)).toEqual([1, 4])
    expect(test.warnings()).toEqual(['The collector refuses batches for good; they are counted and given up.'])
  })

  it('sends everything again when a collector began anew, and only then', async () => {
    await announce('c1', 'x')
    await announce('c2', 'y')
    start()
    append(2)
    await ready()
    await vi.waitFor(() => expect(batches).toEqual([1, 2]), within)
    const before = statuses.length
    await announce('c1', 'x')
    await announce('c2', 'y')
    await announce('c2', 'y', 2)
    await vi.waitFor(() => expect(batches).toEqual([1, 2, 1, 2]), within)
    // Its own status goes first: the time is asked for as well.
    expect(statuses).toHaveLength(before + 1)
    expect(test.warnings()).toEqual([])
  })

  it('sends everything again when a collector comes that it did not know', async () => {
    await announce('c1', 'x')
    start()
    append(1)
    await ready()
    await vi.waitFor(() => expect(batches).toEqual([1]), within)
    await announce('c2', 'y')
    await vi.waitFor(() => expect(batches).toEqual([1, 1]), within)
  })

  it('asks for the time when an acknowledgement shows another one', async () => {
    start()
    await ready()
    append(1)
    await vi.waitFor(() => expect(batches).toEqual([1]), within)
    const before = statuses.length
    await ack({ stream: test.spool.stream, stored: [1], now: Date.now() + 3_600_000 })
    await vi.waitFor(() => expect(statuses).toHaveLength(before + 1), within)
    await ack({ now: Date.now() + 3_600_000 })
    append(1)
    await vi.waitFor(() => expect(batches).toEqual([1, 2]), within)
    expect(statuses).toHaveLength(before + 1)
  })

  it('passes a command on, but not one that was kept for it', async () => {
    await publish(topics.cmd(district, agent), 'old', { retain: true })
    start()
    await ready()
    await publish(topics.cmd(district, agent), 'new')
    await vi.waitFor(() => expect(commands).toEqual(['new']), within)
    await publish(topics.cmd(district, agent), '', { retain: true })
  })

  it('says goodbye with the number of its connection', async () => {
    start()
    await ready()
    await uplink.stop()
    await vi.waitFor(() => expect(statuses.at(-1)).toMatchObject({ on: false, conn: 1 }), within)
    expect(uplink.stats()).toMatchObject({ connected: false, connects: 1 })
  })

  it('says once that the broker refuses what it sends: the district is another, or its rights are', async () => {
    let tells = 0
    const plan = () => {
      tells++
      return {}
    }
    start({ district: 'd9', plan })
    append(3)
    // The last will, the first status, and soon after the second: it asks for the time again, and is refused again.
    await vi.waitFor(() => expect(tells).toBeGreaterThan(2), within)
    await vi.waitFor(() => expect(test.lines.some(({ level }) => level >= 40)).toBe(true), within)
    expect(test.lines.filter(({ level }) => level >= 40)).toMatchObject([
      {
        level: 50,
        msg: 'The broker refuses what this agent sends; check its rights and the district in its configuration.',
        reason: expect.stringMatching(/not authorized/i),
      },
    ])
    expect(test.spool.stats().batches).toBe(3)
  })
})
