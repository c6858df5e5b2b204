import type { Batch } from '../../../core/batch.ts'
import { noon } from './sqlite-store.ts'

export const rowsOfBatch = 10

/** Batch `n` of the writing child: ten samples that tell which batch they are of, spread over two days. */
export function killedBatch(n: number): Batch {
  const rows = Array.from({ length: rowsOfBatch }, (_, row) => n * rowsOfBatch + row)
  return {
    measurement: 'path',
    times: rows.map((row) => noon - 24 * 3_600_000 + row * 500),
    tags: {
      district: 'qc',
      town: 'east',
      category: 'town',
      site: `s-${n % 5}`,
      agent: `a-${n % 5}`,
      level: 'city',
      target: rows.map((row) => `t-${row % 3}`),
    },
    fields: { sent_count: rows.map(() => n), up: rows.map(() => 1) },
  }
}
