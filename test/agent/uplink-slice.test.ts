import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { createClock } from '../../agent/clock.ts'
import { openSpool } from '../../agent/spool.ts'
import { createUplink } from '../../agent/uplink.ts'
import { topics } from '../../core/topics.ts'
import { createEmbedded, district } from '../collector/broker/embedded.ts'

it('passes a slice on, and also the empty message that takes it away', async () => {
  const embedded = await createEmbedded()
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-uplink-'))
  const { log } = embedded
  const clock = createClock({ wall: Date.now, monotonic: () => performance.now() }, log)
  const spool = openSpool({ directory: folder, agent: 'a-gw1', maxBytes: 1e9, boot: 'b1', log, now: clock.now })
  const received: string[] = []
  const uplink = createUplink({
    connection: {
      url: `mqtt://127.0.0.1:${embedded.broker.port}`,
      username: 'a-gw1',
      password: embedded.password('a-gw1'),
    },
    district,
    agent: 'a-gw1',
    boot: 'b1',
    version: '0.1.0',
    spool,
    clock,
    log,
    plan: () => ({}),
    onSlice: (payload) => received.push(payload.toString()),
  })
  const collector = await embedded.connect('collector')
  const topic = topics.config(district, 'a-gw1')
  await collector.publishAsync(topic, 'a slice', { qos: 1, retain: true })
  uplink.start()
  await vi.waitFor(() => expect(received).toEqual(['a slice']), { timeout: 10_000 })
  await collector.publishAsync(topic, '', { qos: 1, retain: true })
  await vi.waitFor(() => expect(received).toEqual(['a slice', '']), { timeout: 10_000 })
  await uplink.stop()
  spool.close()
  await embedded.stop()
  rmSync(folder, { recursive: true })
})
