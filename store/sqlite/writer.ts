/** Batches → rows, one transaction per partition and flush. Runs in the writer worker. */
import { isAppError, messageOf } from '../../core/errors.ts'
import { guarded } from './faults.ts'
import type { FileCache } from './file-cache.ts'
import type { PackedBatch } from './pack.ts'
import type { PartitionFile } from './partition-file.ts'
import { kindOf, partitionAt, type Partition } from './partitions.ts'

/** What became of the batches of one flush, by index. */
export type Flushed = { rejected: [index: number, reason: string][]; retry: number[]; fault?: string }

export type Writer = { flush: (batches: readonly PackedBatch[]) => Flushed }

type Share = { index: number; batch: PackedBatch; rows: readonly number[] | undefined }

export type WriterDeps = {
  files: FileCache<PartitionFile>
  /** Sets a damaged partition aside, so that the next try finds a fresh file. */
  setAside: (name: string, reason: string) => void
  /** Told of each raw partition that got rows: it may have hours to roll up. */
  onRawRows: (name: string) => void
}

export function createWriter({ files, setAside, onRawRows }: WriterDeps): Writer {
  const store = (partition: Partition, shares: readonly Share[], result: Flushed) => {
    const file = files.get(partition.name)
    const rejected: [number, string][] = []
    file.transaction(() => {
      for (const share of shares) {
        const reason = insertShare(file, partition, share)
        if (reason !== undefined) rejected.push([share.index, reason])
      }
    })
    result.rejected.push(...rejected)
    if (partition.kind === 'raw') onRawRows(partition.name)
  }

  const storeOrSetAside = (partition: Partition, shares: readonly Share[], result: Flushed) => {
    try {
      guarded(partition.name, () => store(partition, shares, result))
    } catch (error) {
      files.drop(partition.name)
      if (!isAppError(error, 'store_corrupt')) throw error
      setAside(partition.name, error.message)
      store(partition, shares, result)
    }
  }

  return {
    flush: (batches) => {
      const result: Flushed = { rejected: [], retry: [] }
      const retry = new Set<number>()
      for (const { partition, shares } of byPartition(batches)) {
        try {
          storeOrSetAside(partition, shares, result)
        } catch (error) {
          files.drop(partition.name)
          for (const { index } of shares) retry.add(index)
          result.fault = `${partition.name}.sqlite cannot be written: ${messageOf(error)}`
        }
      }
      result.retry = [...retry]
      return result
    },
  }
}

/** Inserts the rows; or the reason why they can never be stored. */
function insertShare(file: PartitionFile, partition: Partition, { batch, rows }: Share): string | undefined {
  const { measurement, values, fields } = batch
  const { series, insert, columns } = file.measurement(measurement)
  let ids: number[]
  try {
    ids = series.resolve(batch)
  } catch (error) {
    if (!isAppError(error, 'batch_invalid')) throw error
    return error.message
  }
  const starts = columns.map((column) => (fields.indexOf(column) + 1) * batch.rows)
  const args = new Array<number | null>(columns.length + 3)
  const n = rows?.length ?? batch.rows
  for (let i = 0; i < n; i++) {
    const row = rows === undefined ? i : (rows[i] as number)
    const id = ids[row] as number
    const siteId = series.siteOf(id)
    const time = values[row] as number
    args[0] = siteId
    args[1] = time
    args[2] = id
    for (let c = 0; c < starts.length; c++)
      args[c + 3] = starts[c] === 0 ? null : (values[(starts[c] as number) + row] as number)
    const { changes } = insert.run(...args)
    if (partition.kind === 'raw' && changes !== 0) file.markDirty(measurement, siteId, time)
  }
  return undefined
}

function byPartition(batches: readonly PackedBatch[]): Iterable<{ partition: Partition; shares: Share[] }> {
  const groups = new Map<string, { partition: Partition; shares: Share[] }>()
  const groupAt = (batch: PackedBatch, time: number) => {
    const partition = partitionAt(kindOf(batch.measurement), time)
    const group = groups.get(partition.name) ?? { partition, shares: [] }
    groups.set(partition.name, group)
    return group
  }
  batches.forEach((batch, index) => {
    const times = batch.values.subarray(0, batch.rows)
    const { partition, shares } = groupAt(batch, times[0] as number)
    if (times.every((time) => time >= partition.from && time < partition.to)) {
      shares.push({ index, batch, rows: undefined })
      return
    }
    for (const [group, rows] of Map.groupBy(times.keys(), (row) => groupAt(batch, times[row] as number))) {
      group.shares.push({ index, batch, rows })
    }
  })
  return groups.values()
}
