import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snmpSchema } from '../../../agent/snmp/credentials.ts'
import { createAsk } from '../../../commands/discover/ask.ts'
import { type Evidence, guessKind } from '../../../commands/discover/guess.ts'
import { createVendors } from '../../../commands/discover/vendors.ts'
import { has } from '../../services/capabilities.ts'
import { captures, type Snmpsim, startSnmpsim } from '../../services/snmpsim.ts'

const vendorOf = createVendors()

describe('guessKind', () => {
  it.each<[string, Omit<Evidence, 'ports'> & { ports?: number[] }, string | undefined, RegExp]>([
    ['a greeting of PJLink', { ports: [80, 4352], pjlink: 'open' }, 'projector', /PJLink/],
    ['an open port 4352 that greets otherwise', { ports: [4352], pjlink: 'other' }, undefined, /TCP 4352/],
    ['an open port 9100', { ports: [80, 9100], vendor: 'Epson' }, 'printer', /9100/],
    ['IPP of a maker of printers', { ports: [631], vendor: 'Brother' }, 'printer', /631/],
    ['IPP of a computer', { ports: [631, 22], vendor: 'Dell' }, 'pc', /Dell/],
    ['RTSP', { ports: [80, 554] }, 'camera', /554/],
    ['a maker of cameras', { ports: [], vendor: 'Hikvision' }, 'camera', /Hikvision/],
    ['a maker of panels', { ports: [8080], vendor: 'Seewo' }, 'panel', /Seewo/],
    ['remote desktop', { ports: [3389, 445] }, 'pc', /3389/],
    ['a web page alone', { ports: [80], vendor: 'H3C' }, undefined, /H3C; TCP 80.*fill in/],
    ['nothing', {}, undefined, /fill in/],
  ])('takes %s for what it is', (_, { ports = [], ...evidence }, kind, reason) => {
    const guess = guessKind({ ports, ...evidence })
    expect(guess.kind).toBe(kind)
    expect(guess.reason.en).toMatch(reason)
    expect(guess.reason.zh).toMatch(/[一-鿿]/)
  })
})

describe('vendors', () => {
  it.each([
    ['00:25:92:00:00:01', 'Seewo'],
    ['00:26:ab:12:34:56', 'Epson'],
    ['24:48:45:00:00:01', 'Hikvision'],
    ['02:26:ab:12:34:56', undefined],
  ])('of %s is %s', (mac, vendor) => {
    expect(vendorOf(mac)).toBe(vendor)
  })
})

describe.skipIf(!has('snmpsim') || !has('captures'))('devices by SNMP', () => {
  let simulator: Snmpsim
  beforeAll(async () => {
    simulator = await startSnmpsim(captures())
  }, 90_000)
  afterAll(() => simulator.stop())

  it.each([
    ['brother-hl5370dw-printer', 'printer', 'Brother'],
    ['epson-eb4770w-projector', 'projector', 'Epson'],
    ['huawei-s5720-switch', 'switch', 'Huawei'],
    ['huawei-ar169-gateway', undefined, 'Huawei'],
    ['ruijie-s6220-switch', 'switch', 'Ruijie'],
    ['tplink-sg2008-switch', 'switch', 'TP-Link'],
    ['unifi-nanohd-ap', 'ap', 'Ubiquiti UniFi'],
    ['windows-server-2019', 'server', 'Microsoft'],
    ['linux-host', 'server', undefined],
  ])('%s is taken for: %s', async (community, kind, vendor) => {
    const { school } = snmpSchema.parse({ school: { community, port: simulator.port } })
    const ask = createAsk(new Map([['school', school as NonNullable<typeof school>]]), AbortSignal.timeout(20_000))
    try {
      const snmp = await ask.snmp('127.0.0.1')
      expect(snmp).toMatchObject({ credentials: 'school', ...(vendor !== undefined && { vendor }) })
      expect(snmp?.vendor).toBe(vendor)
      expect(guessKind({ ports: [], vendor: snmp?.vendor, snmp }).kind).toBe(kind)
      expect(snmp?.description).not.toMatch(/[\r\n]/)
    } finally {
      ask.close()
    }
  })

  it('asks with the next credentials where the first get no answer', async () => {
    const rest = { port: simulator.port, timeout_seconds: 0.3, retries: 0 }
    const named = snmpSchema.parse({
      wrong: { community: 'nobody', ...rest },
      right: { community: 'linux-host', port: simulator.port },
    })
    const ask = createAsk(new Map(Object.entries(named)), AbortSignal.timeout(20_000))
    expect(await ask.snmp('127.0.0.1')).toMatchObject({ credentials: 'right' })
    ask.close()
  })
})
