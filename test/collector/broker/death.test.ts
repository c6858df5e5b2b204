import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, expect, it, vi } from 'vitest'
import { type EmbeddedConfig, startBroker } from '../../../collector/broker/broker.ts'
import { brokerSchema } from '../../../collector/config.ts'
import { createMemoryLog } from '../../services/memory-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'linkbell-broker-'))
afterEach(() => rmSync(folder, { recursive: true }))

it('a broker that dies of a fault of its own is told of, and can still be stopped', async () => {
  const config = brokerSchema.parse({ type: 'embedded', port: 0, users_file: join(folder, 'users') }) as EmbeddedConfig
  const deaths: Error[] = []
  // Without a password to compare with, the first collector that greets brings it down.
  const input = { config, district: 'd1', collectorPassword: undefined as never }
  const broker = await startBroker(input, createMemoryLog().log, (error) => deaths.push(error))
  const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
    protocolVersion: 4,
    clientId: 'collector:c1',
    username: 'collector',
    password: 'x',
    reconnectPeriod: 0,
  })
  client.on('error', () => undefined)
  await vi.waitFor(() => expect(deaths).toHaveLength(1), { timeout: 10_000, interval: 20 })
  expect(deaths[0]).toMatchObject({ code: 'io', message: expect.stringMatching(/^The broker ended by itself: \S/) })
  await client.endAsync(true)
  await broker.stop()
  expect(deaths).toHaveLength(1)
})
