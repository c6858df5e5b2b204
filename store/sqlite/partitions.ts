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

const weekMs = 7 * dayMs

/**
 * The end of the newest day of samples that follows another within a week, or undefined. A day that stands alone, far
 * from all others, may be from a clock that was wrong for an hour.
 */
function provenUntil(raw: readonly Partition[]): number | undefined {
  return raw.findLast(({ from }, index) => index > 0 && from - (raw[index - 1] as Partition).to <= weekMs)?.to
}

/**
 * The time by which retention counts, or undefined when the clock is so far ahead of what is stored that it must not
 * be believed: a machine whose clock battery is dead may start years ahead.
 */
export function retentionTime(raw: readonly Partition[], now: number): number | undefined {
  const latest = (provenUntil(raw) ?? -Infinity) + dayMs
  return now - latest > dayMs ? undefined : Math.min(now, latest)
}

/** Whether all of a partition is older than it is kept. */
export function isExpired({ kind, to }: Partition, retention: Retention, now: number): boolean {
  return to <= now - (kind === 'raw' ? retention.raw_days : retention.long_days) * dayMs
}
