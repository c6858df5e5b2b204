import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openBudget } from '../../../agent/bandwidth/budget.ts'
import { burstLossOf, reorderedOf } from '../../../agent/probes/path/statistics.ts'
import { parseReflector, stream } from '../../../agent/probes/stream.ts'
import { encodeReflection, stampPort } from '../../../core/stamp.ts'
import { createReflector } from '../../../testpoint/reflector.ts'
import { contextOf } from './context.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const configOf = (ports: number[], more: object = {}) =>
  stream.config.parse({
    targets: ports.map((port, i) => ({ id: `target-${i}`, level: 'district', reflector: `127.0.0.1:${port}` })),
    turn_seconds: 60,
    burst_seconds: 1,
    timeout_seconds: 2,
    ...more,
  })

/** The testpoint's own. */
async function realReflector(): Promise<number> {
  const deps = { host: '127.0.0.1', port: 0, allowed: () => true, maxClientRate: 1000, maxRate: 1000, now: Date.now }
  const reflector = createReflector(deps)
  stops.push(reflector.stop)
  return reflector.start()
}

/** One that may do what it likes with each packet. */
async function reflectorThat(answer: (sequence: number, send: () => void) => void, sizes: number[] = []) {
  const socket: Socket = createSocket('udp4')
  socket.on('message', (request, { port, address }: RemoteInfo) => {
    sizes.push(request.length)
    const reflection = encodeReflection(request, Date.now(), Date.now()) as Buffer
    answer(request.readUInt32BE(0), () => socket.send(reflection, port, address))
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  stops.push(() => socket.close())
  return socket.address().port
}

describe('worst loss of packets in a row', () => {
  it.each([
    ['none lost', [1, 1, 1, 1, 1, 1], 3, 0],
    ['two together', [1, null, null, 1, 1, 1], 3, 2 / 3],
    ['two apart', [null, 1, 1, null, 1, 1], 3, 1 / 3],
    ['the last ones', [1, 1, 1, null, null, null], 3, 1],
    ['fewer than the window', [1, null], 3, 1 / 2],
    ['nothing sent', [], 3, null],
  ])('with %s', (_, times, window, worst) => {
    expect(burstLossOf(times, window)).toBe(worst)
  })

  it('is that of the worst window, looked at one by one', () => {
    const times = Array.from({ length: 300 }, (_, i) => (Math.sin(i * i) > 0.4 ? null : 1))
    const windows = times.slice(0, 291).map((_, i) => times.slice(i, i + 10).filter((time) => time === null).length)
    expect(burstLossOf(times, 10)).toBe(Math.max(...windows) / 10)
  })
})

describe('share of packets out of order', () => {
  it.each([
    [[0, 1, 2, 3], 0],
    [[0, 2, 1, 3], 1 / 4],
    // One that overtakes three makes three late ones (RFC 4737), one that falls back makes one.
    [[3, 0, 1, 2], 3 / 4],
    [[1, 2, 3, 0], 1 / 4],
    [[], null],
  ])('of %j is %d', (arrivals, share) => {
    expect(reorderedOf(arrivals)).toBe(share)
  })
})

describe('address of a reflector', () => {
  it.each([
    ['10.20.0.10', '10.20.0.10', stampPort],
    ['10.20.0.10:8422', '10.20.0.10', 8422],
    ['test.example', 'test.example', stampPort],
    ['[fd00::1]:8422', 'fd00::1', 8422],
    ['[fd00::1]', 'fd00::1', stampPort],
    ['fd00::1', 'fd00::1', stampPort],
  ])('%s', (text, host, port) => {
    expect(stream.config.shape.targets.element.shape.reflector.safeParse(text).success).toBe(true)
    expect(parseReflector(text)).toEqual({ host, port })
  })

  it.each(['', 'two words', 'http://test.example', 'test.example:port', '[fd00::1'])('is not %j', (text) => {
    expect(stream.config.shape.targets.element.shape.reflector.safeParse(text).success).toBe(false)
  })
})

describe('stream', () => {
  it('sends as often and as much as a call, and finds nothing wrong with a perfect path', async () => {
    const [sample] = await stream.run(configOf([await realReflector()]), contextOf().context)
    expect(sample).toMatchObject({
      measurement: 'path',
      tags: { level: 'district', target: 'target-0' },
      fields: { loss_ratio: 0, burst_loss_ratio: 0, reordered_ratio: 0, sent_count: 50, up: 1 },
    })
    const fields = sample?.fields as Record<string, number>
    // 64 bytes and 42 of headers, there and back.
    expect(fields['transferred_bytes']).toBe(50 * 2 * 106)
    expect(fields['rtt_p95_seconds']).toBeGreaterThan(0)
    expect(fields['rtt_p95_seconds']).toBeGreaterThanOrEqual(fields['rtt_min_seconds'] as number)
    expect(fields['jitter_seconds']).toBeGreaterThan(0)
  })

  it('pays with the bytes of its link, and sends nothing when the month has none left', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linkbell-stream-'))
    stops.push(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'bandwidth.json')
    const sizes: number[] = []
    const port = await reflectorThat((_, send) => send(), sizes)
    // One run of 10 packets is 2120 bytes.
    const given = { burst_seconds: 0.2, budget: { state_file: file, link: 'wan', monthly_bytes: 5000 } }
    const run = () => stream.run(configOf([port], given), contextOf().context)
    await run()
    await run()
    expect(openBudget({ file, link: 'wan', limitBytes: 5000, now: Date.now }).account().usedBytes).toBe(4240)
    await expect(run()).rejects.toThrow(/wan has used 4.24 kB of 5 kB .*limits\.bandwidth_bytes_per_month/)
    expect(sizes.length).toBe(20)
  })

  it('sends packets of the size it is told', async () => {
    const sizes: number[] = []
    const port = await reflectorThat((_, send) => send(), sizes)
    await stream.run(configOf([port], { packet_bytes: 100, burst_seconds: 0.2 }), contextOf().context)
    expect(sizes).toEqual(new Array(10).fill(100))
  })

  it('tells scattered loss from bunched loss', async () => {
    const scattered = await reflectorThat((sequence, send) => sequence % 10 !== 5 && send())
    const bunched = await reflectorThat((sequence, send) => (sequence < 20 || sequence >= 25) && send())
    const run = (port: number) => stream.run(configOf([port]), contextOf().context)
    const [[one], [other]] = await Promise.all([run(scattered), run(bunched)])
    expect(one?.fields).toMatchObject({ loss_ratio: expect.closeTo(0.1), burst_loss_ratio: 0.1 })
    expect(other?.fields).toMatchObject({ loss_ratio: expect.closeTo(0.1), burst_loss_ratio: 0.5 })
    expect(other?.fields).toMatchObject({ transferred_bytes: (50 + 45) * 106 })
  })

  it('counts packets that others have overtaken, and what comes twice once', async () => {
    let held: (() => void) | undefined
    const port = await reflectorThat((sequence, send) => {
      if (sequence === 10) {
        held = send
        return
      }
      send()
      if (sequence === 20) send()
      if (sequence === 12) held?.()
    })
    const [sample] = await stream.run(configOf([port]), contextOf().context)
    expect(sample?.fields).toMatchObject({ loss_ratio: 0, reordered_ratio: 1 / 50, sent_count: 50 })
  })

  it('asks the reflectors in turn, by the clock', async () => {
    const ports = [await realReflector(), await realReflector(), await realReflector()]
    const config = configOf(ports, { burst_seconds: 0.2 })
    const asked: (string | undefined)[] = []
    for (const minute of [0, 1, 2, 3]) {
      const [sample] = await stream.run(config, contextOf({ now: () => minute * 60_000 + 59_000 }).context)
      asked.push(sample?.measurement === 'path' ? sample.tags.target : undefined)
    }
    expect(asked).toEqual(['target-0', 'target-1', 'target-2', 'target-0'])
  })

  it('blames the reflector and not the path when nothing comes back', async () => {
    const port = await reflectorThat(() => {})
    const run = stream.run(configOf([port], { burst_seconds: 0.2, timeout_seconds: 0.2 }), contextOf().context)
    await expect(run).rejects.toThrow(`Nothing comes back from the reflector of target-0 (UDP 127.0.0.1 port ${port})`)
  })

  it('sends nothing outside the allowed ranges', async () => {
    const sizes: number[] = []
    const port = await reflectorThat((_, send) => send(), sizes)
    const config = configOf([port], { allowed_ranges: ['10.0.0.0/8'] })
    await expect(stream.run(config, contextOf().context)).rejects.toMatchObject({ code: 'range_refused' })
    expect(sizes).toEqual([])
  })

  it('says which name has no address', async () => {
    const targets = [{ id: 'city', level: 'city', reflector: 'nowhere.invalid' }]
    const config = stream.config.parse({ targets, turn_seconds: 60 })
    await expect(stream.run(config, contextOf().context)).rejects.toThrow('city, nowhere.invalid, has no address')
  })
})
