/**
 * The batch: samples of one measurement in columns, from the probe's disk to the store. Wire form: docs/protocol.md.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  type Field,
  type Measurement,
  measurementOf,
  type MeasurementName,
  roundField,
  type Sample,
} from './catalog.ts'
import { AppError, messageOf } from './errors.ts'

/** Limits of a payload. 256 KiB on the wire is below every broker's default; 4 MiB bounds what a gzip bomb can claim. */
export const maxSentBytes = 256 * 1024
export const maxInflatedBytes = 4 * 1024 * 1024
export const maxRows = 20_000
/** Ids of everything: agents, sites, links, targets, terminals. Also safe in MQTT topics, file names and queries. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/

/** One value for all rows, or one for each. */
export type Column<T> = T | T[]

/** Samples of one measurement. Every field column has `times.length` values; a missing value is null. */
export type Batch = {
  measurement: MeasurementName
  /** Milliseconds since 1970, UTC, taken at the probe. */
  times: number[]
  tags: Record<string, Column<string>>
  fields: Record<string, (number | null)[]>
}

/** Who sent a batch: `stream` is born with a spool file, `seq` grows in it; together they name the batch. */
export type Envelope = { agent: string; stream: string; seq: number }

export type Decoded = {
  envelope: Envelope
  batch: Batch
  /** Columns this version does not know (a newer agent's); dropped. */
  ignored: string[]
  /** Values that were no finite numbers; stored as missing. */
  badValues: number
}

/** Gathers samples of one measurement into a batch, rounded to the catalog's decimals. */
export function batchOf(samples: readonly Sample[], time: number): Batch {
  const first = samples[0]
  if (first === undefined) throw new AppError('batch_invalid', 'A batch needs at least one sample.')
  const definition: Measurement | undefined = measurementOf(first.measurement)
  if (definition === undefined) throw new AppError('batch_invalid', `Unknown measurement ${first.measurement}.`)
  const tags: Batch['tags'] = {}
  for (const name of definition.tags) {
    if (name === 'agent') continue
    const column = samples.map((sample) => (sample.tags as Record<string, string>)[name] ?? '')
    tags[name] = column.every((value) => value === column[0]) ? (column[0] as string) : column
  }
  const fields: Batch['fields'] = {}
  for (const [name, field] of Object.entries(definition.fields)) {
    const column = samples.map((sample) => rounded(field, (sample.fields as Record<string, unknown>)[name]))
    if (column.some((value) => value !== null)) fields[name] = column
  }
  return {
    measurement: first.measurement,
    times: samples.map((sample) => Math.round(sample.time ?? time)),
    tags,
    fields,
  }
}

function rounded(field: Field, value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? roundField(field, value) : null
}

/** The payload of a batch: columnar JSON, gzip. Throws `batch_too_large` above a limit: split the batch. */
export function encodeBatch({ agent, stream, seq }: Envelope, batch: Batch): Buffer {
  const t0 = batch.times[0] ?? 0
  const text = JSON.stringify({
    v: 1,
    agent,
    stream,
    seq,
    measurement: batch.measurement,
    n: batch.times.length,
    t0,
    t: shrink(batch.times.map((time) => time - t0)),
    tags: batch.tags,
    fields: Object.fromEntries(Object.entries(batch.fields).map(([name, column]) => [name, shrink(column)])),
  })
  const payload = gzipSync(text)
  // Whatever is sent must pass `decodeBatch`. Ids and numbers are ASCII: a character is a byte.
  if (payload.length > maxSentBytes || text.length > maxInflatedBytes || batch.times.length > maxRows) {
    throw new AppError(
      'batch_too_large',
      `A batch of ${batch.times.length} samples takes ${payload.length} bytes, ${text.length} inflated; the limits are ${maxRows}, ${maxSentBytes} and ${maxInflatedBytes}.`,
    )
  }
  return payload
}

function shrink<T>(column: T[]): Column<T> {
  const first = column[0]
  return first !== undefined && column.every((value) => value === first) ? first : column
}

/** The two halves of a batch, for one that is too large to send whole. */
export function splitBatch(batch: Batch): [Batch, Batch] {
  const middle = batch.times.length >> 1
  return [sliceBatch(batch, 0, middle), sliceBatch(batch, middle, batch.times.length)]
}

/** Rows `from` to `to` (exclusive) of a batch. */
function sliceBatch(batch: Batch, from: number, to: number): Batch {
  const cut = <T>(column: T[]) => column.slice(from, to)
  return {
    measurement: batch.measurement,
    times: cut(batch.times),
    tags: mapValues(batch.tags, (column) => (Array.isArray(column) ? cut(column) : column)),
    fields: mapValues(batch.fields, cut),
  }
}

/** Only the rows whose index passes. */
export function filterBatch(batch: Batch, keep: (row: number) => boolean): Batch {
  const pick = <T>(column: T[]) => column.filter((_, row) => keep(row))
  return {
    measurement: batch.measurement,
    times: pick(batch.times),
    tags: mapValues(batch.tags, (column) => (Array.isArray(column) ? pick(column) : column)),
    fields: mapValues(batch.fields, pick),
  }
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}

/** The value of a tag in one row. */
export function tagAt(batch: Batch, name: string, row: number): string | undefined {
  const column = batch.tags[name]
  return Array.isArray(column) ? column[row] : column
}

/**
 * A payload from the network, checked against the catalog. Throws `batch_too_large` or `batch_invalid`, whose message
 * is the reason an agent gets; nothing in it can make the caller run out of memory.
 */
export function decodeBatch(payload: Buffer): Decoded {
  const body = parse(payload)
  const { v, agent, stream, seq, measurement } = body
  if (v !== 1) invalid(`version ${show(v)} is not 1`)
  if (typeof agent !== 'string' || !idPattern.test(agent)) invalid(`agent ${show(agent)} is not an id`)
  if (typeof stream !== 'string' || !idPattern.test(stream)) invalid(`stream ${show(stream)} is not an id`)
  if (!Number.isSafeInteger(seq) || (seq as number) < 1) invalid(`seq ${show(seq)} is not a positive integer`)
  const definition = typeof measurement === 'string' ? measurementOf(measurement) : undefined
  if (definition === undefined) invalid(`measurement ${show(measurement)} is unknown`)
  if (definition.from !== 'agent') invalid(`measurement ${show(measurement)} is not an agent's to send`)
  const times = decodeTimes(body)
  const { fields, ignored, badValues } = decodeFields(object(body['fields'], 'fields'), definition, times.length)
  return {
    envelope: { agent, stream, seq: seq as number },
    batch: {
      measurement: measurement as MeasurementName,
      times,
      tags: decodeTags(object(body['tags'], 'tags'), definition, times.length),
      fields,
    },
    ignored,
    badValues,
  }
}

/** The name of a batch that did not pass, as far as it can be told: so that a refusal reaches its sender. */
export function peekEnvelope(payload: Buffer): Pick<Envelope, 'stream' | 'seq'> | undefined {
  try {
    const { stream, seq } = parse(payload)
    const named = typeof stream === 'string' && idPattern.test(stream) && Number.isSafeInteger(seq) && Number(seq) > 0
    return named ? { stream, seq: Number(seq) } : undefined
  } catch {
    return undefined
  }
}

function parse(payload: Buffer): Record<string, unknown> {
  if (payload.length > maxSentBytes) {
    throw new AppError('batch_too_large', `payload of ${payload.length} bytes is above ${maxSentBytes}`)
  }
  let text: string
  let body: unknown
  try {
    // 0x1f 0x8b begins a gzip member, 0x7b is `{`.
    text =
      payload[0] === 0x1f ? gunzipSync(payload, { maxOutputLength: maxInflatedBytes }).toString() : payload.toString()
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    if (tooLarge) throw new AppError('batch_too_large', `payload inflates to more than ${maxInflatedBytes} bytes`)
    invalid(`payload is not gzip: ${messageOf(error)}`)
  }
  try {
    body = JSON.parse(text)
  } catch (error) {
    invalid(`payload is not JSON: ${messageOf(error).slice(0, 100)}`)
  }
  return object(body, 'payload')
}

function decodeTimes(body: Record<string, unknown>): number[] {
  const { n, t0, t } = body
  if (!Number.isSafeInteger(n) || (n as number) < 1 || (n as number) > maxRows)
    invalid(`n ${show(n)} is not within 1..${maxRows}`)
  if (!Number.isSafeInteger(t0) || (t0 as number) < 0) invalid(`t0 ${show(t0)} is not a time in ms`)
  const times = spread(t, n as number, 't')
  for (let row = 0; row < times.length; row++) {
    const time = (t0 as number) + (times[row] as number)
    if (!Number.isSafeInteger(time) || time < 0) invalid(`t[${row}] ${show(times[row])} is not an offset in ms`)
    times[row] = time
  }
  return times as number[]
}

function decodeTags(raw: Record<string, unknown>, definition: Measurement, n: number): Batch['tags'] {
  const tags: Batch['tags'] = {}
  for (const name of definition.tags) {
    if (name === 'agent') continue
    const column = raw[name]
    if (Array.isArray(column) && column.length !== n) invalid(`tag ${name} has ${column.length} values instead of ${n}`)
    for (const value of Array.isArray(column) ? column : [column]) {
      if (typeof value !== 'string' || !idPattern.test(value)) invalid(`tag ${name}: ${show(value)} is not an id`)
    }
    tags[name] = column as Column<string>
  }
  return tags
}

function decodeFields(raw: Record<string, unknown>, definition: Measurement, n: number) {
  const fields: Batch['fields'] = {}
  const ignored: string[] = []
  let badValues = 0
  for (const name of Object.keys(raw)) {
    if (!Object.hasOwn(definition.fields, name)) {
      if (ignored.length < 20) ignored.push(name.slice(0, 64))
      continue
    }
    const column = spread(raw[name], n, name)
    for (let row = 0; row < n; row++) {
      const value = column[row]
      if (value === null || (typeof value === 'number' && Number.isFinite(value))) continue
      column[row] = null
      badValues++
    }
    fields[name] = column as (number | null)[]
  }
  if (Object.keys(fields).length === 0) invalid('no known field in it')
  return { fields, ignored, badValues }
}

function spread(column: unknown, n: number, name: string): unknown[] {
  if (!Array.isArray(column)) return new Array(n).fill(column)
  if (column.length !== n) invalid(`column ${name} has ${column.length} values instead of ${n}`)
  return column
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) invalid(`${name} is not an object`)
  return value as Record<string, unknown>
}

function show(value: unknown): string {
  // What is nested without end takes the stack of whoever writes it out.
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return (JSON.stringify(value) ?? 'undefined').slice(0, 80)
}

function invalid(reason: string): never {
  throw new AppError('batch_invalid', reason)
}
