import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadProfiles, profileOf } from '../../../agent/snmp/profile.ts'
import { has } from '../../services/capabilities.ts'
import { captures, type Snmpsim, startSnmpsim } from '../../services/snmpsim.ts'
import { probing } from './probing.ts'

/** What each captured device must say: figures that were looked up in the walk itself. */
const devices: Record<string, { vendor: string; device: object; ports: Record<string, object> }> = {
  'huawei-s5720-switch': {
    vendor: 'Huawei',
    device: {
      uptime_seconds: 281_568.05,
      ports_count: 53,
      ports_up_count: 5,
      cpu_ratio: 0.44,
      memory_used_ratio: 0.09,
      temperature_celsius: 42,
    },
    ports: {
      'GigabitEthernet0-0-14': { up: 1, interface_rate_bps: 1e9 },
      'GigabitEthernet0-0-1': { up: 0, interface_rate_bps: 1e9 },
      'XGigabitEthernet0-0-1': { up: 1, interface_rate_bps: 10e9 },
    },
  },
  'huawei-ac6605-wireless-controller': {
    vendor: 'Huawei',
    device: {
      uptime_seconds: 610_901.01,
      ports_count: 28,
      ports_up_count: 3,
      cpu_ratio: 0.07,
      memory_used_ratio: 0.36,
      temperature_celsius: 40,
      clients_count: 7,
      access_points_count: 1,
      access_points_up_count: 1,
    },
    ports: { 'GigabitEthernet0-0-1': { up: 1 } },
  },
  'huawei-ar169-gateway': {
    vendor: 'Huawei',
    device: {
      uptime_seconds: 8_924_645.91,
      ports_count: 7,
      ports_up_count: 2,
      cpu_ratio: 0.24,
      memory_used_ratio: 0.58,
      temperature_celsius: 44,
    },
    // Dialer, Cellular, VLANs and sub-interfaces are none.
    ports: { 'GigabitEthernet0-0-4': { up: 1, interface_rate_bps: 1e9 }, 'GigabitEthernet0-0-0': { up: 0 } },
  },
  'ruijie-s6220-switch': {
    vendor: 'Ruijie',
    device: { uptime_seconds: 37_052_254.62, ports_count: 53, ports_up_count: 33 },
    ports: { 'Te0-3': { up: 1, interface_rate_bps: 10e9 }, 'Fo0-68': { up: 0 }, 'Mg-0': { up: 1 } },
  },
  'tplink-sg2008-switch': {
    vendor: 'TP-Link',
    device: { ports_count: 8, ports_up_count: 7 },
    ports: { 'port-5-Gigabit-Copper': { up: 0 }, 'port-7-Gigabit-Copper': { up: 1, interface_rate_bps: 100e6 } },
  },
  'epson-eb4770w-projector': {
    vendor: 'Epson',
    device: { uptime_seconds: 33_973_907.69, ports_count: 1, ports_up_count: 1, lamp_seconds: 79 * 3600 },
    ports: { eth0: { up: 1, interface_rate_bps: 100e6 } },
  },
  'brother-hl5370dw-printer': {
    vendor: 'Brother',
    // The toner does not say how much is left, the drum does.
    device: { ports_count: 2, ports_up_count: 1, supply_left_ratio: 17_208 / 25_000, fault: 0, fault_part: 0 },
    ports: { 'NC-6800h': { up: 1, interface_rate_bps: 100e6 } },
  },
  'windows-server-2019': {
    vendor: 'Microsoft',
    device: {
      uptime_seconds: 1_277_166.1,
      cpu_ratio: 0.02,
      memory_used_ratio: 59_527 / 262_127,
      storage_used_ratio: 7_900_201 / 26_056_703,
      ports_count: 1,
      ports_up_count: 1,
    },
    ports: { ethernet_32770: { up: 1, interface_rate_bps: 10e9 } },
  },
  'linux-host': { vendor: 'net-snmp', device: { cpu_ratio: 0.02 }, ports: {} },
  'unifi-nanohd-ap': {
    vendor: 'Ubiquiti UniFi',
    device: {
      uptime_seconds: 545_079.21,
      ports_count: 1,
      ports_up_count: 1,
      cpu_ratio: 0.0275,
      memory_used_ratio: 1 - 31_048 / 124_372,
      clients_count: 18,
    },
    ports: { eth0: { up: 1 } },
  },
}

describe.skipIf(!has('snmpsim') || !has('captures'))('captured devices', () => {
  const walks = has('captures') ? captures() : {}
  let simulator: Snmpsim
  let polled: Awaited<ReturnType<ReturnType<typeof probing>['poll']>>
  let again: typeof polled

  beforeAll(async () => {
    simulator = await startSnmpsim(walks)
    const names = Object.keys(walks)
    const run = probing(
      names.map((name) => ({ id: name, snmp: name })),
      Object.fromEntries(names.map((name) => [name, { community: name, port: simulator.port, timeout_seconds: 20 }])),
    )
    polled = await run.poll()
    again = await run.poll()
  }, 120_000)
  afterAll(() => simulator.stop())

  it('are all expected to say something', () => {
    expect(Object.keys(walks).sort()).toEqual(Object.keys(devices).sort())
  })

  it.each(Object.entries(devices))('%s gives its figures', (name, { device, ports }) => {
    expect(polled.device(name)).toEqual({ snmp: 0, ...device, ...withUptime(name, polled.device(name)) })
    const found = polled.ports(name)
    expect(found.size).toBe((device as { ports_count?: number }).ports_count ?? 0)
    for (const [port, fields] of Object.entries(ports)) expect(found.get(port), port).toMatchObject(fields)
  })

  it.each(Object.keys(devices))('%s gives the same at the second poll, and rates', (name) => {
    expect(again.device(name)).toEqual(polled.device(name))
    // A recording stands still; 32 bits at 10 Gbit/s may have turned over any number of times between two polls of an
    // ordinary interval, but not within these seconds.
    for (const [port, fields] of again.ports(name)) expect(fields, port).toMatchObject({ rx_bps: 0, tx_bps: 0 })
  })

  it.each(Object.entries(devices))('%s is told by its vendor', (name, { vendor }) => {
    const line = (oid: string) =>
      new RegExp(`^1\\.3\\.6\\.1\\.2\\.1\\.1\\.${oid}\\.0\\|(4x?|6)\\|(.*)$`, 'm').exec(walks[name] ?? '')
    const [, tag, text = ''] = line('1') ?? []
    const description = tag === '4x' ? Buffer.from(text, 'hex').toString('latin1') : text
    expect(profileOf(loadProfiles(), line('2')?.[2] ?? '', description)?.vendor).toBe(vendor)
  })
})

/** Of the printer the time since its start is not looked up. */
function withUptime(name: string, fields: object = {}) {
  return name.startsWith('brother') ? { uptime_seconds: (fields as { uptime_seconds?: number }).uptime_seconds } : {}
}
