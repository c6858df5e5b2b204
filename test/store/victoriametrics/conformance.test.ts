import { describe } from 'vitest'
import { has } from '../../services/capabilities.ts'
import { createVictoriametrics } from '../../services/victoriametrics.ts'
import { testConformance } from '../conformance.ts'
import { openVictoriametrics } from './victoriametrics-store.ts'

describe.skipIf(!has('victoria-metrics'))('with a real server', () => {
  testConformance('victoriametrics', async () => {
    const server = await createVictoriametrics()
    await server.start()
    const { store } = await openVictoriametrics(server.url)
    return {
      store,
      now: Date.now(),
      settle: server.flush,
      close: async () => {
        await store.close()
        await server.stop()
      },
    }
  })
})
