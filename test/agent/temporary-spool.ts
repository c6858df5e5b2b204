/** A spool in a folder of its own, with a log and a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
