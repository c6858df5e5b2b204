/** The reader: one thread for all queries, so that none of them blocks the main thread or the writer. */
import { workerData } from 'node:worker_threads'
import type { LastQuery, RangeQuery, RowsQuery } from '../query.ts'
import { readLast } from './last.ts'
import { readRange } from './range.ts'
import { createReaderFiles } from './reader-file.ts'
import { readRows } from './rows.ts'
import { serve } from './rpc.ts'

export type ReaderData = { directory: string }

const { directory } = workerData as ReaderData
const files = createReaderFiles(directory)

const methods = {
  last: (query: LastQuery) => readLast(directory, files, query),
  rows: (query: RowsQuery) => readRows(directory, files, query),
  range: (query: RangeQuery) => readRange(directory, files, query),
  /** Lets go of files that are about to be deleted or set aside. */
  release: (names: readonly string[]) => {
    for (const name of names) files.drop(name)
  },
  close: () => files.closeAll(),
}
export type ReaderMethods = typeof methods

serve(methods)
