/** Batches → line protocol (https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/). */
import { escape } from '@influxdata/influxdb-client'
import { type Batch, filterBatch } from '../../core/batch.ts'
import { maxAheadMs, structureFault } from '../check-batch.ts'

export type LinesOptions = {
  /** Older samples would be dropped by the server, most of them without a word. */
  retentionDays: number | undefined
  /** The field that holds the samples in expected time of another one, where a server cannot filter by `expected`. */
  expectedField?: (of: { measurement: Batch['measurement']; field: string }) => string | undefined
}
/** `leftOut`: rows whose time cannot be stored. */
export type Lines = { batch: Batch; rows: number; leftOut: number } | { reason: string }

/** What of a batch can be stored, or why nothing can. */
export function checkLines(batch: Batch, { retentionDays }: LinesOptions, now: number): Lines {
  const reason = structureFault(batch)
  if (reason !== undefined) return { reason }
  const { times } = batch
  const oldest = retentionDays === undefined ? 0 : Math.max(0, now - retentionDays * 86_400_000)
  const fits = (time: number) => time >= oldest && time <= now + maxAheadMs
  if (times.every(fits)) return { batch, rows: times.length, leftOut: 0 }
  const kept = filterBatch(batch, (row) => fits(times[row] as number))
  if (kept.times.length > 0) return { batch: kept, rows: kept.times.length, leftOut: times.length - kept.times.length }
  const first = new Date(times[0] as number).toISOString()
  return {
    reason:
      (times[0] as number) > now
        ? `its time ${first} is more than 24 hours ahead of the clock here; check the clock of the sender`
        : `its time ${first} is older than the ${retentionDays} days that the store keeps`,
  }
}

/**
 * One line per sample that has a value, times in ms. Every number is written as a float: the type of a field never
 * depends on the first value that came.
 */
export function linesOf(batch: Batch, { expectedField }: LinesOptions): string {
  const { measurement, times } = batch
  const fields = Object.entries(batch.fields).map(([name, column]) => ({ key: `${escape.tag(name)}=`, column }))
  const expected = expectedFields(batch, expectedField)
  const tagsAt = tagsOf(batch)
  let text = ''
  for (let row = 0; row < times.length; row++) {
    let values = ''
    const add = (key: string, value: number | null | undefined) => {
      if (typeof value === 'number' && Number.isFinite(value)) values += `${values === '' ? ' ' : ','}${key}${value}`
    }
    for (const { key, column } of fields) add(key, column[row])
    if (expected !== undefined && expected.flags[row] === 1) {
      for (const { key, column } of expected.fields) add(key, column[row])
    }
    if (values !== '') text += `${measurement}${tagsAt(row)}${values} ${times[row]}\n`
  }
  return text
}

/** Tags of a row as text, in the order of their names: servers sort them otherwise. An empty one is none. */
function tagsOf({ tags }: Batch): (row: number) => string {
  const text = (name: string, value: string | undefined) => (value ? `,${name}=${escape.tag(value)}` : '')
  const columns = Object.keys(tags)
    .sort()
    .map((name) => ({ name: escape.tag(name), column: tags[name] }))
    .map(({ name, column }) => (Array.isArray(column) ? { name, column } : { fixed: text(name, column) }))
  return (row) => {
    let joined = ''
    for (const one of columns) joined += 'fixed' in one ? one.fixed : text(one.name, one.column[row])
    return joined
  }
}

function expectedFields(batch: Batch, nameOf: LinesOptions['expectedField']) {
  const flags = batch.fields['expected']
  if (nameOf === undefined || flags === undefined) return undefined
  const fields = Object.entries(batch.fields).flatMap(([field, column]) => {
    const name = nameOf({ measurement: batch.measurement, field })
    return name === undefined ? [] : { key: `${name}=`, column }
  })
  return fields.length === 0 ? undefined : { flags, fields }
}
