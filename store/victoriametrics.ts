/**
 * The store in VictoriaMetrics: written as line protocol, read by PromQL. Its answer is not yet durable: for some seconds
 * it has new samples in memory only (reference/store.md §7: 8 to 12 s). They count as durable after `settle_seconds` in
 * which no server that keeps them started anew.
 */
import type { Log } from '../core/log.ts'
import { basicAuthorization, createHttp } from './remote/http.ts'
import { checkLines, linesOf } from './remote/lines.ts'
import { announce, createRemoteStore, type RemoteStore } from './remote/remote-store.ts'
import { checkMeasurement, roundTrip } from './remote/round-trip.ts'
import { createSender } from './remote/sender.ts'
import { createSettler } from './remote/settled.ts'
import { createWriteQueue } from './remote/write-queue.ts'
import { createApi } from './victoriametrics/api.ts'
import { expectedField } from './victoriametrics/promql.ts'
import { readRange } from './victoriametrics/range.ts'
import { readLast, readRows } from './victoriametrics/rows.ts'
import { createSetup } from './victoriametrics/setup.ts'

export type VictoriametricsConfig = {
  /** A single node. */
  url?: string | undefined
  cluster?: { insert_url: string; select_url: string; storage_urls: readonly string[] } | undefined
  username?: string | undefined
  password?: string | undefined
  settle_seconds: number
  retention_days: number
  timeout_seconds: number
}
export type VictoriametricsOptions = { config: VictoriametricsConfig; log: Log; now: () => number }

/** New samples are seen after some two seconds; asked earlier, the server remembers for ten that there are none. */
const firstLookMs = 2_500

/** Opens the store. The server may be away: then batches are to be given again until it is back. */
export async function createVictoriametricsStore(options: VictoriametricsOptions): Promise<RemoteStore> {
  const { config, now } = options
  const log = options.log.child({ module: 'store' })
  const { insert, select, nodes } = addressesOf(config)
  const server = `VictoriaMetrics at ${config.url ?? insert}`
  const headers = basicAuthorization(config)
  const timeoutMs = config.timeout_seconds * 1000
  const httpOf = (url: string) => createHttp({ server: 'VictoriaMetrics', url, headers, timeoutMs })
  const api = createApi(httpOf(select), timeoutMs)
  const sender = createSender({ url: insert, path: '/api/v2/write?precision=ms', headers, timeoutMs })
  const retentionDays = config.retention_days === 0 ? undefined : config.retention_days
  const setup = createSetup({ nodes: nodes.map((url) => ({ url, http: httpOf(url) })), server, retentionDays })
  const settler = createSettler({ settleMs: config.settle_seconds * 1000, server, readStart: setup.readStart })
  const lines = { retentionDays, expectedField }
  const queue = createWriteQueue({
    server,
    check: (batch, time) => checkLines(batch, lines, time),
    linesOf: (batch) => linesOf(batch, lines),
    send: sender.send,
    prepare: settler.look,
    beginSettling: settler.begin,
    log,
    now,
  })
  const find = async (time: number) => {
    for await (const { times } of api.samples(`${checkMeasurement}_value`, time, time + 1))
      if (times.length > 0) return true
    return false
  }
  const store = createRemoteStore(
    {
      last: (query) => readLast(api, query),
      rows: (query) => readRows(api, query),
      range: (query) => readRange(api, query),
      inspect: setup.inspect,
      roundTrip: () => roundTrip({ server, firstLookMs, sender, find }, now()),
      facts: () => ({ server: config.url ?? insert, ...settler.facts() }),
      close: () => {
        settler.stop()
        sender.close()
      },
    },
    queue,
  )
  await announce(store, server, log)
  return store
}

/** `nodes`: where restarts and settings are to be seen. */
function addressesOf({ url, cluster }: VictoriametricsConfig): {
  insert: string
  select: string
  nodes: readonly string[]
} {
  if (cluster !== undefined) {
    return { insert: cluster.insert_url, select: cluster.select_url, nodes: cluster.storage_urls }
  }
  const single = url ?? 'http://127.0.0.1:8428'
  return { insert: single, select: single, nodes: [single] }
}
