/** What the reader worker can be asked. */
import type { LastQuery, RowsQuery } from '../query.ts'
import { readLast } from './last.ts'
import { type RangeCall, readRange } from './range.ts'
import { createReaderFiles } from './reader-file.ts'
import { readRows } from './rows.ts'

export type ReaderData = { directory: string }
export type ReaderMethods = ReturnType<typeof createReaderMethods>

export function createReaderMethods({ directory }: ReaderData) {
  const files = createReaderFiles(directory)
  return {
    last: (query: LastQuery) => readLast(directory, files, query),
    rows: (query: RowsQuery) => readRows(directory, files, query),
    range: (call: RangeCall) => readRange(directory, files, call),
    /** Lets go of files that are about to be deleted or set aside. */
    release: (names: readonly string[]): void => {
      for (const name of names) files.drop(name)
    },
    close: (): void => files.closeAll(),
  }
}
