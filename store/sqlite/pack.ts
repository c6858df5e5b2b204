/** A batch as it goes to the writer: checked, its numbers in one block of memory that is copied or moved as a whole. */
import type { Batch, Column } from '../../core/batch.ts'
import type { MeasurementName } from '../../core/catalog.ts'
import { maxAheadMs, structureFault } from '../check-batch.ts'
import { dayMs, isExpired, kindOf, partitionAt, type Retention } from './partitions.ts'

/** `values`: `rows` times, then `rows` values of each field of `fields`; a missing value is NaN, which SQLite stores as null. */
export type PackedBatch = {
  measurement: MeasurementName
  rows: number
  tags: Record<string, Column<string>>
  fields: string[]
  values: Float64Array<ArrayBuffer>
}

/** The packed batch and how many of its rows were left out for their time; or why it can never be stored. */
export type Packing = { packed: PackedBatch; leftOut: number } | { reason: string }

export function packBatch(batch: Batch, retention: Retention, now: number): Packing {
  const reason = structureFault(batch)
  if (reason !== undefined) return { reason }
  const { measurement, times } = batch
  const kept = rowsInTime(batch, retention, now)
  if (kept?.length === 0) return { reason: timeFault(batch, retention, now) }
  const fields = Object.keys(batch.fields)
  const rows = kept?.length ?? times.length
  const values = new Float64Array(rows * (fields.length + 1))
  fill(values, 0, times, rows, kept)
  fields.forEach((field, i) => {
    fill(values, (i + 1) * rows, batch.fields[field] ?? [], rows, kept)
  })
  const tags =
    kept === undefined
      ? batch.tags
      : Object.fromEntries(
          Object.entries(batch.tags).map(([name, column]) => [
            name,
            Array.isArray(column) ? kept.map((row) => column[row] as string) : column,
          ]),
        )
  return { packed: { measurement, rows, tags, fields, values }, leftOut: times.length - rows }
}

function fill(values: Float64Array, start: number, column: readonly unknown[], rows: number, kept?: number[]): void {
  for (let i = 0; i < rows; i++) {
    const value = column[kept === undefined ? i : (kept[i] as number)]
    values[start + i] = typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN
  }
}

/** The rows whose time can be stored; undefined: all of them. */
function rowsInTime({ measurement, times }: Batch, retention: Retention, now: number): number[] | undefined {
  const kind = kindOf(measurement)
  const days = kind === 'raw' ? retention.raw_days : retention.long_days
  // Rows are kept as long as the file they are in, so that what is accepted does not depend on the hour of the clean-up.
  const roughly = now - days * dayMs
  const fits = (time: number) =>
    time >= 0 && time <= now + maxAheadMs && (time >= roughly || !isExpired(partitionAt(kind, time), retention, now))
  if (times.every(fits)) return undefined
  return times.map((_, row) => row).filter((row) => fits(times[row] as number))
}

function timeFault({ measurement, times }: Batch, retention: Retention, now: number): string {
  const kind = kindOf(measurement)
  const days = kind === 'raw' ? retention.raw_days : retention.long_days
  const time = new Date(times[0] as number)
  const text = Number.isNaN(time.getTime()) ? String(times[0]) : time.toISOString()
  return (times[0] as number) > now
    ? `its time ${text} is more than 24 hours ahead of the clock here; check the clock of the sender`
    : `its time ${text} is older than the ${days} days that ${measurement} is kept`
}
