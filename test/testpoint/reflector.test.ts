import { createSocket, type Socket } from 'node:dgram'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { echo, lossOf } from '../../agent/stamp.ts'
import { isAppError } from '../../core/errors.ts'
import { decodeReflection, encodeReflection, encodeSender, stampBytes } from '../../core/stamp.ts'
import { createAddressFilter } from '../../testpoint/config.ts'
import { createReflector, type Reflector } from '../../testpoint/reflector.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

type Given = {
  ranges?: string[]
  maxClientRate?: number
  maxRate?: number
  maxClients?: number
  port?: number
  now?: () => number
}
async function start(given: Given = {}): Promise<number> {
  const {
    ranges = ['127.0.0.0/8'],
    maxClientRate = 1000,
    maxRate = 10_000,
    maxClients,
    port = 0,
    now = Date.now,
  } = given
  const reflector: Reflector = createReflector({
    host: '127.0.0.1',
    port,
    allowed: createAddressFilter(ranges),
    maxClientRate,
    maxRate,
    ...(maxClients !== undefined && { maxClients }),
    now,
  })
  const bound = await reflector.start()
  open.push(() => reflector.stop())
  return bound
}

async function socket(address = '127.0.0.1'): Promise<Socket> {
  const made = createSocket('udp4').bind(0, address)
  open.push(() => made.close())
  await once(made, 'listening')
  return made
}

/** Waits for what must come, and a while longer for what must not. */
async function settled(answers: () => unknown, expected: unknown): Promise<void> {
  await vi.waitFor(() => expect(answers()).toEqual(expected), { timeout: 10_000, interval: 10 })
  await sleep(150)
  expect(answers()).toEqual(expected)
}

/** Sends one packet; its answer, or undefined when none comes. */
async function ask(port: number, packet: Buffer): Promise<Buffer | undefined> {
  const from = await socket()
  from.send(packet, port, '127.0.0.1')
  const answer = once(from, 'message').then(([message]) => message as Buffer)
  return Promise.race([answer, sleep(150).then(() => undefined)])
}

describe('STAMP packets (RFC 8762)', () => {
  it('carry sequence number and times as NTP timestamps', () => {
    const time = Date.UTC(2026, 10, 23, 6, 0, 0) + 500
    const packet = encodeSender(7, time)
    expect(packet).toHaveLength(44)
    expect(packet.readUInt32BE(0)).toBe(7)
    expect(packet.readUInt32BE(4)).toBe(time / 1000 - 0.5 + 2_208_988_800)
    expect(packet.readUInt32BE(8)).toBe(2 ** 31)
    const reflection = decodeReflection(encodeReflection(packet, time + 10, time + 11) as Buffer)
    expect(reflection?.sequence).toBe(7)
    expect(reflection?.sentBySender).toBeCloseTo(time, 2)
    expect(reflection?.receivedByReflector).toBeCloseTo(time + 10, 2)
    expect(reflection?.sentByReflector).toBeCloseTo(time + 11, 2)
  })

  it('claim no better clock than one of milliseconds, and none that is synchronised', () => {
    const packet = encodeSender(1, 0)
    for (const estimate of [packet, encodeReflection(packet, 0, 0) as Buffer].map((each) => each.readUInt16BE(12))) {
      // Bits of RFC 4656 §4.1.2: S, Z, six of scale, eight of multiplier.
      expect(estimate >> 14).toBe(0)
      const seconds = ((estimate & 0xff) * 2 ** ((estimate >> 8) & 0x3f)) / 2 ** 32
      expect(seconds).toBeGreaterThanOrEqual(0.001)
      expect(seconds).toBeLessThan(0.003)
    }
  })

  it('are reflected at their own length, padding and session id included', () => {
    const packet = Buffer.concat([encodeSender(1, 0), Buffer.from('padding')])
    packet.writeUInt16BE(0xbeef, 14)
    const answer = encodeReflection(packet, 0, 0) as Buffer
    expect(answer).toHaveLength(packet.length)
    expect(answer.readUInt16BE(14)).toBe(0xbeef)
    expect(answer.subarray(stampBytes).toString()).toBe('padding')
  })

  it('are none when too short', () => {
    expect(encodeReflection(encodeSender(1, 0).subarray(0, 43), 0, 0)).toBeUndefined()
    expect(decodeReflection(Buffer.alloc(43))).toBeUndefined()
  })
})

describe('a reflection', () => {
  it('is never reflected, nor is anything else with bytes where a sender has none', () => {
    expect(encodeReflection(encodeReflection(encodeSender(0, 0), 0, 0) as Buffer, 0, 0)).toBeUndefined()
    for (let at = 16; at < stampBytes; at++) {
      const packet = encodeSender(1, Date.now(), 100)
      packet.writeUInt8(1, at)
      expect(encodeReflection(packet, 0, 0)).toBeUndefined()
    }
  })
})

describe('the reflector', () => {
  it('sends back what a sender sends', async () => {
    const port = await start()
    const { signal } = new AbortController()
    const echoes = await echo({ address: '127.0.0.1', port, count: 20, gapMs: 2, waitMs: 10_000, signal })
    expect(echoes.rtts).toHaveLength(20)
    expect(lossOf(echoes)).toBe(0)
    expect(echoes.rtts.every((rtt) => rtt !== null && rtt > 0)).toBe(true)
  })

  it('answers nothing to what is no test packet, or from elsewhere', async () => {
    expect(await ask(await start(), Buffer.alloc(20))).toBeUndefined()
    expect(await ask(await start({ ranges: ['10.0.0.0/8'] }), encodeSender(1, 0))).toBeUndefined()
  })

  it('does not play ping-pong with what sends everything back', async () => {
    const port = await start()
    const mirror = await socket()
    let answers = 0
    mirror.on('message', (answer, from) => {
      answers += 1
      mirror.send(answer, from.port, from.address)
    })
    mirror.send(encodeSender(1, 0), port, '127.0.0.1')
    await settled(() => answers, 1)
  })

  it('survives a packet from port 0, which nobody can be answered at', async () => {
    // Only a raw socket could send one: it is handed to the reflector's socket as the system would.
    const made: Socket[] = []
    const note = (message: unknown) => made.push((message as { socket: Socket }).socket)
    subscribe('udp.socket', note)
    const port = await start()
    unsubscribe('udp.socket', note)
    const from = { address: '127.0.0.1', family: 'IPv4', port: 0, size: stampBytes }
    expect(made).toHaveLength(1)
    expect(() => made[0]?.emit('message', encodeSender(1, 0), from)).not.toThrow()
    expect(await ask(port, encodeSender(2, 0))).toBeDefined()
  })

  it('knows new addresses no longer when there are too many, and those it knows still have their limit', async () => {
    const port = await start({ maxClients: 1, now: () => 0 })
    const known = await socket('127.0.0.2')
    let answers = 0
    known.on('message', () => (answers += 1))
    let others = 0
    const other = await socket('127.0.0.3')
    other.on('message', () => (others += 1))
    for (const from of [known, other, known, other]) from.send(encodeSender(1, 0), port, '127.0.0.1')
    await settled(() => [answers, others], [2, 0])
  })

  it('sends no more in all than its limit, whoever asks', async () => {
    const port = await start({ maxRate: 10, maxClientRate: 8, now: () => 0 })
    let answers = 0
    const senders = await Promise.all(['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((address) => socket(address)))
    for (const sender of senders) sender.on('message', () => (answers += 1))
    for (let i = 0; i < 8; i++) for (const sender of senders) sender.send(encodeSender(i, 0), port, '127.0.0.1')
    await settled(() => answers, 10)
  })

  it('stops at a rate that no measurement has', async () => {
    const port = await start({ maxClientRate: 5, now: () => 0 })
    const { signal } = new AbortController()
    const echoes = await echo({ address: '127.0.0.1', port, count: 50, gapMs: 1, waitMs: 1000, signal })
    expect(lossOf(echoes)).toBe(0.9)
  })

  it('says when its port is taken', async () => {
    const port = await start()
    await expect(start({ port })).rejects.toSatisfy((error) => isAppError(error, 'port_in_use'))
  })
})

describe('loss', () => {
  it('is unknown when nothing was sent', () => {
    expect(lossOf({ rtts: [], arrivals: [] })).toBeNull()
    expect(lossOf({ rtts: [0.1, null, 0.1, 0.1], arrivals: [0, 2, 3] })).toBe(0.25)
  })
})
