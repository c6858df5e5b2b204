import { type EventEmitter, once } from 'node:events'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { filters, topics } from '../../../core/topics.ts'
import { startConnection, stopConnections } from '../../core/connection.ts'
import { createEmbedded, district, type Embedded } from './embedded.ts'

const within = { timeout: 10_000, interval: 10 }
const own = topics.batch(district, 'a-gw1', 'path')

describe('the embedded broker', () => {
  let embedded: Embedded
  let collector: MqttClient
  const heard: { topic: string; text: string }[] = []
  const open: MqttClient[] = []

  beforeAll(async () => {
    embedded = await createEmbedded()
    collector = await embedded.connect('collector')
    collector.on('message', (topic, payload) => heard.push({ topic, text: payload.toString().slice(0, 100) }))
    await collector.subscribeAsync([filters.batches(district), filters.agentStatus(district)], { qos: 1 })
  })
  afterEach(async () => {
    heard.splice(0)
    for (const client of open.splice(0)) await client.endAsync(true)
  })
  afterAll(() => embedded.stop())

  const connect = async (...args: Parameters<Embedded['connect']>) => {
    const client = await embedded.connect(...args)
    client.on('error', () => undefined)
    open.push(client)
    return client
  }

  const warned = (text: string) => vi.waitFor(() => expect(embedded.warnings()).toContain(text), within)

  describe('lets an agent', () => {
    it.each([own, topics.batch(district, 'a-gw1', 'a-later-one'), topics.status(district, 'a-gw1')])(
      'write %s',
      async (topic) => {
        const agent = await connect('a-gw1')
        await agent.publishAsync(topic, 'hello', { qos: 1 })
        await vi.waitFor(() => expect(heard).toEqual([{ topic, text: 'hello' }]), within)
      },
    )

    it('read what is its own and the statuses of collectors', async () => {
      const agent = await connect('a-gw1')
      const read: string[] = []
      agent.on('message', (topic) => read.push(topic))
      const topicsToRead = [
        topics.ack(district, 'a-gw1'),
        topics.config(district, 'a-gw1'),
        topics.cmd(district, 'a-gw1'),
        filters.collectorStatus(district),
      ]
      const granted = await agent.subscribeAsync(topicsToRead, { qos: 1 })
      expect(granted.map(({ qos }) => qos)).toEqual([1, 1, 1, 1])
      const written = [...topicsToRead.slice(0, 3), topics.collectorStatus(district, 'c1')]
      for (const topic of written) await collector.publishAsync(topic, 'x', { qos: 1 })
      await vi.waitFor(() => expect(read).toEqual(written), within)
    })
  })

  describe('cuts an agent off that writes', () => {
    it.each([
      topics.batch(district, 'b-gw1', 'path'),
      topics.status(district, 'b-gw1'),
      topics.batch('d2', 'a-gw1', 'path'),
      topics.ack(district, 'a-gw1'),
      topics.config(district, 'a-gw1'),
      topics.config(district, 'b-gw1'),
      topics.collectorStatus(district, 'c1'),
      `${own}/deeper`,
      `linkbell/v1/${district}/a-gw1/batch`,
      'anything',
      '$SYS/broker/uptime',
    ])('%s', async (topic) => {
      const agent = await connect('a-gw1')
      const closed = closing(agent)
      agent.publish(topic, 'forged', { qos: 1 })
      await closed
      // Whatever it had brought about would have come before this.
      await (await connect('b-gw1')).publishAsync(topics.status(district, 'b-gw1'), 'end', { qos: 1 })
      await vi.waitFor(() => expect(heard.at(-1)?.text).toBe('end'), within)
      expect(heard).toHaveLength(1)
    })
  })

  it.each<[string, string, string, boolean]>([
    ['a batch to be retained', own, 'hello', true],
    ['a batch to be retained', topics.batch(district, 'a-gw1', 'a-later-one'), 'hello', true],
    ['to a topic that is not its own', topics.batch(district, 'a-gw1', 'm'.repeat(65)), 'hello', false],
    ['a status above 4096 bytes', topics.status(district, 'a-gw1'), 'x'.repeat(4_097), true],
  ])('cuts an agent off that writes %s (%s)', async (what, topic, payload, retain) => {
    const agent = await connect('a-gw1')
    const closed = closing(agent)
    agent.publish(topic, payload, { qos: 1, retain })
    await closed
    await warned(`A client published ${what} and was cut off.`)
    expect(heard).toEqual([])
  })

  it.each([
    topics.ack(district, 'b-gw1'),
    topics.config(district, '+'),
    filters.batches(district),
    filters.agentStatus(district),
    `linkbell/v1/${district}/#`,
    '#',
    '$SYS/#',
    `$share/g/${topics.ack(district, 'a-gw1')}`,
  ])('refuses an agent the subscription to %s', async (filter) => {
    const agent = await connect('a-gw1')
    await expect(agent.subscribeAsync(filter, { qos: 1 })).rejects.toThrow(/Unspecified error|128/)
  })

  it('refuses a collector what it would never deliver: a shared subscription', async () => {
    await expect(collector.subscribeAsync(filters.shared('g', filters.batches(district)), { qos: 1 })).rejects.toThrow()
  })

  it('says so when the connection of a collector asks for a shared subscription', async () => {
    const { lines } = startConnection({
      config: {
        url: `mqtt://127.0.0.1:${embedded.broker.port}`,
        username: 'collector',
        password: embedded.password('collector'),
      },
      clientId: 'collector:c2',
      will: () => ({ topic: topics.collectorStatus(district, 'c2'), payload: '' }),
      onSession: (session) => session.subscribe({ [filters.shared('g', filters.batches(district))]: 1 }),
    })
    await vi.waitFor(() => expect(lines.filter(({ level }) => level >= 40)).not.toHaveLength(0), within)
    expect(lines.find(({ level }) => level >= 40)?.['reason']).toMatch(/\$share\/g|Unspecified error/)
    await stopConnections()
  })

  it.each<[string, Parameters<Embedded['connect']>]>([
    ['a wrong password', ['a-gw1', { password: 'wrong' }]],
    ['no password', ['a-gw1', { password: '' }]],
    ['an unknown user', ['a-gw1', { username: 'nobody' }]],
    ['no user', ['a-gw1', { username: undefined, password: undefined } as never]],
    ["another agent's client id", ['a-gw1', { clientId: 'b-gw1' }]],
    ["a collector's client id", ['a-gw1', { clientId: 'collector:c1' }]],
    ["an agent's client id as collector", ['collector', { clientId: 'a-gw1' }]],
  ])('refuses a client with %s, and warns', async (_, [user, options]) => {
    const before = embedded.warnings().length
    await expect(embedded.connect(user, options)).rejects.toThrow('Not authorized')
    await vi.waitFor(
      () =>
        expect(embedded.warnings().slice(before)).toEqual([
          'A client was refused: wrong user, password, certificate or client id.',
        ]),
      within,
    )
    expect(collector.connected).toBe(true)
  })

  it('refuses a persistent session, whose queue would have no bounds', async () => {
    await expect(embedded.connect('a-gw1', { clean: false })).rejects.toThrow('Not authorized')
    await warned('A client asked for a persistent session and was refused.')
  })

  it('tells a client that speaks MQTT 5 to come back with 3.1.1, and it does', async () => {
    const { sessions, warnings } = startConnection({
      config: {
        url: `mqtt://127.0.0.1:${embedded.broker.port}`,
        username: 'a-gw1',
        password: embedded.password('a-gw1'),
      },
      will: () => ({ topic: topics.status(district, 'a-gw1'), payload: '' }),
    })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    expect(sessions[0]).toMatchObject({ number: 1, protocol: 4 })
    expect(warnings()).toEqual([])
    await stopConnections()
  })

  it('does not send a last will to a topic that is not its owner’s', async () => {
    const agent = await connect('a-gw1', {
      will: { topic: topics.status(district, 'b-gw1'), payload: Buffer.from('forged'), qos: 1, retain: true },
    })
    agent.stream.destroy()
    await (await connect('b-gw1')).publishAsync(topics.status(district, 'b-gw1'), 'end', { qos: 1 })
    await vi.waitFor(() => expect(heard.map(({ text }) => text)).toEqual(['end']), within)
  })

  it('knows a user that was added while it runs', async () => {
    await expect(embedded.connect('new-gw1', { password: 'too early' })).rejects.toThrow('Not authorized')
    const password = embedded.password('new-gw1')
    await vi.waitFor(
      async () => {
        await connect('new-gw1', { password })
      },
      { timeout: 10_000, interval: 200 },
    )
  })

  describe('with packets that are too large', () => {
    const port = () => embedded.broker.port
    const hello = (user: string) =>
      generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId: user,
        clean: true,
        keepalive: 60,
        username: user,
        password: Buffer.from(embedded.password(user)),
      } as never)
    /** Resolves when the broker has closed the connection. */
    async function pour(first: Buffer | undefined, bytes: number): Promise<void> {
      const socket = connectTcp(port(), '127.0.0.1')
      const closed = closing(socket)
      await once(socket, 'connect')
      if (first !== undefined) {
        socket.write(first)
        await once(socket, 'data')
      }
      const packet = generate({ cmd: 'publish', topic: own, payload: Buffer.alloc(bytes), qos: 0 } as never)
      socket.write(packet)
      await closed
    }

    it('cuts off an agent that sends one of 10 MB, and goes on', async () => {
      await pour(hello('a-gw1'), 10e6)
      await warned('A client sent a packet above the limit and was cut off.')
      expect(collector.connected).toBe(true)
      expect(heard).toEqual([])
    })

    it('cuts off somebody who sends one before any greeting', () => pour(undefined, 10e6))

    it('passes the largest batch that there can be', async () => {
      const agent = await connect('a-gw1')
      await agent.publishAsync(own, Buffer.alloc(256 * 1024, 'x'), { qos: 1 })
      await vi.waitFor(() => expect(heard).toHaveLength(1), within)
    })
  })

  it('lives on when strangers send nonsense', async () => {
    const nonsense = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(300, 0xff),
      Buffer.from([0x10, 0, 0xf0, 5]),
      Buffer.from([0xc0, 0]),
    ]
    await Promise.all(
      nonsense.map(async (bytes) => {
        const socket = connectTcp(embedded.broker.port, '127.0.0.1')
        const closed = closing(socket)
        await once(socket, 'connect')
        socket.end(bytes)
        await closed
      }),
    )
    await (await connect('a-gw1')).publishAsync(own, 'still here', { qos: 1 })
    await vi.waitFor(() => expect(heard).toHaveLength(1), within)
  })
})

describe('an embedded broker that starts or stops', () => {
  const sockets: Socket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  it('names the port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await expect(createEmbedded({ port })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use; stop the other program or set another broker port.`,
    )
    other.close()
  })

  it('does not listen to the world without TLS', async () => {
    await expect(createEmbedded({ host: '0.0.0.0' })).rejects.toThrow(
      'reachable from other machines, and passwords would travel in the clear; set broker.tls, or use 127.0.0.1',
    )
  })

  it('has no more connections than it is allowed', async () => {
    const embedded = await createEmbedded({ max_connections: 2 })
    const agent = await embedded.connect('a-gw1')
    await embedded.connect('b-gw1')
    await expect(embedded.connect('collector')).rejects.toThrow(/closed|ECONNRESET/)
    await agent.endAsync()
    await vi.waitFor(() => embedded.connect('collector'), { timeout: 10_000, interval: 100 })
    await embedded.stop()
  })

  it('stops at once, also with clients that never greeted', async () => {
    const embedded = await createEmbedded()
    await embedded.connect('a-gw1')
    // One that the broker knows by then, and one that it has hardly heard of.
    for (const delay of [50, 0]) {
      const silent = connectTcp(embedded.broker.port, '127.0.0.1').on('error', () => undefined)
      sockets.push(silent)
      await once(silent, 'connect')
      await sleep(delay)
    }
    const before = performance.now()
    await embedded.broker.stop()
    expect(performance.now() - before).toBeLessThan(5_000)
  })
})

/** Resolves when it is closed, with an error or without. */
function closing(end: Socket | MqttClient): Promise<void> {
  const events = end as unknown as EventEmitter
  return new Promise((resolve) => events.on('error', () => undefined).once('close', () => resolve()))
}
