import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { bandwidthSchema } from '../../../agent/bandwidth/config.ts'
import { openSession } from '../../../agent/bandwidth/open.ts'
import { measureAgainst } from '../../../agent/bandwidth/trial.ts'
import { createExec } from '../../../agent/exec.ts'
import { testpointSchema } from '../../../testpoint/config.ts'
import { createTestpoint, type Testpoint } from '../../../testpoint/testpoint.ts'

const capacityBps = 10e6
let testpoint: Testpoint
afterEach(() => testpoint.stop())

/** Against a testpoint of 10 Mbit/s on loopback, taken for one elsewhere: only those are asked for leases. */
async function measure(targetBps: number) {
  const log = pino({ level: 'silent' })
  const config = testpointSchema.parse({ listen: { port: 0 }, capacity_bps: capacityBps })
  testpoint = createTestpoint({ config, version: '1', log })
  const { url } = await testpoint.start()
  const target = { direction: 'down' as const, target_bps: targetBps }
  const given = bandwidthSchema.parse({ testpoints: [{ id: 'tp', url }], targets: [target], interface: 'lo' })
  const context = { signal: AbortSignal.timeout(15_000), log, exec: createExec(), now: Date.now }
  const session = await openSession(given.testpoints[0] as (typeof given.testpoints)[number], context)
  try {
    return await measureAgainst({ ...session, self: false }, given, target, context)
  } finally {
    session.close()
  }
}

it('tests a target close to what the testpoint carries, with no more than that', async () => {
  const result = await measure(0.95 * capacityBps)
  expect(result).toMatchObject({ testpoint: 'tp', outcome: 'met' })
  expect(testpoint.totals().sentBytes).toBeGreaterThan(0)
})

it('spends no byte on a testpoint that carries less than the target, and says so', async () => {
  const result = await measure(1.01 * capacityBps)
  expect(result).toMatchObject({ testpoint: 'tp', outcome: 'inconclusive', cause: 'testpoint_limited' })
  expect(testpoint.totals().sentBytes).toBe(0)
})
