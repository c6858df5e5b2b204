import { afterEach, describe, expect, it } from 'vitest'
import { type PortReading, portSamples, tagOf } from '../../../agent/snmp/ports.ts'
import { idPattern } from '../../../core/batch.ts'
import { type Responder, startResponder } from '../../services/snmp-responder.ts'
import { probing } from './probing.ts'
import { type TreePort, treeOf } from './trees.ts'

const open: Responder[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

type Options = Parameters<typeof treeOf>[1]
/** A device whose ports are what `ports` says at the moment, polled twice; the fields of its first port at the second. */
async function polledTwice(first: [TreePort[], Options?], second: [TreePort[], Options?], version = '2c') {
  let now = first
  const responder = await startResponder({ tree: () => treeOf(...now) })
  open.push(responder)
  const run = probing([{ id: 'd', snmp: 'a' }], { a: { version, community: 'public', port: responder.port } })
  const before = (await run.poll()).ports('d')
  now = second
  return { before, after: (await run.poll()).ports('d') }
}

const gb = 1_000_000_000n

describe('counters of ports', () => {
  it('give no rate at the first poll, and one at the second', async () => {
    const { before, after } = await polledTwice(
      [[{ name: 'Gi0/1', rx: 8n * gb, tx: 3n * gb }]],
      [[{ name: 'Gi0/1', rx: 8n * gb + 50n, tx: 3n * gb }], { ticks: 100_100 }],
    )
    expect(before.get('Gi0-1')).toEqual({ up: 1, interface_rate_bps: 1e9 })
    expect(after.get('Gi0-1')).toMatchObject({ up: 1, tx_bps: 0, rx_errors_count: 0 })
    expect(after.get('Gi0-1')?.rx_bps).toBeGreaterThan(0)
  })

  it.each<[string, TreePort, TreePort, Options?]>([
    ['went back', { name: 'a', rx: 500n, tx: 9n }, { name: 'a', rx: 499n, tx: 10n }],
    ['wrapped at 64 bits', { name: 'a', rx: 2n ** 64n - 10n, tx: 0 }, { name: 'a', rx: 10n, tx: 1 }],
    ['were reset while the device ran on', { name: 'a', rx: 1, tx: 1 }, { name: 'a', rx: 9, tx: 9, reset: 77 }],
    [
      'are those of a device that was started again',
      { name: 'a', rx: 1, tx: 1 },
      { name: 'a', rx: 2, tx: 2 },
      { ticks: 99 },
    ],
    ['jumped beyond what the port can do', { name: 'a', rx: 1n, tx: 1n }, { name: 'a', rx: 2n ** 50n, tx: 2n }],
  ])('that %s give no figure of growth at all', async (_, before, after, options) => {
    const polled = await polledTwice([[before]], [[after], options])
    expect(polled.after.get('a')).toEqual({ up: 1, interface_rate_bps: 1e9 })
  })

  it('of 32 bits stand in where there are none of 64', async () => {
    const port = (rx: number): TreePort[] => [{ name: 'eth0', rx, tx: 0 }]
    const { after } = await polledTwice(
      [port(1000), { narrow: true, mbps: 100 }],
      [port(1400), { narrow: true, mbps: 100 }],
    )
    expect(after.get('eth0')).toMatchObject({ tx_bps: 0, interface_rate_bps: 100e6 })
    expect(after.get('eth0')?.rx_bps).toBeGreaterThan(0)
  })

  it('are read by version 1, too, which knows no 64 bits and refuses a request for one absent value', async () => {
    const port = (rx: number): TreePort[] => [{ name: 'eth0', rx, tx: 0 }]
    const { after } = await polledTwice([port(1000), { narrow: true }], [port(1400), { narrow: true }], '1')
    expect(after.get('eth0')).toMatchObject({ up: 1, tx_bps: 0 })
  })

  it('follow their port by its name when a restart gives it another index', async () => {
    const { after } = await polledTwice(
      [
        [
          { name: 'x', rx: 100, tx: 0 },
          { name: 'y', rx: 900, tx: 0 },
        ],
      ],
      [
        [
          { name: 'y', rx: 10, tx: 0, up: false },
          { name: 'x', rx: 20, tx: 0 },
        ],
        { ticks: 5 },
      ],
    )
    expect(after.get('x')?.up).toBe(1)
    expect(after.get('y')).toEqual({ up: 0, interface_rate_bps: 1e9 })
  })
})

describe('counters of 32 bits', () => {
  const reading = (time: number, rx: bigint, rateBps: number): PortReading => ({
    time,
    up: true,
    rateBps,
    octets: { rx, tx: 0n, bits: 32 },
  })
  const after300s = (rateBps: number) =>
    portSamples('d', new Map([['p', reading(0, 0n, rateBps)]]), new Map([['p', reading(300_000, 3_000_000n, rateBps)]]))

  it('give a rate only where the port is too slow to have turned them over between two polls', () => {
    expect(after300s(100e6)[0]?.fields).toMatchObject({ rx_bps: 80_000 })
    expect(after300s(1e9)[0]?.fields).toEqual({ up: 1, interface_rate_bps: 1e9 })
  })
})

describe('name of a port', () => {
  it.each([
    ['GigabitEthernet0/0/1', 'GigabitEthernet0-0-1'],
    ['port 1: Gigabit Copper', 'port-1-Gigabit-Copper'],
    ['Mg 0', 'Mg-0'],
    ['WAN 口', 'WAN'],
    ['口', 'if7'],
    ['', 'if7'],
    ['---', 'if7'],
  ])('%j is the id %s', (name, tag) => {
    expect(tagOf(name, '7')).toBe(tag)
  })

  it('is an id, however long', () => {
    expect(tagOf('Ethernet'.repeat(40), '1')).toMatch(idPattern)
  })

  it('is one for each port, also where two have the same', async () => {
    const { before } = await polledTwice(
      [
        [
          { name: 'a b', rx: 0, tx: 0 },
          { name: 'a-b', rx: 0, tx: 0 },
        ],
      ],
      [[]],
    )
    expect([...before.keys()]).toEqual(['a-b', 'a-b-2'])
  })
})
