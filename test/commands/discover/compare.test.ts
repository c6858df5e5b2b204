import { describe, expect, it } from 'vitest'
import { compare, type Device, sheetRows } from '../../../commands/discover/compare.ts'
import { parseArp, parseNeighbours } from '../../../commands/discover/neighbours.ts'

const mac = (n: number) => `00:1a:2b:00:00:0${n}`
const seen = (address: string, more: Partial<Device> = {}): Device => ({
  address,
  ports: [],
  by: 'icmp',
  reason: { en: 'x', zh: '甲' },
  ...more,
})
const swept = new Set(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'])

describe('compare', () => {
  it('tells new, moved, replaced, missing and unchanged devices apart', () => {
    const known = [
      { id: 'same', address: '10.0.0.1', mac: mac(1) },
      { id: 'moved', address: '10.0.0.9', mac: mac(2) },
      { id: 'replaced', address: '10.0.0.3', mac: mac(3) },
      { id: 'elsewhere', address: '10.9.0.1' },
      { id: 'shelf' },
    ]
    const devices = [
      seen('10.0.0.1', { mac: mac(1) }),
      seen('10.0.0.2', { mac: mac(2) }),
      seen('10.0.0.3', { mac: mac(7) }),
      seen('10.0.0.4'),
    ]
    const found = compare(devices, known, swept)
    expect(found.same.map((one) => one.known.id)).toEqual(['same'])
    expect(found.moved).toMatchObject([{ known: { id: 'moved' }, from: '10.0.0.9', device: { address: '10.0.0.2' } }])
    expect(found.replaced).toMatchObject([{ known: { id: 'replaced' }, mac: mac(3) }])
    expect(found.added.map(({ address }) => address)).toEqual(['10.0.0.4'])
    expect(found.missing.map(({ id }) => id)).toEqual(['replaced'])
  })

  it('follows two devices that have changed places', () => {
    const known = [
      { id: 'a', address: '10.0.0.1', mac: mac(1) },
      { id: 'b', address: '10.0.0.2', mac: mac(2) },
    ]
    const found = compare([seen('10.0.0.1', { mac: mac(2) }), seen('10.0.0.2', { mac: mac(1) })], known, swept)
    expect(found.moved.map(({ known: { id }, from }) => [id, from])).toEqual([
      ['b', '10.0.0.2'],
      ['a', '10.0.0.1'],
    ])
    expect([found.added, found.missing]).toEqual([[], []])
  })
})

describe('sheetRows', () => {
  it('fills what people left empty, follows a MAC, and leaves what they wrote', () => {
    const known = [
      { id: 'a', kind: 'panel', address: '10.0.0.9', mac: mac(1), vendor: '希沃' },
      { id: 'b', address: '10.0.0.4' },
    ]
    const found = compare(
      [seen('10.0.0.1', { mac: mac(1), kind: 'pc', vendor: 'Seewo', name: 'PC-1' }), seen('10.0.0.2', { kind: 'ap' })],
      known,
      swept,
    )
    expect(sheetRows(known, found, 'east').map(({ values }) => values)).toEqual([
      { id: 'a', kind: 'panel', address: '10.0.0.1', mac: mac(1), vendor: '希沃', name: 'PC-1' },
      { id: 'b', address: '10.0.0.4' },
      { site: 'east', kind: 'ap', address: '10.0.0.2' },
    ])
  })
})

describe('the neighbours', () => {
  it('are read from ip neigh, and those that have just answered are told from those that did so before', () => {
    const output = `192.168.1.20 dev eth0 lladdr 00:1a:2b:3c:4d:5e REACHABLE
192.168.1.21 dev eth0 lladdr 00:1a:2b:3c:4d:5f STALE
192.168.1.22 dev eth0 FAILED
192.168.1.23 dev eth0 INCOMPLETE
192.168.1.24 dev eth0 lladdr 00:1a:2b:3c:4d:60 router DELAY
`
    expect(Object.fromEntries(parseNeighbours(output))).toEqual({
      '192.168.1.20': { mac: '00:1a:2b:3c:4d:5e', isFresh: true },
      '192.168.1.21': { mac: '00:1a:2b:3c:4d:5f', isFresh: false },
      '192.168.1.24': { mac: '00:1a:2b:3c:4d:60', isFresh: false },
    })
  })

  it('are read from /proc/net/arp where there is no ip', () => {
    const text = `IP address       HW type     Flags       HW address            Mask     Device
192.168.1.20     0x1         0x2         00:1A:2b:3c:4d:5e     *        eth0
192.168.1.21     0x1         0x0         00:00:00:00:00:00     *        eth0
`
    expect(Object.fromEntries(parseArp(text))).toEqual({ '192.168.1.20': { mac: '00:1a:2b:3c:4d:5e', isFresh: false } })
  })
})
