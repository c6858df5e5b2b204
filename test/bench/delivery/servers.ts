/** The store of a delivery run: embedded in the collector, or a real server that is killed like everything else. */
import { join } from 'node:path'
import { openStore, storeSchema } from '../../../collector/store-config.ts'
import { createLog } from '../../../core/log.ts'
import type { Store } from '../../../store/store.ts'
import { createInfluxdb } from '../../services/influxdb.ts'
import { createVictoriametrics } from '../../services/victoriametrics.ts'

export const storeTypes = ['sqlite', 'influxdb', 'victoriametrics'] as const
export type StoreType = (typeof storeTypes)[number]

export type StoreServer = {
  /** The section `store` of collector.yaml. */
  config: Record<string, unknown>
  /** Kills it with -9 and starts it again; undefined for the embedded store, which dies with its collector. */
  restart: (() => Promise<void>) | undefined
  open: () => Promise<Store>
  stop: () => Promise<void>
}

export async function createStoreServer(type: StoreType, folder: string): Promise<StoreServer> {
  const log = createLog({ name: 'bench', level: 'error' })
  const open = (config: Record<string, unknown>) =>
    openStore(storeSchema.parse(config), { dataDir: join(folder, 'collector-1'), log, now: Date.now })
  if (type === 'sqlite') {
    const config = { type }
    return { config, restart: undefined, open: () => open(config), stop: () => Promise.resolve() }
  }
  const server = type === 'influxdb' ? await createInfluxdb() : await createVictoriametrics()
  await server.start()
  const config = { type, url: server.url }
  return {
    config,
    restart: async () => {
      await server.kill()
      await server.start()
    },
    open: async () => {
      if ('flush' in server) await server.flush()
      return open(config)
    },
    stop: server.stop,
  }
}
