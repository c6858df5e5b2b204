/** What a school made is stored, once, whatever happens on the way. Faults by kill -9 are the business of the benchmark. */
import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import mqtt from 'mqtt'
import { generate } from 'mqtt-packet'
import { describe, expect, it, vi } from 'vitest'
import { topics } from '../../core/topics.ts'
import { district } from '../collector/district.ts'
import { embeddedBroker, mosquitto } from './brokers.ts'
import { useBroker } from './centre-and-school.ts'
import type { School } from './parts.ts'

const within = { timeout: 15_000, interval: 50 }

for (const kind of [embeddedBroker, mosquitto]) {
  describe.skipIf(!kind.available)(`over ${kind.name}`, () => {
    const { broker, centre, school } = useBroker(kind)
    const drained = (...of: School[]) =>
      vi.waitFor(() => expect(of.map(({ spool }) => spool.stats().batches)).toEqual(of.map(() => 0)), within)

    it('everything made before and after the connection is stored, and leaves the spool', async () => {
      const at = await centre()
      const from = await school()
      const made = Array.from({ length: 60 }, (_, i) => ({ time: from.make(i), value: i, site: 's1' }))
      await vi.waitFor(() => expect(from.uplink.stats().connected).toBe(true), within)
      for (let i = 60; i < 100; i++) made.push({ time: from.make(i), value: i, site: 's1' })
      await drained(from)
      expect(await at.stored()).toEqual(made)
      expect([...from.warnings(), ...at.warnings()]).toEqual([])
    })

    it('what waited while there was no collector is stored when one comes, without waiting for a resend', async () => {
      const from = await school()
      await vi.waitFor(() => expect(from.uplink.stats().connected).toBe(true), within)
      const made = [from.make(1), from.make(2)]
      const at = await centre()
      await drained(from)
      expect((await at.stored()).map(({ time }) => time)).toEqual(made)
    })

    it('what a collector did not acknowledge before it ended goes to the next at once', async () => {
      const first = await centre({ passes: () => false })
      const from = await school()
      const made = [from.make(1), from.make(2), from.make(3)]
      await vi.waitFor(async () => expect(await first.stored()).toHaveLength(3), within)
      expect(from.spool.stats().batches).toBe(3)
      await first.stop()
      const at = await centre({ folder: first.folder })
      await drained(from)
      expect((await at.stored()).map(({ time }) => time)).toEqual(made)
    })

    it('poison is refused with its reason, and what comes after it is stored', async () => {
      const at = await centre()
      const from = await school()
      await vi.waitFor(() => expect(from.clock.offsetSeconds()).toBeDefined(), within)
      const name = { v: 1, agent: 'a-gw1', stream: from.spool.stream, seq: 9, n: 1, t0: Date.now(), t: 0 }
      const body = { measurement: 'wan', tags: { link: 'wan' }, fields: { up: 1 } }
      const bad = [
        Buffer.from('not JSON'),
        gzipSync(Buffer.alloc(100e6)),
        gzipSync(JSON.stringify({ ...name, ...body, agent: 'b-gw1' })),
        gzipSync(JSON.stringify({ ...name, ...body, measurement: 'weather' })),
      ]
      await from.uplink.stop()
      const { url, ...credentials } = broker().connection('a-gw1')
      const client = await mqtt.connectAsync(url, {
        protocolVersion: 4,
        clientId: 'a-gw1',
        ...(credentials as { username: string; password: string }),
      })
      const acks: { refused: [number, string][] }[] = []
      client.on('message', (_topic, payload) => acks.push(JSON.parse(payload.toString())))
      await client.subscribeAsync(topics.ack(district, 'a-gw1'))
      for (const payload of bad) await client.publishAsync(topics.batch(district, 'a-gw1', 'wan'), payload, { qos: 1 })
      await vi.waitFor(() => expect(acks).toHaveLength(2), within)
      await client.endAsync()
      expect(acks.flatMap(({ refused }) => refused)).toEqual([
        [9, 'the payload claims to be of agent b-gw1'],
        [9, 'measurement "weather" is unknown'],
      ])
      expect(at.holding.deadLetters(10)).toHaveLength(4)

      const again = await school({ folder: from.folder })
      const made = again.make(5)
      await vi.waitFor(async () => expect((await at.stored()).map(({ time }) => time)).toEqual([made]), within)
    })

    it('10 MB by a raw socket reach nobody and stop nobody', async () => {
      const at = await centre()
      const { url, username, password } = broker().connection('b-gw1')
      const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
      const closed = new Promise<void>((resolve) => socket.on('error', () => undefined).once('close', () => resolve()))
      await once(socket, 'connect')
      const hello = {
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId: 'b-gw1',
        clean: true,
        keepalive: 60,
      }
      socket.write(generate({ ...hello, username, password: Buffer.from(password ?? '') } as never))
      await once(socket, 'data')
      const topic = topics.batch(district, 'b-gw1', 'wan')
      socket.write(generate({ cmd: 'publish', topic, payload: Buffer.alloc(10e6), qos: 1, messageId: 1 } as never))
      const from = await school()
      from.make(1)
      await drained(from)
      socket.destroy()
      await closed
      expect(at.holding.deadLetters(10)).toEqual([])
      expect(at.fleet.state('b-gw1').lastBatchAt).toBeUndefined()
    })

    it('an agent that is not registered is kept, shown, and stored once it is', async () => {
      const at = await centre()
      const from = await school({ agent: 'new-gw1' })
      const made = [from.make(1), from.make(2)]
      await drained(from)
      expect(at.holding.quarantined()).toMatchObject([{ agent: 'new-gw1', batches: 2 }])
      expect(await at.stored('new-gw1')).toEqual([])
      expect(at.fleet.state('new-gw1')).toMatchObject({ presence: 'online', registered: false })
      at.register({ agents: [{ id: 'new-gw1', site: 's2' }] })
      await vi.waitFor(async () => expect((await at.stored('new-gw1')).map(({ time }) => time)).toEqual(made), within)
      expect((await at.stored('new-gw1'))[0]?.site).toBe('s2')
      expect(at.holding.quarantined()).toEqual([])
      await vi.waitFor(() => expect(at.fleet.state('new-gw1').status?.revision).toBeDefined(), within)
    })

    it('a school that moves has each sample at the place of its own time', async () => {
      const at = await centre()
      const from = await school()
      const before = from.make(1)
      const change = before + 1
      at.register({
        agents: [
          { id: 'a-gw1', site: 's1' },
          { id: 'a-gw1', site: 's2', valid_from: new Date(change).toISOString() },
        ],
      })
      const after = from.make(2)
      await drained(from)
      expect(await at.stored()).toEqual([
        { time: before, value: 1, site: 's1' },
        { time: after, value: 2, site: 's2' },
      ])
    })

    it('half of the acknowledgements lost cost resends, and nothing is there twice', async () => {
      let answered = 0
      // Half of them, and no period that the groups could fall in step with.
      const pattern = '1001011001101001'
      const at = await centre({ passes: () => pattern[answered++ % pattern.length] === '1' })
      const made: number[] = []
      let from = await school()
      for (let i = 0; i < 40; i++) made.push(from.make(i))
      // A new connection sends what was not acknowledged: no test waits a minute for the timer.
      for (let rounds = 0; rounds < 20; rounds++) {
        const before = answered
        await vi.waitFor(() => expect(answered > before || from.spool.stats().batches === 0).toBe(true), within)
        await sleep(100)
        if (from.spool.stats().batches === 0) break
        await from.stop()
        from = await school({ folder: from.folder })
      }
      expect(from.spool.stats().batches).toBe(0)
      expect((await at.stored()).map(({ time }) => time)).toEqual(made)
      expect(answered).toBeGreaterThan(1)
    })
  })
}
