/** Verdicts as `compliance` samples: written when something changed, and once an hour so that a chart has no holes. */
import type { Batch } from '../../core/batch.ts'
import { type FieldName, measurements, roundField, tagsOf, verdicts } from '../../core/catalog.ts'
import type { Row } from '../../store/query.ts'
import type { Place } from '../registry.ts'
import type { DirectionVerdict } from './verdict.ts'

const hourMs = measurements.compliance.intervalSeconds * 1000
/** Rows of one batch; a city has more. */
const batchRows = 5_000

type Fields = Record<FieldName<'compliance'>, number | null>
type Stored = Readonly<Record<string, number | null>>
export type Judged = { place: Place; verdict: DirectionVerdict }
export type ComplianceRow = { tags: Record<string, string>; time: number; fields: Fields }

/** What was written last of each series; seeded from the store, so that a restart writes nothing twice. */
export type Written = Map<string, { time: number; said: string }>

export function writtenOf(rows: readonly Row[]): Written {
  return new Map(rows.map(({ time, tags, fields }) => [keyOf(tags), { time, said: said(fields) }]))
}

/** Rows that are due at `now`. */
export function dueRows(judged: readonly Judged[], written: Written, now: number): ComplianceRow[] {
  const hour = now - (now % hourMs)
  return judged.flatMap(({ place, verdict }) => {
    const tags = { ...place, link: verdict.link, direction: verdict.direction }
    const fields = fieldsOf(verdict)
    const last = written.get(keyOf(tags))
    if (last === undefined || last.said !== said(fields)) return [{ tags, time: now, fields }]
    return last.time < hour ? [{ tags, time: hour, fields }] : []
  })
}

export function noteWritten(rows: readonly ComplianceRow[], written: Written): void {
  for (const { tags, time, fields } of rows) {
    const key = keyOf(tags)
    if ((written.get(key)?.time ?? 0) <= time) written.set(key, { time, said: said(fields) })
  }
}

export function batchesOf(rows: readonly ComplianceRow[]): { batch: Batch; rows: ComplianceRow[] }[] {
  const count = Math.ceil(rows.length / batchRows)
  return Array.from({ length: count }, (_, i) => {
    const part = rows.slice(i * batchRows, (i + 1) * batchRows)
    return { batch: batchOf(part), rows: part }
  })
}

function batchOf(rows: readonly ComplianceRow[]): Batch {
  const column = (name: string) => rows.map(({ tags }) => tags[name] ?? '')
  return {
    measurement: 'compliance',
    times: rows.map(({ time }) => time),
    tags: Object.fromEntries(tagsOf('compliance').map((name) => [name, column(name)])),
    fields: Object.fromEntries(fieldNames.map((name) => [name, rows.map(({ fields }) => fields[name])])),
  }
}

const fieldNames = Object.keys(measurements.compliance.fields) as FieldName<'compliance'>[]

export function fieldsOf(verdict: DirectionVerdict): Fields {
  const raw: Fields = {
    verdict: verdicts[verdict.verdict],
    target_bps: verdict.targetBps,
    median_bps: verdict.medianBps,
    worst_bps: verdict.worstBps,
    // A self-test's rate is that of the loopback; on a chart of verdicts it would read as a link's.
    latest_bps: verdict.evidence.find(({ leftOut }) => leftOut !== 'self_test')?.linkRateBps ?? null,
    trials_count: verdict.trials,
    met_count: verdict.met,
    inconclusive_count: verdict.inconclusive,
    met_ratio: verdict.metRatio,
  }
  for (const name of fieldNames) {
    const value = raw[name]
    if (value !== null) raw[name] = roundField(measurements.compliance.fields[name], value)
  }
  return raw
}

/** Whether stored fields say the same. */
export function isSame(fields: Fields, stored: Stored): boolean {
  return fieldNames.every((name) => fields[name] === (stored[name] ?? null))
}

function said(fields: Stored): string {
  return JSON.stringify(fieldNames.map((name) => fields[name] ?? null))
}

const keys = new WeakMap<object, string>()

/** Kept with the tags: rows of one series may share theirs. */
export function keyOf(tags: Readonly<Record<string, string>>): string {
  const known = keys.get(tags)
  if (known !== undefined) return known
  const key = ['site', 'link', 'direction', 'town', 'category'].map((name) => tags[name]).join(' ')
  keys.set(tags, key)
  return key
}
