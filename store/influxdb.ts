/**
 * The store in InfluxDB: 1.x and 2.x, written as line protocol and read by InfluxQL; 3 Core as well, but its queries reach
 * back some 72 hours only. A batch is durable when the server has answered: it writes its log first.
 */
import { AppError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { tooManyGroups } from './check-query.ts'
import { createAsk, readRows, readSeries } from './influxdb/answers.ts'
import { lastInfluxql, rangeInfluxql, rowsInfluxql, timeBetween } from './influxdb/influxql.ts'
import { createSetup } from './influxdb/setup.ts'
import type { RangeQuery } from './query.ts'
import { basicAuthorization, createHttp } from './remote/http.ts'
import { checkLines, linesOf } from './remote/lines.ts'
import { announce, createRemoteStore, type RemoteStore } from './remote/remote-store.ts'
import { checkMeasurement, roundTrip } from './remote/round-trip.ts'
import { createSender } from './remote/sender.ts'
import { createWriteQueue } from './remote/write-queue.ts'

export type InfluxdbConfig = {
  url: string
  version: 1 | 2 | 3
  database: string
  retention_policy?: string | undefined
  /** 2.x. */
  org?: string | undefined
  bucket?: string | undefined
  username?: string | undefined
  password?: string | undefined
  token?: string | undefined
  retention_days: number
  timeout_seconds: number
}
export type InfluxdbOptions = { config: InfluxdbConfig; log: Log; now: () => number }

/** Opens the store. The server may be away: then batches are to be given again until it is back. */
export async function createInfluxdbStore({ config, log: parent, now }: InfluxdbOptions): Promise<RemoteStore> {
  const { url, database, retention_policy: policy } = config
  const log = parent.child({ module: 'store' })
  const server = `InfluxDB at ${url}`
  const { token } = config
  const headers = token === undefined ? basicAuthorization(config) : { authorization: `Token ${token}` }
  const timeoutMs = config.timeout_seconds * 1000
  const http = createHttp({ server: 'InfluxDB', url, headers, timeoutMs })
  const sender = createSender({ url, path: writePath(config), headers, timeoutMs })
  const ask = createAsk(http, server, { db: database, ...(policy === undefined ? {} : { rp: policy }) })
  const setup = createSetup({ config, http, ask, server })
  const lines = { retentionDays: config.retention_days === 0 ? undefined : config.retention_days }
  const queue = createWriteQueue({
    server,
    check: (batch, time) => checkLines(batch, lines, time),
    linesOf: (batch) => linesOf(batch, lines),
    send: sender.send,
    prepare: setup.prepare,
    beginSettling: () => () => Promise.resolve(),
    log,
    now,
  })

  const range = async (query: RangeQuery) => {
    const { from, to, everySeconds, utcOffsetSeconds = 0, maxGroups, maxSeconds, by = [] } = query
    const window = {
      time: timeBetween({ from, to }),
      every: `${everySeconds}s, ${-utcOffsetSeconds}s`,
      ...(maxGroups === undefined ? {} : { maxGroups: maxGroups + 1 }),
    }
    const options = { timeoutMs: maxSeconds === undefined ? undefined : maxSeconds * 1000 }
    const series = await readSeries(ask(rangeInfluxql(query, window), options), by)
    if (maxGroups !== undefined && series.length > maxGroups) throw tooManyGroups(maxGroups)
    return series
  }

  const find = async (time: number) => {
    const text = `SELECT "value" FROM "${checkMeasurement}" WHERE time = ${time}ms`
    return (await readSeries(ask(text), [])).length > 0
  }

  const store = createRemoteStore(
    {
      // All fields are asked for: the newest sample may have none of those that are wanted.
      last: ({ fields, ...query }) => readRows(ask(lastInfluxql(query, timeBetween(query))), query.measurement, fields),
      rows: async ({ fields, ...query }) =>
        (await readRows(ask(rowsInfluxql(query, timeBetween(query))), query.measurement, fields)).reverse(),
      range,
      inspect: setup.inspect,
      roundTrip: () => roundTrip({ server, firstLookMs: 0, sender, find }, now()),
      facts: () => ({ server: url, database }),
      close: sender.close,
    },
    queue,
  )
  await announce(store, server, log)
  return store
}

/** The path of writes (reference: measured for 1.x, documented for the others). Times are in ms, always. */
function writePath({ version, database, retention_policy, org, bucket = database }: InfluxdbConfig): string {
  const parameters = (given: Record<string, string | undefined>) => {
    const known = Object.entries({ ...given, precision: 'ms' }).filter(([, value]) => value !== undefined)
    return new URLSearchParams(known as [string, string][]).toString()
  }
  switch (version) {
    case 1:
      return `/write?${parameters({ db: database, rp: retention_policy })}`
    case 2:
      if (org === undefined) throw new AppError('config_invalid', 'The store influxdb of version 2 needs its org.')
      return `/api/v2/write?${parameters({ org, bucket })}`
    case 3:
      return `/api/v2/write?${parameters({ bucket: database })}`
  }
}
