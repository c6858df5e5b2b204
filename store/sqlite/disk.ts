/** Store files as files: moved away, deleted, counted. */
import { existsSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listPartitions } from './partitions.ts'

/** A damaged file that was moved away, and where it is now. */
export type SetAside = { name: string; path: string; reason: string }

/** The file itself first: once it is gone, its log and index mean nothing to anybody. */
const suffixes = ['', '-wal', '-shm']

export function setPartitionAside(directory: string, name: string, reason: string, now: number): SetAside {
  const path = join(directory, `${name}.sqlite`)
  const aside = `${path}.corrupt-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}`
  for (const suffix of suffixes) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  return { name, path: aside, reason }
}

export function deletePartition(directory: string, name: string): void {
  for (const suffix of suffixes) rmSync(join(directory, `${name}.sqlite${suffix}`), { force: true })
}

export type DiskFacts = { bytes: number; freeBytes: number; rawDays: number; oldestRaw: string; setAside: string[] }

export function diskFacts(directory: string): DiskFacts {
  const files = readdirSync(directory)
  const raw = listPartitions(directory, 'raw')
  const { bavail, bsize } = statfsSync(directory)
  return {
    bytes: files.reduce(
      (sum, file) => sum + (statSync(join(directory, file), { throwIfNoEntry: false })?.size ?? 0),
      0,
    ),
    freeBytes: bavail * bsize,
    rawDays: raw.length,
    oldestRaw: raw[0]?.name.slice('raw-'.length) ?? '',
    setAside: files.filter((file) => /\.corrupt-\w+$/.test(file)),
  }
}
