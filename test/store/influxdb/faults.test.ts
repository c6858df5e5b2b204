import { describe } from 'vitest'
import { has } from '../../services/capabilities.ts'
import { createInfluxdb } from '../../services/influxdb.ts'
import { testFaults } from '../remote.ts'
import { openInfluxdb } from './influxdb-store.ts'

describe.skipIf(!has('influxd'))('with a real server', () => {
  testFaults('influxdb', {
    create: async (disk) => {
      const where = disk && { program: disk.program, dataFolder: disk.folder }
      return { ...(await createInfluxdb(where)), flush: () => Promise.resolve() }
    },
    open: async (url, { timeout_seconds = 10 } = {}) => (await openInfluxdb(url, { timeout_seconds })).store,
    settleSeconds: 0,
    fullDisk: { leaveBytes: 0, restart: true },
  })
})
