/** A real InfluxDB and a real VictoriaMetrics with a district in them, written as the stores write. */
import type { Batch } from '../../core/batch.ts'
import { linesOf } from '../../store/remote/lines.ts'
import { expectedField } from '../../store/victoriametrics/promql.ts'
import { createInfluxdb } from '../services/influxdb.ts'
import { createVictoriametrics } from '../services/victoriametrics.ts'

export type Server = { url: string; write: (batches: readonly Batch[]) => Promise<void>; stop: () => Promise<void> }
export const database = 'linkbell'

export async function startInflux(): Promise<Server> {
  const { url, start, stop, query, write } = await createInfluxdb()
  await start()
  await query(`CREATE DATABASE ${database}`)
  return {
    url,
    stop,
    write: async (batches) => {
      for (const batch of batches) check(await write(database, linesOf(batch, { retentionDays: undefined })))
    },
  }
}

export async function startVictoria(): Promise<Server> {
  // The data is from the past, and is asked for as soon as it is written.
  const flags = ['-retentionPeriod=100y', '-search.latencyOffset=0s', '-search.disableCache']
  const { url, start, stop, flush } = await createVictoriametrics({ flags })
  await start()
  return {
    url,
    stop,
    write: async (batches) => {
      for (const batch of batches) {
        const body = linesOf(batch, { retentionDays: undefined, expectedField })
        check((await fetch(`${url}/api/v2/write?precision=ms`, { method: 'POST', body })).status)
      }
      await flush()
    },
  }
}

function check(status: number): void {
  if (status !== 204) throw new Error(`the server answered ${status} to a write`)
}
