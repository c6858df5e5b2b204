import { describe } from 'vitest'
import { has } from '../../services/capabilities.ts'
import { createVictoriametrics } from '../../services/victoriametrics.ts'
import { testFaults } from '../remote.ts'
import { openVictoriametrics } from './victoriametrics-store.ts'

describe.skipIf(!has('victoria-metrics'))('with a real server', () => {
  testFaults('victoriametrics', {
    create: (disk) => createVictoriametrics(disk && { program: disk.program, dataFolder: disk.folder }),
    open: async (url, config = {}) => (await openVictoriametrics(url, config)).store,
    // It keeps what it accepted in memory for up to 12 s (reference: measured).
    settleSeconds: 15,
    fullDisk: { leaveBytes: 6e6, restart: false },
  })
})
