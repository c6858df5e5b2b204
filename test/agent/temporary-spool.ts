/** A spool in a folder of its own, with a log and a clock that stands still. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSpool, type Spool, type SpoolOptions } from '../../agent/spool.ts'
import { type Batch, batchOf, decodeBatch } from '../../core/batch.ts'
import { createMemoryLog, type MemoryLog } from '../services/memory-log.ts'

export const noon = Date.parse('2026-11-23T12:00:00Z')

export type TemporarySpool = MemoryLog & {
  folder: string
  file: string
  spool: Spool
  /** As another start of the agent. */
  reopen: (options?: Partial<SpoolOptions>) => Spool
  remove: () => void
}

export function createSpool(options: Partial<SpoolOptions> = {}): TemporarySpool {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-spool-'))
  const memory = createMemoryLog()
  const all = { directory: folder, agent: 'a-gw1', maxBytes: 1e9, boot: 'boot-1', log: memory.log, now: () => noon }
  const test: TemporarySpool = {
    ...memory,
    folder,
    file: join(all.directory, 'spool.sqlite'),
    spool: openSpool({ ...all, ...options }),
    reopen: (changed) => {
      close(test.spool)
      test.spool = openSpool({ ...all, ...options, ...changed })
      return test.spool
    },
    remove: () => {
      close(test.spool)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return test
}

function close(spool: Spool): void {
  try {
    spool.close()
  } catch {
    // Closed by the test.
  }
}

/** A batch of one sample, told by its time. */
export function batchAt(time: number): Batch {
  return batchOf([{ measurement: 'wan', tags: { link: 'wan' }, fields: { rx_mean_bps: time % 1000, up: 1 } }], time)
}

/** Numbers and first times of what waits. */
export function waiting(spool: Spool): [seq: number, time: number][] {
  return spool
    .read(0, Number.MAX_SAFE_INTEGER, 1_000_000)
    .map(({ seq, payload }) => [seq, decodeBatch(payload).batch.times[0] as number])
}

export const timesOf = (spool: Spool): number[] => waiting(spool).map(([, time]) => time)

/** Some 4 KB that do not compress: a few hundred are more than SQLite keeps in memory. */
export function bulkyBatchAt(time: number): Batch {
  const noise = Array.from({ length: 600 }, (_, row) => Math.floor(Math.abs(Math.sin(time + row)) * 1e12))
  const times = noise.map((_, row) => time + row)
  return { measurement: 'wan', times, tags: { link: 'wan' }, fields: { rx_mean_bps: noise } }
}

/** What a dying disk does to a part of a file that is in use. */
export function damage(file: string, { from, to }: { from: number; to: number }): void {
  const db = new DatabaseSync(file)
  db.exec('pragma wal_checkpoint(truncate)')
  db.close()
  const { page, leaves } = layout(file)
  const fd = openSync(file, 'r+')
  for (const leaf of leaves.slice(Math.floor(leaves.length * from), Math.ceil(leaves.length * to)))
    writeSync(fd, Buffer.alloc(page, 0xa5), 0, page, leaf * page)
  closeSync(fd)
}

/** One batch is no longer what was written, and nothing else is wrong. */
export function spoilPayload(file: string, seq: number): void {
  const db = new DatabaseSync(file)
  db.prepare('update q set payload = zeroblob(bytes) where seq = ?').run(seq)
  db.close()
}

/** `leaves`: numbers, from 0, of the pages with rows (https://sqlite.org/fileformat.html). */
function layout(file: string): { page: number; leaves: number[] } {
  const bytes = readFileSync(file)
  const [page, pages] = [bytes.readUInt16BE(16), bytes.readUInt32BE(28)]
  const leaves = Array.from({ length: pages }, (_, at) => at).filter((at) => bytes[at * page] === 0x0d)
  return { page, leaves }
}
