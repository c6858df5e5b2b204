import { has } from '../../services/capabilities.ts'
import { describe } from 'vitest'
import { createInfluxdb } from '../../services/influxdb.ts'
import { testConformance } from '../conformance.ts'
import { openInfluxdb } from './influxdb-store.ts'

describe.skipIf(!has('influxd'))('with a real server', () => {
  testConformance('influxdb', async () => {
    const server = await createInfluxdb()
    await server.start()
    const { store } = await openInfluxdb(server.url)
    return {
      store,
      now: Date.now(),
      settle: async () => undefined,
      close: async () => {
        await store.close()
        await server.stop()
      },
    }
  })
})
