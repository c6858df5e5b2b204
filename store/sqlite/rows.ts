/** `rows`: lists of samples. Runs in the reader worker. */
import type { RowsQuery } from '../query.ts'
import { kindOf, listPartitions } from './partitions.ts'
import type { ReaderFiles } from './reader-file.ts'
import { packRows, sampleTable, type FoundSample, type PackedRows } from './sample-table.ts'

/** The newest `limit` samples, oldest first: files backwards until there are enough. */
export function readRows(directory: string, files: ReaderFiles, query: RowsQuery): PackedRows {
  const { measurement, from, to, limit } = query
  const found: FoundSample[] = []
  for (const partition of listPartitions(directory, kindOf(measurement), from, to).reverse()) {
    const left = limit - found.length
    if (left <= 0) break
    files.read(partition, (db) => {
      const table = sampleTable(db, query)
      const tail = `order by r.time desc limit ${left}`
      found.push(...table.read({ series: table.series, from, to, time: 'r.time', tail }))
    })
  }
  return packRows(query, found.reverse())
}
