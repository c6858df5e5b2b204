/** Bytes of a terminal record on the wire, beside the same records as plain JSON rows. */
import { gzipSync } from 'node:zlib'
import { batchOf, encodeBatch } from '../../core/batch.ts'
import { randomOf } from '../../commands/demo/random.ts'
import { terminalSamples } from './samples.ts'

const terminals = 60
const sweeps = 200

export async function run(): Promise<Record<string, unknown>> {
  const next = randomOf(1)
  const totals = { sent: 0, rows: 0, gzipRows: 0 }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const time = 1_790_000_000_000 + sweep * 60_000
    const batch = batchOf(terminalSamples(terminals, next), time)
    totals.sent += encodeBatch(
      { agent: 's0123-gw1', stream: '0d3c1c1e-6e5b-4b52-9d5c-1f2a3b4c5d6e', seq: 100_000 + sweep },
      batch,
    ).length
    // What a plain publisher would send of the same rounded values.
    const json = JSON.stringify({ agent: 's0123-gw1', measurement: 'terminal', records: rowsOf(batch) })
    totals.rows += Buffer.byteLength(json)
    totals.gzipRows += gzipSync(json).length
  }
  const records = terminals * sweeps
  const ratio = totals.sent / totals.rows
  process.stdout.write(`records: ${records}\n`)
  process.stdout.write(
    `bytes a record: Linkbell ${(totals.sent / records).toFixed(1)}, JSON rows ${(totals.rows / records).toFixed(1)}, JSON rows + gzip ${(totals.gzipRows / records).toFixed(1)}\n`,
  )
  return {
    ratio_to_json: Number(ratio.toFixed(4)),
    bytes_per_record: Number((totals.sent / records).toFixed(2)),
    json_bytes_per_record: Number((totals.rows / records).toFixed(2)),
  }
}

function rowsOf(batch: ReturnType<typeof batchOf>): Record<string, unknown>[] {
  return batch.times.map((time, row) => ({
    time,
    ...Object.fromEntries(
      Object.entries(batch.tags).map(([name, column]) => [name, Array.isArray(column) ? column[row] : column]),
    ),
    ...Object.fromEntries(Object.entries(batch.fields).map(([name, column]) => [name, column[row]])),
  }))
}
