import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Counters, createCounterReader, difference } from '../../agent/counters.ts'

const linux = process.platform === 'linux'
const names = ['rx_bytes', 'tx_bytes', 'rx_packets', 'tx_packets', 'rx_errors', 'tx_errors', 'rx_dropped', 'tx_dropped']
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'linkbell-counters-'))
})
afterEach(() => rm(root, { recursive: true }))

async function writeSysfs(device: string, values: Record<string, string>): Promise<void> {
  const folder = join(root, 'sys/class/net', device, 'statistics')
  await mkdir(folder, { recursive: true })
  for (const name of names) await writeFile(join(folder, name), `${values[name] ?? '0'}\n`)
}

async function writeProcfs(...lines: string[]): Promise<void> {
  await mkdir(join(root, 'proc/net'), { recursive: true })
  const head = ['Inter-|   Receive', ' face |bytes    packets errs drop fifo frame compressed multicast|bytes']
  await writeFile(join(root, 'proc/net/dev'), [...head, ...lines, ''].join('\n'))
}

const countersOf = (time: number, bytes: number): Counters => ({
  time,
  rxBytes: bytes,
  txBytes: bytes,
  rxPackets: bytes / 100,
  txPackets: bytes / 100,
})

describe.skipIf(!linux)('counters of the loopback interface', () => {
  it.each(['sysfs', 'procfs', 'polled'] as const)('grow by what was sent over it (%s)', async (source) => {
    const reader = createCounterReader('lo', { source })
    await reader.ready
    const before = reader.read()
    const [from, to] = [createSocket('udp4'), createSocket('udp4')]
    to.bind(0, '127.0.0.1')
    await once(to, 'listening')
    for (let i = 0; i < 20; i++) {
      from.send(Buffer.alloc(10_000), to.address().port, '127.0.0.1')
      await once(to, 'message')
    }
    from.close()
    to.close()
    // A polled reader shows what was when it last asked.
    let after = reader.read()
    while (after.time === before.time) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      after = reader.read()
    }
    reader.close()
    const traffic = difference(before, after)
    expect(reader.source).toBe(source)
    expect(traffic?.rxBytes).toBeGreaterThanOrEqual(20 * 10_000)
    expect(traffic?.txBytes).toBeGreaterThanOrEqual(20 * 10_000)
    expect(traffic?.seconds).toBeGreaterThan(0)
    if (source !== 'polled') expect(traffic?.rxPackets).toBeGreaterThanOrEqual(20)
  })

  it('say which interfaces there are when the wanted one is not among them', async () => {
    const message = /^interface eth9 not found; this host has: .*\blo\b/
    expect(() => createCounterReader('eth9')).toThrow(message)
    expect(() => createCounterReader('eth9', { source: 'procfs' })).toThrow(message)
    const polled = createCounterReader('eth9', { source: 'polled' })
    await polled.ready
    expect(() => polled.read()).toThrow(message)
    polled.close()
  })
})

describe('counter reader', () => {
  it('reads bytes, packets, errors and drops from sysfs, each time anew', async () => {
    await writeSysfs('wan0', { rx_bytes: '1000', tx_packets: '7', rx_errors: '3', tx_dropped: '4' })
    const reader = createCounterReader('wan0', { root, source: 'sysfs' })
    expect(reader.read()).toMatchObject({ rxBytes: 1000, txBytes: 0, rxPackets: 0, txPackets: 7 })
    expect(reader.readFaults()).toEqual({ rxErrors: 3, txErrors: 0, rxDropped: 0, txDropped: 4 })
    await writeSysfs('wan0', { rx_bytes: '18446744073709551615' })
    expect(reader.read().rxBytes).toBe(2 ** 64)
    reader.close()
    reader.close()
  })

  it('falls back to /proc/net/dev where there is no sysfs', async () => {
    await writeProcfs('    lo: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0', '  wan0:900 20 1 2 0 0 0 0 800 10 3 4 0 0 0 0')
    const reader = createCounterReader('wan0', { root, source: 'procfs' })
    expect(reader.read()).toMatchObject({ rxBytes: 900, rxPackets: 20, txBytes: 800, txPackets: 10 })
    expect(reader.readFaults()).toEqual({ rxErrors: 1, rxDropped: 2, txErrors: 3, txDropped: 4 })
    await writeProcfs('    lo: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0')
    expect(() => reader.read()).toThrow('Interface wan0 has disappeared.')
    reader.close()
  })

  it('does not take a name for its beginning', async () => {
    await writeProcfs('  wan01:900 20 1 2 0 0 0 0 800 10 3 4 0 0 0 0')
    expect(() => createCounterReader('wan0', { root, source: 'procfs' })).toThrow(/wan0 not found/)
  })
})

describe('difference', () => {
  it('is the traffic between two readings', () => {
    expect(difference(countersOf(1000, 500), countersOf(3000, 900))).toEqual({
      seconds: 2,
      rxBytes: 400,
      txBytes: 400,
      rxPackets: 4,
      txPackets: 4,
    })
  })

  it('is unknown when a counter went back', () => {
    expect(difference(countersOf(1000, 500), countersOf(2000, 400))).toBeUndefined()
  })
})
