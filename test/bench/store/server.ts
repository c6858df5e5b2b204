/** The figures of a store in a server of its own. Its CPU is counted with that of this process. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createLog } from '../../../core/log.ts'
import { createInfluxdbStore } from '../../../store/influxdb.ts'
import type { Store } from '../../../store/store.ts'
import { createVictoriametricsStore } from '../../../store/victoriametrics.ts'
import { createInfluxdb } from '../../services/influxdb.ts'
import { createVictoriametrics } from '../../services/victoriametrics.ts'
import { cpuSecondsOf } from '../../services/process.ts'
import { districtBatches } from './district.ts'
import { day, hour, lastSeconds, longRangeSeconds, sites, timed, writeAll } from './measure.ts'

const log = createLog({ name: 'bench', level: 'error' })
const rows = 2000
const minutes = 33
/** USER_HZ of Linux. */

type Server = {
  store: Store
  settles: boolean
  /** Until what was written is found and lies on disk as it will stay. */
  settle: () => Promise<void>
  cpuSeconds: () => number
  bytes: () => number
  stop: () => Promise<void>
}

export async function benchServer(type: 'influxdb' | 'victoriametrics'): Promise<Record<string, number>> {
  const start = type === 'influxdb' ? startInfluxdb : startVictoriametrics
  const district = await withServer(start, ingest)
  return { ...district, ...(await withServer(start, longRange)) }
}

async function withServer<T>(start: () => Promise<Server>, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await start()
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

async function ingest({ store, settles, settle, cpuSeconds }: Server): Promise<Record<string, number>> {
  const now = Math.floor(Date.now() / hour) * hour
  const batches = districtBatches(sites, now - minutes * 60_000, minutes, rows)
  const points = batches.reduce((sum, { times }) => sum + times.length, 0)
  const [cpu, serverCpu] = [process.cpuUsage(), cpuSeconds()]
  const seconds = await timed(() => writeAll(store, batches, rows, settles))
  const used = process.cpuUsage(cpu)
  const client = (used.user + used.system) / 1e6
  const server = cpuSeconds() - serverCpu
  await settle()
  return {
    points_per_second: points / seconds,
    cpu_seconds_per_100k: ((client + server) / points) * 100_000,
    client_cpu_seconds_per_100k: (client / points) * 100_000,
    last_seconds: await lastSeconds(store, now),
  }
}

/** 30 days of two sites. */
async function longRange({ store, settles, settle, bytes }: Server): Promise<Record<string, number>> {
  const end = Math.floor(Date.now() / day) * day
  let points = 0
  for (let from = end - 30 * day; from < end; from += day) {
    const batches = districtBatches(2, from, 1440, rows)
    points += batches.reduce((sum, { times }) => sum + times.length, 0)
    await writeAll(store, batches, rows, settles)
  }
  await settle()
  return { bytes_per_point: bytes() / points, ...(await longRangeSeconds(store, end)) }
}

async function startInfluxdb(): Promise<Server> {
  const server = await createInfluxdb()
  await server.start()
  const config = { url: server.url, version: 1, database: 'linkbell', retention_days: 0, timeout_seconds: 60 } as const
  const store = await createInfluxdbStore({ config, log, now: Date.now })
  return {
    store,
    settles: false,
    settle: () => Promise.resolve(),
    cpuSeconds: () => cpuSecondsOf(server.pid()),
    bytes: () => bytesIn(join(server.folder, 'data')) + bytesIn(join(server.folder, 'wal')),
    stop: async () => {
      await store.close()
      await server.stop()
    },
  }
}

async function startVictoriametrics(): Promise<Server> {
  const server = await createVictoriametrics()
  await server.start()
  const config = { url: server.url, settle_seconds: 1, retention_days: 0, timeout_seconds: 60 }
  const store = await createVictoriametricsStore({ config, log, now: Date.now })
  return {
    store,
    settles: true,
    settle: server.flush,
    cpuSeconds: () => cpuSecondsOf(server.pid()),
    bytes: () => bytesIn(join(server.folder, 'data')),
    stop: async () => {
      await store.close()
      await server.stop()
    },
  }
}

function bytesIn(folder: string): number {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  return names
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).blocks * 512, 0)
}
