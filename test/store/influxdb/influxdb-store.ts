/** A store over a real InfluxDB. */
import { createInfluxdbStore, type InfluxdbConfig } from '../../../store/influxdb.ts'
import { createMemoryLog } from '../../services/memory-log.ts'

const usual: Omit<InfluxdbConfig, 'url'> = {
  version: 1,
  database: 'linkbell',
  retention_days: 0,
  timeout_seconds: 10,
}

export async function openInfluxdb(url: string, config: Partial<InfluxdbConfig> = {}, now: () => number = Date.now) {
  const { log, lines, warnings } = createMemoryLog()
  const store = await createInfluxdbStore({ config: { ...usual, url, ...config }, log, now })
  return { store, lines, warnings }
}
