import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultInterface, interfaceNotFound, listInterfaces, readInterface } from '../../agent/interfaces.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'linkbell-interfaces-'))
})
afterEach(() => rm(root, { recursive: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}
const state = (device: string, values: Record<string, string>) =>
  write(
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`sys/class/net/${device}/${name}`, `${value}\n`]),
    ),
  )

const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
const v6 = (device: string, metric: string, flags: string) =>
  `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ${metric} 00000001 00000000 ${flags} ${device}\n`

describe('list of interfaces', () => {
  it('names them all, and nothing else that lies beside them', async () => {
    await write({
      'sys/class/net/eth0/statistics/rx_bytes': '0',
      'sys/class/net/lo/statistics/rx_bytes': '0',
      'sys/class/net/bonding_masters': '',
    })
    expect(listInterfaces(root).sort()).toEqual(['eth0', 'lo'])
    expect(interfaceNotFound('eth9', root).message).toBe('interface eth9 not found; this host has: eth0, lo')
  })

  it('is said to be empty when it is', () => {
    expect(interfaceNotFound('eth9', root).message).toBe('interface eth9 not found; this host has: none')
  })
})

describe('state of an interface', () => {
  it('gives negotiated speed, duplex and that it is up', async () => {
    await state('eth0', { operstate: 'up', carrier: '1', speed: '1000', duplex: 'full' })
    expect(readInterface('eth0', root)).toEqual({ up: true, wireless: false, rateBps: 1e9, duplex: 'full' })
  })

  it('leaves out the speed of an interface without one', async () => {
    await state('eth0', { operstate: 'down', speed: '-1', duplex: 'unknown' })
    expect(readInterface('eth0', root)).toEqual({ up: false, wireless: false })
  })

  it.each([
    ['1', true],
    ['0', false],
  ])('takes the carrier (%s) of one whose state stays unknown, such as PPP', async (carrier, up) => {
    await state('ppp0', { operstate: 'unknown', carrier })
    expect(readInterface('ppp0', root).up).toBe(up)
  })

  it('knows a wireless one', async () => {
    await state('wlan0', { operstate: 'up', 'wireless/status': '0' })
    expect(readInterface('wlan0', root).wireless).toBe(true)
  })

  it('is down for one that does not exist', () => {
    expect(readInterface('eth9', root)).toEqual({ up: false, wireless: false })
  })
})

describe('default interface', () => {
  it('is that of the default route with the lowest metric', async () => {
    await write({
      'proc/net/route': `${head}eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\nwwan0\t00000000\t010200C0\t0003\t0\t0\t700\t00000000\t0\t0\t0\neth1\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`,
    })
    expect(await defaultInterface(root)).toBe('eth1')
  })

  it('does not take half of the address space for the default', async () => {
    await write({ 'proc/net/route': `${head}tun0\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n` })
    expect(await defaultInterface(root)).toBeUndefined()
  })

  it('comes from IPv6 when IPv4 has none, rejecting routes left out', async () => {
    await write({
      'proc/net/route': head,
      'proc/net/ipv6_route': v6('lo', 'ffffffff', '00200200') + v6('eth2', '00000400', '00000003'),
    })
    expect(await defaultInterface(root)).toBe('eth2')
  })

  it('is none without any route', async () => {
    await write({ 'proc/net/route': head, 'proc/net/ipv6_route': v6('lo', 'ffffffff', '00200200') })
    expect(await defaultInterface(root)).toBeUndefined()
  })
})
