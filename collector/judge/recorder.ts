/** Writes verdicts to the store as `compliance` samples, those that are due. */
import { measurements } from '../../core/catalog.ts'
import type { Log } from '../../core/log.ts'
import type { Store } from '../../store/store.ts'
import {
  batchesOf,
  type ComplianceRow,
  dueRows,
  type Judged,
  noteWritten,
  type Written,
  writtenOf,
} from './compliance.ts'

export type Recorder = {
  /** Whether anything was due. Throws when the store cannot be asked or what it took may be lost: nothing is noted then. */
  record: (judged: readonly Judged[], time: number) => Promise<boolean>
  /** Corrections of what was written before; the same holds. */
  correct: (rows: readonly ComplianceRow[], time: number) => Promise<boolean>
}

export function createRecorder(store: Store, log: Log): Recorder {
  let written: Promise<Written> | undefined

  /** Read once, and by all who ask meanwhile; a failure is told, and it is read again for the next. */
  function readWritten(time: number): Promise<Written> {
    const from = time - 2 * measurements.compliance.intervalSeconds * 1000
    written ??= store.last({ measurement: 'compliance', from, to: time + 1 }).then(writtenOf, (error: unknown) => {
      written = undefined
      throw error
    })
    return written
  }

  async function write(rows: readonly ComplianceRow[], seen: Written): Promise<boolean> {
    const parts = batchesOf(rows)
    if (parts.length === 0) return false
    const { rejected, retry, durable } = await store.write(parts.map(({ batch }) => batch))
    await durable
    for (const reason of rejected.values()) log.error({ reason }, 'The store refused verdicts; they are lost.')
    // What is to be given again stays unnoted, and is due in the next round.
    parts.forEach(({ rows: own }, index) => retry.includes(index) || noteWritten(own, seen))
    return true
  }

  return {
    record: async (judged, time) => {
      const seen = await readWritten(time)
      return write(dueRows(judged, seen, time), seen)
    },
    correct: async (rows, time) => write(rows, await readWritten(time)),
  }
}
