import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createConnection } from '../../core/connection.ts'
import { has } from '../services/capabilities.ts'
import { createMemoryLog } from '../services/memory-log.ts'
import { createMosquitto, freePort, type Mosquitto } from '../services/mosquitto.ts'
import { startConnection, stopConnections } from './connection.ts'

const within = { timeout: 10_000, interval: 20 }

describe.skipIf(!has('mosquitto'))('a connection to Mosquitto', () => {
  let broker: Mosquitto
  const others: MqttClient[] = []

  beforeAll(async () => {
    broker = await createMosquitto({ lines: ['sys_interval 1'] })
    await broker.start()
  })
  afterEach(async () => {
    await stopConnections()
    for (const other of others.splice(0)) await other.endAsync(true)
  })
  afterAll(() => broker.stop())

  async function other(options: mqtt.IClientOptions = {}): Promise<MqttClient> {
    const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5, ...options })
    others.push(client)
    return client
  }

  it('speaks MQTT 5, and has a number and a signal for each session', async () => {
    const { sessions, connection } = startConnection({ config: { url: broker.url } })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    expect(sessions[0]).toMatchObject({ number: 1, protocol: 5 })
    expect(connection.connected()).toBe(true)
    await connection.stop()
    expect(sessions[0]?.signal.aborted).toBe(true)
    expect(connection.connected()).toBe(false)
    await expect(sessions[0]?.publish('x', 'y', { qos: 1 })).rejects.toThrow('Cannot publish x: not connected.')
  })

  // The library has no way to put a PUBACK off; core/connection.ts uses its private _sendPacket and an error to the
  // callback. These tests fail when a new version of it behaves otherwise.
  describe('with deferred acknowledgements', () => {
    const receiveMaximum = 10

    async function flood(count: number, options: { keepaliveSeconds?: number } = {}) {
      const tested = startConnection({
        config: { url: broker.url },
        deferAcknowledgements: true,
        receiveMaximum,
        ...options,
        onSession: (session) => session.subscribe({ 'flood/+': 1 }),
      })
      await vi.waitFor(() => expect(tested.sessions).toHaveLength(1), within)
      const publisher = await other()
      await Promise.all(
        Array.from({ length: count }, (_, i) => publisher.publishAsync(`flood/${i}`, String(i), { qos: 1 })),
      )
      return { ...tested, publisher }
    }

    it('gets no more than the receive maximum until it acknowledges, then the next, in order', async () => {
      const { messages, publisher } = await flood(50)
      await vi.waitFor(() => expect(messages).toHaveLength(receiveMaximum), within)
      // What a broker sends beyond the window would come before the answer to a later message.
      const probe = await other()
      await probe.subscribeAsync('echo')
      const echo = nextMessage(probe)
      await publisher.publishAsync('echo', '', { qos: 1 })
      await echo
      expect(messages).toHaveLength(receiveMaximum)

      messages[0]?.acknowledge()
      messages[0]?.acknowledge()
      await vi.waitFor(() => expect(messages.length).toBeGreaterThan(receiveMaximum), within)
      for (let done = 1; messages.length < 50 || done < 50; ) {
        if (done < messages.length) messages[done++]?.acknowledge()
        else await new Promise((resolve) => setImmediate(resolve))
      }
      expect(messages.map(({ payload }) => Number(payload.toString()))).toEqual(Array.from({ length: 50 }, (_, i) => i))
    })

    it('stays connected while nothing is acknowledged, for pings go on', async () => {
      const { messages, sessions, warnings } = await flood(20, { keepaliveSeconds: 1 })
      await vi.waitFor(() => expect(messages).toHaveLength(receiveMaximum), within)
      // The library gives up 1.5 keepalives after an unanswered ping; Mosquitto reports each second.
      const watcher = await other()
      await watcher.subscribeAsync('$SYS/broker/uptime')
      for (let reports = 0; reports < 3; reports++) await nextMessage(watcher)
      expect(sessions).toHaveLength(1)
      expect(warnings()).toEqual([])
      for (let done = 0; done < 20; )
        if (done < messages.length) messages[done++]?.acknowledge()
        else await new Promise((resolve) => setImmediate(resolve))
    })

    it('sends no acknowledgement of an old connection on a new one', async () => {
      const { messages, sessions } = await flood(5)
      await vi.waitFor(() => expect(messages).toHaveLength(5), within)
      await broker.kill()
      await broker.start()
      await vi.waitFor(() => expect(sessions).toHaveLength(2), within)
      const old = messages.splice(0)
      const publisher = await other()
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => publisher.publishAsync(`flood/${i}`, `new ${i}`, { qos: 1 })),
      )
      await vi.waitFor(() => expect(messages).toHaveLength(receiveMaximum), within)
      for (const message of old) message.acknowledge()
      // Whatever an acknowledgement on its way sets free comes before the answer to this.
      await sessions[1]?.publish('echo', '', { qos: 1 })
      expect(messages).toHaveLength(receiveMaximum)
      messages[0]?.acknowledge()
      await vi.waitFor(() => expect(messages.length).toBeGreaterThan(receiveMaximum), within)
    })
  })

  it('takes one message of quality 1 without deferring, and goes on', async () => {
    const { messages, sessions } = startConnection({
      config: { url: broker.url },
      receiveMaximum: 2,
      onSession: (session) => session.subscribe({ in: 1 }),
    })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    const publisher = await other()
    for (let i = 0; i < 10; i++) await publisher.publishAsync('in', String(i), { qos: 1 })
    await vi.waitFor(() => expect(messages).toHaveLength(10), within)
  })

  it('says goodbye when it is stopped, so that its last will is not sent', async () => {
    const { sessions, connection } = startConnection({ config: { url: broker.url }, deferAcknowledgements: true })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    const watcher = await other()
    await watcher.publishAsync('will', '', { retain: true })
    const heard: string[] = []
    watcher.on('message', (topic) => heard.push(topic))
    await watcher.subscribeAsync(['will', 'after'])
    await connection.stop()
    const after = nextMessage(watcher)
    await watcher.publishAsync('after', '')
    await after
    expect(heard).toEqual(['after'])
  })

  it('leaves its last will when it is cut off', async () => {
    const relay = await createRelay(broker.port)
    const { sessions } = startConnection({
      config: { url: `mqtt://127.0.0.1:${relay.port}` },
      deferAcknowledgements: true,
    })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    const watcher = await other()
    await watcher.subscribeAsync('will')
    const will = nextMessage(watcher)
    relay.close()
    expect(await will).toBe('will of 1')
    await watcher.publishAsync('will', '', { retain: true })
  })

  it('connects again when the session cannot be set up, and tells why once', async () => {
    let tries = 0
    const { sessions, lines } = startConnection({
      config: { url: broker.url },
      onSession: async () => {
        if (++tries < 3) throw new Error('the subscription is refused')
      },
    })
    await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    const lost = lines.filter(({ msg }) => msg === 'Connection to the broker lost.')
    expect(lost.map(({ reason }) => reason)).toEqual(['the subscription is refused'])
    expect(sessions[0]?.number).toBe(3)
  })
})

describe('a connection that another client takes over', () => {
  // Mosquitto 2.0.11 closes the connection without a word; brokers that keep to MQTT 5 §4.13 give the reason.
  const connack = Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00])
  const sessionTakenOver = Buffer.from([0xe0, 0x02, 0x8e, 0x00])

  it('waits for minutes, says why, and is still quick to stop', async () => {
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.once('data', () => socket.end(Buffer.concat([connack, sessionTakenOver])))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { connection, lines } = startConnection({ config: { url: `mqtt://127.0.0.1:${port}` } })
    await vi.waitFor(() => expect(lines).toHaveLength(1), within)
    expect(lines[0]).toMatchObject({
      level: 50,
      msg: 'Another machine connects as a-gw1: this one waits 5 minutes. Give one of them an id of its own, or stop it.',
      reason: 'the broker ended it with reason 142',
    })
    expect(connections).toBe(1)
    await quick(connection)
    server.close()
  })
})

describe.skipIf(!has('mosquitto'))('a connection with a wrong password', () => {
  it('is tried again, told once, and stands when the broker has the right one', async () => {
    const wrong = await createMosquitto({ users: { 'a-gw1': 'the old one' } })
    const right = await createMosquitto({ users: { 'a-gw1': 'the new one' } })
    const relay = await createRelay(wrong.port)
    try {
      await Promise.all([wrong.start(), right.start()])
      const { sessions, lines, connection } = startConnection({
        config: { url: `mqtt://127.0.0.1:${relay.port}`, username: 'a-gw1', password: 'the new one' },
      })
      await vi.waitFor(() => expect(relay.connections()).toBeGreaterThan(1), within)
      expect(connection.connects()).toBe(0)
      expect(lines.filter(({ level }) => level >= 40)).toMatchObject([
        { msg: 'Connection to the broker lost.', reason: expect.stringMatching(/not authorized/i) },
      ])
      relay.target(right.port)
      await vi.waitFor(() => expect(sessions).toHaveLength(1), within)
    } finally {
      await stopConnections()
      relay.close()
      await Promise.all([wrong.stop(), right.stop()])
    }
  })
})

describe('stopping', () => {
  const options = (url: string) => ({
    config: { url },
    clientId: 'a-gw1',
    keepaliveSeconds: 20,
    will: () => ({ topic: 'will', payload: '' }),
    onMessage: () => undefined,
    onSession: async () => undefined,
    log: createMemoryLog().log,
  })

  it('is done at once for a connection that was never started', () =>
    quick(createConnection(options('mqtt://127.0.0.1:9'))))

  it('is quick between two attempts', async () => {
    const { connection, lines } = startConnection({ config: { url: `mqtt://127.0.0.1:${await freePort()}` } })
    await vi.waitFor(() => expect(lines).toHaveLength(1), within)
    expect(lines[0]).toMatchObject({ level: 40, reason: expect.stringContaining('ECONNREFUSED') })
    await quick(connection)
  })

  describe('with a broker that says nothing', () => {
    let silent: Server
    const sockets: Socket[] = []
    beforeAll(async () => {
      silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
      await once(silent, 'listening')
    })
    afterAll(() => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    })
    const url = (scheme: string) => `${scheme}://127.0.0.1:${(silent.address() as { port: number }).port}`

    it.each(['mqtt', 'mqtts'])('is quick while %s is being greeted', async (scheme) => {
      const before = sockets.length
      const { connection } = startConnection({ config: { url: url(scheme) } })
      await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(before), within)
      await quick(connection)
    })

    it.each(['mqtt', 'mqtts'])('is quick right after the start of %s', async (scheme) => {
      const connection = createConnection(options(url(scheme)))
      connection.start()
      await quick(connection)
    })
  })
})

function nextMessage(client: MqttClient): Promise<string> {
  return new Promise((resolve) => client.once('message', (_topic, payload) => resolve(payload.toString())))
}

/** Stops it; within the time that a stopping program has. */
async function quick(connection: { stop: () => Promise<void> }): Promise<void> {
  const before = performance.now()
  await connection.stop()
  expect(performance.now() - before).toBeLessThan(5_000)
}

/** Passes bytes on to a port that can be changed. */
async function createRelay(first: number) {
  let port = first
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    connections++
    const further = connect(port, '127.0.0.1')
    for (const end of [socket, further]) {
      sockets.add(end)
      end.on('error', () => undefined).on('close', () => [socket, further].map((each) => each.destroy()))
    }
    socket.pipe(further).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    connections: () => connections,
    target: (next: number) => {
      port = next
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
