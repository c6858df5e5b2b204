/** The section `store` of `collector.yaml`, and the store that it describes. */
import { join } from 'node:path'
import { z } from 'zod'
import { storeUrlSchema } from '../core/address.ts'
import type { Log } from '../core/log.ts'
import { createInfluxdbStore } from '../store/influxdb.ts'
import type { RemoteStore } from '../store/remote/remote-store.ts'
import { createSqliteStore, type SqliteStore } from '../store/sqlite.ts'
import { createVictoriametricsStore } from '../store/victoriametrics.ts'

const text = z.string().min(1)
const username = text.optional().describe('User name, where the server wants one.')
const password = z.string().optional().describe('Give password_file or ${ENV}.')
const retentionDays = z
  .int()
  .min(0)
  .max(36_600)
  .default(1096)
  .describe('Days that the server is to keep; older samples are left out. 0: for ever.')
const timeoutSeconds = z.int().min(1).max(300).default(30).describe('A server that takes longer is asked again.')

const sqliteSchema = z.strictObject({
  type: z.literal('sqlite').describe('Embedded store: one collector only.'),
  raw_days: z.int().min(1).max(3660).default(14).describe('Days that raw samples are kept.'),
  long_days: z
    .int()
    .min(1)
    .max(36_600)
    .default(1096)
    .describe('Days that roll-ups, test results and verdicts are kept.'),
})

const influxdbSchema = z
  .strictObject({
    type: z.literal('influxdb').describe('InfluxDB, written as line protocol and read by InfluxQL.'),
    url: storeUrlSchema.default('http://127.0.0.1:8086').describe('Its address.'),
    version: z
      .literal([1, 2, 3])
      .default(1)
      .describe('1.x, 2.x, or 3 Core, whose queries reach back three days: no verdicts.'),
    database: text.default('linkbell').describe('Database; with 2.x that of the DBRP mapping. 1.x: made if missing.'),
    retention_policy: text.optional().describe('1.x: retention policy; without it, the default one of the database.'),
    org: text.optional().describe('2.x: organisation; required there.'),
    bucket: text.optional().describe('2.x: bucket; without it, the name of the database.'),
    username,
    password,
    token: z.string().optional().describe('2.x and 3: give token_file or ${ENV}.'),
    retention_days: retentionDays,
    timeout_seconds: timeoutSeconds,
  })
  .refine(({ version, org }) => version !== 2 || org !== undefined, {
    path: ['org'],
    error: 'missing; InfluxDB 2.x needs it',
  })

const victoriametricsSchema = z
  .strictObject({
    type: z.literal('victoriametrics').describe('VictoriaMetrics; start it with -dedup.minScrapeInterval=1ms.'),
    url: storeUrlSchema.optional().describe('Address of a single node.'),
    cluster: z
      .strictObject({
        insert_url: storeUrlSchema.describe('vminsert with account, such as http://vminsert:8480/insert/0/influx.'),
        select_url: storeUrlSchema.describe('vmselect with account, such as http://vmselect:8481/select/0/prometheus.'),
        storage_urls: z
          .array(storeUrlSchema)
          .min(1)
          .describe('Every vmstorage, such as http://vmstorage-1:8482: their restarts are watched.'),
      })
      .optional()
      .describe('Addresses of a cluster, instead of url.'),
    username,
    password,
    settle_seconds: z
      .int()
      .min(1)
      .max(600)
      .default(30)
      .describe('Its answer is not durable: batches are acknowledged after this time without a restart.'),
    retention_days: retentionDays,
    timeout_seconds: timeoutSeconds,
  })
  .refine(({ url, cluster }) => (url === undefined) !== (cluster === undefined), {
    path: ['url'],
    error: 'give either url or cluster',
  })

export const storeSchema = z.discriminatedUnion('type', [sqliteSchema, influxdbSchema, victoriametricsSchema])
export type StoreConfig = z.output<typeof storeSchema>

export type OpenStoreDeps = { dataDir: string; log: Log; now: () => number }

/** Opens what the configuration names. An embedded store lies in the data folder. */
export function openStore(config: StoreConfig, deps: OpenStoreDeps): Promise<SqliteStore | RemoteStore> {
  const { dataDir, log, now } = deps
  switch (config.type) {
    case 'sqlite': {
      const { raw_days, long_days } = config
      return createSqliteStore({ directory: join(dataDir, 'store'), log, now, retention: { raw_days, long_days } })
    }
    case 'influxdb':
      return createInfluxdbStore({ config, log, now })
    case 'victoriametrics':
      return createVictoriametricsStore({ config, log, now })
  }
}
