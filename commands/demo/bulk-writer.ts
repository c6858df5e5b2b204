/** Samples of many schools in large batches: some are under way to the store while the next are made. */
import type { Batch } from '../../core/batch.ts'
import { type Field, type MeasurementName, measurements, type Sample, tagsOf } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../collector/registry.ts'

const batchRows = 8_000
/** Enough for the store's writer to have its next commit at hand. */
const maxWaitingRows = 80_000

type Common = Place & { agent: string }

export type BulkWriter = {
  add: (common: Common, time: number, samples: readonly Sample[]) => void
  /** Resolves when there is room for more. */
  room: () => Promise<void>
  /** Writes what is left and waits until all of it is stored. */
  drain: () => Promise<void>
}

export function createBulkWriter(store: Store): BulkWriter {
  const open = new Map<MeasurementName, Columns>()
  const under = new Set<Promise<void>>()
  let waiting = 0

  function flush(columns: Columns): void {
    const sending = send(columns.take()).then(() => void under.delete(sending))
    // What fails stays there, for whoever waits for room or the end.
    sending.catch(() => undefined)
    under.add(sending)
  }

  async function send(batch: Batch): Promise<void> {
    waiting += batch.times.length
    await write(store, batch)
    waiting -= batch.times.length
  }

  return {
    add: (common, time, samples) => {
      const name = samples[0]?.measurement
      if (name === undefined) return
      const columns = open.get(name) ?? createColumns(name)
      open.set(name, columns)
      for (const sample of samples) columns.add(common, sample.time ?? time, sample)
      if (columns.rows() >= batchRows) flush(columns)
    },
    room: async () => {
      while (waiting > maxWaitingRows) await Promise.race(under)
    },
    drain: async () => {
      for (const columns of open.values()) if (columns.rows() > 0) flush(columns)
      await Promise.all(under)
    },
  }
}

async function write(store: Store, batch: Batch): Promise<void> {
  const { rejected, retry, durable } = await store.write([batch])
  await durable
  const reason = rejected.get(0) ?? (retry.length > 0 ? 'it cannot write now; is the disk full?' : undefined)
  if (reason !== undefined)
    throw new AppError('store_unavailable', `The store did not take ${batch.measurement}: ${reason}`)
}

type Columns = { add: (common: Common, time: number, sample: Sample) => void; rows: () => number; take: () => Batch }

function createColumns(measurement: MeasurementName): Columns {
  const tagNames = tagsOf(measurement)
  const fields = Object.entries<Field>(measurements[measurement].fields).map(([name, { decimals }]) => ({
    name,
    scale: 10 ** decimals,
  }))
  let times: number[] = []
  let tags = tagNames.map((): string[] => [])
  let values = fields.map((): (number | null)[] => [])
  return {
    add: (common, time, sample) => {
      times.push(time)
      const own = sample.tags as Record<string, string>
      tagNames.forEach((name, i) => tags[i]?.push(own[name] ?? (common as Record<string, string>)[name] ?? ''))
      const measured = sample.fields as Record<string, number | null | undefined>
      fields.forEach(({ name, scale }, i) => {
        const value = measured[name]
        values[i]?.push(value == null ? null : Math.round(value * scale) / scale)
      })
    },
    rows: () => times.length,
    take: () => {
      const known = fields.map(({ name }, i) => [name, values[i] as (number | null)[]] as const)
      const batch = {
        measurement,
        times,
        tags: Object.fromEntries(tagNames.map((name, i) => [name, tags[i] as string[]])),
        fields: Object.fromEntries(known.filter(([, column]) => column.some((value) => value !== null))),
      }
      times = []
      tags = tagNames.map(() => [])
      values = fields.map(() => [])
      return batch
    },
  }
}
