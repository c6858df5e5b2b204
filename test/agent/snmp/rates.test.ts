import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { has } from '../../services/capabilities.ts'
import { type Snmpsim, startSnmpsim } from '../../services/snmpsim.ts'
import { probing } from './probing.ts'

describe.skipIf(!has('snmpsim'))('a switch whose counters run', () => {
  let simulator: Snmpsim
  beforeAll(async () => {
    const walk = readFileSync(join(import.meta.dirname, 'counting-switch.snmprec'), 'latin1')
    simulator = await startSnmpsim({ counting: walk })
  }, 60_000)
  afterAll(() => simulator.stop())

  it('gives the rates that it counts by, and what its vendor tells', async () => {
    const run = probing([{ id: 'sw', snmp: 'a' }], { a: { community: 'counting', port: simulator.port } })
    await run.poll()
    await sleep(2000)
    const polled = await run.poll()
    const ports = polled.ports('sw')
    // By its own clock, which is not read at the same moment as ours.
    expect((ports.get('Ten-GigabitEthernet1-0-1')?.rx_bps ?? 0) / 10e6).toBeCloseTo(1, 0)
    expect((ports.get('Ten-GigabitEthernet1-0-1')?.tx_bps ?? 0) / 1e6).toBeCloseTo(1, 0)
    expect(ports.get('Ten-GigabitEthernet1-0-2')).toEqual({ up: 0, rx_bps: 0, tx_bps: 0, interface_rate_bps: 10e9 })
    expect(polled.device('sw')).toMatchObject({
      snmp: 0,
      cpu_ratio: 0.23,
      memory_used_ratio: 0.4,
      temperature_celsius: 52,
      clients_count: 31,
      access_points_count: 3,
      access_points_up_count: 2,
    })
  })
})
