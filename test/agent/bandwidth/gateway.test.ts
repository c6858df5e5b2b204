import { afterEach, describe, expect, it, vi } from 'vitest'
import { judge, type Rule } from '../../../agent/bandwidth/sequential.ts'
import { byteCapOf, bandwidthSchema } from '../../../agent/bandwidth/config.ts'
import { createObserver, type Observation } from '../../../agent/bandwidth/observer.ts'
import { longestSeconds, openReader } from '../../../agent/bandwidth/reader.ts'
import { now, type Transfer } from '../../../agent/bandwidth/transfer.ts'
import { framingOf } from '../../../agent/bandwidth/wire.ts'
import type { CounterReader, Counters } from '../../../agent/counters.ts'
import { credentialsSchema } from '../../../agent/snmp/credentials.ts'
import { createGatewayReader } from '../../../agent/snmp/gateway.ts'
import { type Responder, startResponder } from '../../services/snmp-responder.ts'
import { contextOf } from '../probes/context.ts'
import { treeOf } from '../snmp/trees.ts'

const open: { close: () => unknown }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

const wan = 'GigabitEthernet0/0/8'
/** A gateway whose counters are what `count` says. */
async function gatewayOf(count: () => { rx: bigint; tx: bigint }): Promise<Responder> {
  const gateway = await startResponder({
    tree: () =>
      treeOf([
        { name: 'Vlanif1', rx: 7n, tx: 7n, type: 53 },
        { name: wan, ...count() },
      ]),
  })
  open.push(gateway)
  return gateway
}
const credentialsOf = (port: number) =>
  credentialsSchema.parse({ community: 'public', port, timeout_seconds: 0.3, retries: 0 })
function readerOf(port: number, name = wan): CounterReader {
  const reader = createGatewayReader({ address: '127.0.0.1', interface: name, credentials: credentialsOf(port) })
  open.push(reader)
  return reader
}

describe('counters of a gateway', () => {
  it('are those of the named interface, under its own name', async () => {
    const { port } = await gatewayOf(() => ({ rx: 2n ** 40n, tx: 12n }))
    const reader = readerOf(port, wan.toLowerCase())
    await reader.ready
    expect(reader.read()).toMatchObject({ rxBytes: 2 ** 40, txBytes: 12, rxPackets: NaN })
    expect(reader.readFaults()).toMatchObject({ rxErrors: 5 })
  })

  it('repeat their reading, with its time, until the gateway has refreshed them', async () => {
    let rx = 1000n
    const gateway = await gatewayOf(() => ({ rx, tx: 0n }))
    const reader = readerOf(gateway.port)
    await reader.ready
    const first = reader.read()
    const asked = gateway.requests()
    await vi.waitFor(() => expect(gateway.requests()).toBeGreaterThan(asked + 2), { timeout: 5000 })
    expect(reader.read()).toBe(first)
    rx = 5000n
    await vi.waitFor(() => expect(reader.read().rxBytes).toBe(5000), { timeout: 5000 })
    expect(reader.read().time).toBeGreaterThan(first.time)
  })

  it('of an interface that is not there are refused with those that are', async () => {
    const { port } = await gatewayOf(() => ({ rx: 1n, tx: 1n }))
    await expect(readerOf(port, 'WAN1').ready).rejects.toThrow(
      `Interface WAN1 not found on the gateway 127.0.0.1. There are: Vlanif1, ${wan}.`,
    )
  })

  it('are done without where the gateway is silent, but not where it has no such interface', async () => {
    const { port } = await gatewayOf(() => ({ rx: 1n, tx: 1n }))
    const from = async (name: string, at: number) => {
      const gateway = { address: '127.0.0.1', interface: name, credentials: credentialsOf(at) }
      const config = { ...configOf({}), gateway }
      return openReader(config, { device: 'lo', self: false }, contextOf().context)
    }
    expect(await from(wan, 9)).toBeUndefined()
    await expect(from('WAN1', port)).rejects.toThrow(/not found on the gateway/)
  })
})

const configOf = (more: object) =>
  bandwidthSchema.parse({
    targets: [{ direction: 'down', target_bps: 100e6 }],
    testpoints: [{ id: 't', url: 'http://10.0.0.1/' }],
    ...more,
  })

const rule: Rule = {
  thresholdBps: 95e6,
  confidence: 0.999,
  toleranceRatio: 0.005,
  maxSeconds: 50,
  rttSeconds: 0.01,
  timingSeconds: 0,
}

/** A download of `seconds` through a gateway that refreshes its counters every ten; all of the line, or a part of it. */
function watched(seconds: number, lineBps: number, ownShare: number) {
  // In the past: what is made up here never runs ahead of the real time.
  const begun = now() - 1000
  const framing = framingOf(undefined, '10.0.0.1')
  let counters: Counters = { time: begun * 1000, rxBytes: 0, txBytes: 0, rxPackets: NaN, txPackets: NaN }
  const marks = [{ seconds: begun, bytes: 0 }]
  const reader: CounterReader = {
    source: 'polled',
    refreshSeconds: 10,
    ready: Promise.resolve(),
    read: () => counters,
    readFaults: () => ({ rxErrors: 0, txErrors: 0, rxDropped: 0, txDropped: 0 }),
    close: () => {},
  }
  const transfer: Transfer = {
    marks: () => marks,
    usedBytes: () => 0,
    backlogRatio: () => 0,
    done: new Promise(() => {}),
    stop: () => {},
  }
  const common = { idleBps: 0, maxBytes: 1e9, streams: 1, session: { self: false }, roundTrips: [], isYielding: false }
  const observer = createObserver({ reader, framing, direction: 'down', transfer, ...common })
  observer.tick()
  for (let i = 1; i <= seconds * 10; i++) {
    const passed = (i / 10) * (lineBps / 8)
    marks.push({ seconds: begun + i / 10, bytes: (passed * ownShare) / framing.overhead })
    // The first refresh comes at four seconds.
    if (i % 100 === 40) counters = { ...counters, time: (begun + i / 10) * 1000, rxBytes: passed }
    observer.tick()
  }
  const observe: (lateSeconds: number) => Observation = observer.observe
  const { points, upperPoints = [], otherBps } = observe(0)
  return { lower: judge(points, rule), upper: judge(upperPoints, rule), otherBps }
}

describe('a test behind a gateway', () => {
  it('proves a line by what was received, long before the counters have moved', () => {
    expect(watched(3, 98e6, 1)).toMatchObject({ lower: { decision: 'met' }, upper: { decision: 'open' } })
  })

  it.each([10, 20, 33])('accuses nobody after %i s', (seconds) => {
    const { upper } = watched(seconds, 80e6, 1)
    expect(upper.decision).toBe('open')
    // But a rate there is.
    expect(upper.rateBps / 80e6).toBeCloseTo(1, 2)
  })

  it('accuses a line that was below its target for 30 s of both', () => {
    const { lower, upper } = watched(35, 80e6, 1)
    expect(lower.decision).toBe('below')
    expect(upper).toMatchObject({ decision: 'below' })
    expect(upper.rateBps / 80e6).toBeCloseTo(1, 3)
  })

  it('sees that others had the rest of a good line', () => {
    const { lower, upper, otherBps } = watched(35, 98e6, 0.7)
    expect(lower.decision).toBe('below')
    expect(upper.decision).toBe('met')
    expect((otherBps ?? 0) / 98e6).toBeCloseTo(0.3, 2)
  })

  it('may last for 30 s and the refreshes around them, and use the bytes of that', () => {
    const slow = { source: 'polled', refreshSeconds: 10 } as CounterReader
    expect(longestSeconds(10, slow)).toBe(50)
    expect(longestSeconds(10, { source: 'polled' } as CounterReader)).toBe(14)
    expect(longestSeconds(10, undefined)).toBe(10)
    const gateway = { address: '10.0.0.1', interface: wan, credentials: { community: 'public' } }
    expect(byteCapOf(configOf({ gateway }), 100e6)).toBe((100e6 / 8) * 50)
    expect(byteCapOf(configOf({}), 100e6)).toBe((100e6 / 8) * 6)
    expect(byteCapOf(configOf({}), 2e6)).toBe(4e6)
  })
})
