/**
 * Which file holds which time. Retention deletes files, never rows:
 * - `raw-2026-11-23.sqlite`: one UTC day of the measurements kept `raw`
 * - `evidence-2026-11.sqlite`: one UTC month of the measurements kept as `evidence`
 * - `hourly-2026-11.sqlite`: one UTC month of the roll-ups of raw measurements
 */
import { readdirSync } from 'node:fs'
import { measurements, type MeasurementName } from '../../core/catalog.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

export type PartitionKind = 'raw' | 'evidence' | 'hourly'
/** Holds times in [from, to). `name` is the file's name without `.sqlite`. */
export type Partition = { name: string; kind: PartitionKind; from: number; to: number }

export type Retention = { raw_days: number; long_days: number }

/** The kind of file in which the samples of a measurement rest. */
export function kindOf(measurement: MeasurementName): 'raw' | 'evidence' {
  return measurements[measurement].keep
}

export function partitionAt(kind: PartitionKind, time: number): Partition {
  const date = new Date(time)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  if (kind === 'raw') {
    const from = Math.floor(time / dayMs) * dayMs
    return { name: `raw-${date.toISOString().slice(0, 10)}`, kind, from, to: from + dayMs }
  }
  const [from, to] = [Date.UTC(year, month), Date.UTC(year, month + 1)]
  return { name: `${kind}-${date.toISOString().slice(0, 7)}`, kind, from, to }
}

/** The partition that a file of this name is, or undefined when it is none. */
export function partitionNamed(file: string): Partition | undefined {
  const match = /^(?:(raw)-(\d{4}-\d\d-\d\d)|(evidence|hourly)-(\d{4}-\d\d))\.sqlite$/.exec(file)
  if (match === null) return undefined
  const time = Date.parse(match[2] ?? `${match[4]}-01`)
  return Number.isNaN(time) ? undefined : partitionAt((match[1] ?? match[3]) as PartitionKind, time)
}

/** The partitions on disk that overlap [from, to), in order of time. */
export function listPartitions(
  directory: string,
  kind?: PartitionKind,
  from = -Infinity,
  to: number = Infinity,
): Partition[] {
  return readdirSync(directory)
    .map(partitionNamed)
    .filter((partition) => partition !== undefined)
    .filter(
      (partition) => (kind === undefined || partition.kind === kind) && partition.to > from && partition.from < to,
    )
    .sort((a, b) => a.from - b.from)
}

/** Whether all of a partition is older than it is kept. */
export function isExpired({ kind, to }: Partition, retention: Retention, now: number): boolean {
  return to <= now - (kind === 'raw' ? retention.raw_days : retention.long_days) * dayMs
}
