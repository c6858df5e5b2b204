/**
 * Tables of one measurement in a partition, made from the catalog. Wide rows: 3.8 × faster and 3.2 × smaller than one
 * row per field. The key begins with site and time: a minute of a district appends at one place per site, where a key
 * by series would touch every leaf page of the table.
 */
import type { DatabaseSync } from 'node:sqlite'
import { measurements, tagsOf, type MeasurementName } from '../../core/catalog.ts'
import type { PartitionKind } from './partitions.ts'

/** Column names are quoted: those of roll-ups carry a colon. */
export const quote = (name: string) => `"${name}"`
/** Each file interns the tags of its own rows, so that a file is whole in itself: lost or deleted without the others. */
export const seriesTable = (measurement: string) => `series_${measurement}`
export const rowTable = (measurement: string, kind: PartitionKind) =>
  `${kind === 'hourly' ? 'hourly' : 'sample'}_${measurement}`

export const fieldsOf = (measurement: MeasurementName) => Object.keys(measurements[measurement].fields)

/**
 * What a roll-up keeps of each field. `last_time`, in ms after the hour's begin, tells which `last` is the newest among
 * several series.
 */
export function statsOf(measurement: MeasurementName): string[] {
  const expected = Object.hasOwn(measurements[measurement].fields, 'expected')
  const stats = ['n', 'sum', 'min', 'max', 'last', 'last_time']
  // Sums over the time in which it is expected to be well, kept apart: a calendar cannot be laid over a whole hour.
  return expected ? [...stats, 'expected_n', 'expected_sum'] : stats
}

/** Value columns of the row table, beside its key. In a roll-up, `rows` counts the samples it was made of. */
export function valueColumns(measurement: MeasurementName, kind: PartitionKind): string[] {
  const fields = fieldsOf(measurement)
  if (kind !== 'hourly') return fields
  return ['rows', ...fields.flatMap((field) => statsOf(measurement).map((stat) => `${field}:${stat}`))]
}

/** Columns that a table has, in this file's version of the catalog. Empty: no such table. */
export function columnsOf(db: DatabaseSync, table: string): string[] {
  const rows = db.prepare('select name from pragma_table_info(?)').all(table)
  return rows.map((row) => String(row['name']))
}

/** Creates what is missing: the tables, and columns for fields and tags that are newer than the file. */
export function ensureMeasurement(db: DatabaseSync, measurement: MeasurementName, kind: PartitionKind): void {
  const series = seriesTable(measurement)
  const rows = rowTable(measurement, kind)
  // `seen`: the newest time in the hours that are rolled up.
  db.exec(`create table if not exists ${series} (id integer primary key, site_id integer not null, seen integer);
    create table if not exists ${rows} (site_id integer not null, time integer not null, series_id integer not null,
      primary key (site_id, time, series_id)) without rowid;`)
  addColumns(db, series, tagsOf(measurement), "text not null default ''")
  // REAL affinity: SQLite stores a whole number as a small integer, and 0 and 1 in no byte at all.
  addColumns(db, rows, valueColumns(measurement, kind), 'real')
}

function addColumns(db: DatabaseSync, table: string, wanted: readonly string[], type: string): void {
  const present = new Set(columnsOf(db, table))
  for (const name of wanted) {
    if (!present.has(name)) db.exec(`alter table ${table} add column ${quote(name)} ${type}`)
  }
}

/**
 * Inserts a row, or fills what was missing in the one that has its key; changes nothing when there is nothing to fill.
 */
export function insertSample(measurement: MeasurementName): string {
  const fields = fieldsOf(measurement).map(quote)
  return `insert into ${rowTable(measurement, 'raw')} (site_id, time, series_id, ${fields.join(', ')})
    values (?, ?, ?, ${fields.map(() => '?').join(', ')})
    on conflict do update set ${fields.map((field) => `${field} = coalesce(${field}, excluded.${field})`).join(', ')}
    where ${fields.map((field) => `(${field} is null and excluded.${field} is not null)`).join(' or ')}`
}

/**
 * Replaces the roll-up of one series and hour, unless it was made of more samples than are at hand: samples are only
 * ever added, so fewer of them means that a raw file was lost.
 */
export function insertRollup(measurement: MeasurementName): string {
  const columns = valueColumns(measurement, 'hourly').map(quote)
  return `insert into ${rowTable(measurement, 'hourly')} (site_id, time, series_id, ${columns.join(', ')})
    values (?, ?, ?, ${columns.map(() => '?').join(', ')})
    on conflict do update set ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}
    where excluded.rows >= rows`
}
