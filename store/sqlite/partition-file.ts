/** A partition as the writer has it open: its tables, its series, and the hours whose roll-up is out of date. */
import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { MeasurementName } from '../../core/catalog.ts'
import { transaction } from '../../core/transaction.ts'
import { corruptError } from './faults.ts'
import { createFileCache } from './file-cache.ts'
import { hourMs, type PartitionKind } from './partitions.ts'
import { ensureMeasurement, insertRollup, insertSample, quote, rowTable, seriesTable, valueColumns } from './schema.ts'
import { createSeriesIndex, type SeriesIndex } from './series-index.ts'

/** What the writer holds of one measurement in a file. */
export type MeasurementFile = {
  series: SeriesIndex
  /** Value columns, in the order in which `insert` and `ofSite` have them behind the key. */
  columns: string[]
  insert: StatementSync
  /** (site id, from, to) → rows [series id, time, …values] in order of time. */
  ofSite: StatementSync
  /** (time, series id): the series has rows up to this time at least. */
  seen: StatementSync
}

export type DirtyHour = { measurement: MeasurementName; siteId: number; hour: number }

export type PartitionFile = {
  db: DatabaseSync
  measurement: (name: MeasurementName) => MeasurementFile
  /** All of `work` or nothing. After a failure close the file: what it remembers of its tables may be wrong. */
  transaction: <T>(work: () => T) => T
  markDirty: (measurement: MeasurementName, siteId: number, time: number) => void
  /** Site by site, as the roll-ups lie in their file. */
  dirtyHours: (before: number, limit: number) => DirtyHour[]
  countDirty: () => number
  clearDirty: (hour: DirtyHour) => void
  close: () => void
}

function openMeasurement(db: DatabaseSync, name: MeasurementName, kind: PartitionKind): MeasurementFile {
  ensureMeasurement(db, name, kind)
  const columns = valueColumns(name, kind)
  const ofSite = db.prepare(`select series_id, time, ${columns.map(quote).join(', ')} from ${rowTable(name, kind)}
    where site_id = ? and time >= ? and time < ? order by time`)
  ofSite.setReturnArrays(true)
  return {
    series: createSeriesIndex(db, name),
    columns,
    insert: db.prepare(kind === 'hourly' ? insertRollup(name) : insertSample(name)),
    ofSite,
    seen: db.prepare(`update ${seriesTable(name)} set seen = max(ifnull(seen, 0), ?) where id = ?`),
  }
}

/** Above this the whole file is not read through at start; damage is then found when it is met. */
const maxCheckedBytes = 32 * 1024 * 1024

const settings = `pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -32768;
  pragma wal_autocheckpoint = 2000; pragma journal_size_limit = 67108864; pragma temp_store = memory;
  pragma busy_timeout = 500;`

export function createPartitionFiles(directory: string) {
  // A file that has been looked through once need not be again when it comes back into the cache.
  const checked = new Set<string>()
  // Today, yesterday, this month's evidence and roll-ups, and room for a few late days.
  return createFileCache(8, (name) => {
    const path = join(directory, `${name}.sqlite`)
    const file = openPartitionFile(path, name.split('-')[0] as PartitionKind, !checked.has(name))
    checked.add(name)
    return file
  })
}

function openPartitionFile(path: string, kind: PartitionKind, check: boolean): PartitionFile {
  const db = new DatabaseSync(path)
  try {
    db.exec(settings)
    if (check) quickCheck(db, path)
    db.exec(`create table if not exists dirty (measurement text not null, site_id integer not null, hour integer not null,
      primary key (measurement, site_id, hour)) without rowid`)
    return partitionFile(db, kind)
  } catch (error) {
    db.close()
    throw error
  }
}

function quickCheck(db: DatabaseSync, path: string): void {
  if (statSync(path).size > maxCheckedBytes) return
  const answer = db.prepare('pragma quick_check(1)').get()?.['quick_check']
  if (answer !== 'ok') throw corruptError(basename(path, '.sqlite'), String(answer))
}

function partitionFile(db: DatabaseSync, kind: PartitionKind): PartitionFile {
  const opened = new Map<MeasurementName, MeasurementFile>()
  const dirty = new Map<MeasurementName, Set<number>>()
  const mark = db.prepare('insert or ignore into dirty (measurement, site_id, hour) values (?, ?, ?)')
  const clear = db.prepare('delete from dirty where measurement = ? and site_id = ? and hour = ?')
  const count = db.prepare('select count(*) as n from dirty')
  const list = db.prepare(`select measurement, site_id as siteId, hour from dirty where hour < ?
    order by measurement, site_id, hour limit ?`)
  // One number instead of a text as the key: looked up for every row.
  const dirtyKey = (siteId: number, hour: number) => (hour / hourMs) * 2 ** 24 + siteId
  return {
    db,
    measurement: (name) => {
      let file = opened.get(name)
      if (file === undefined) {
        file = openMeasurement(db, name, kind)
        opened.set(name, file)
      }
      return file
    },
    transaction: (work) => transaction(db, work),
    markDirty: (measurement, siteId, time) => {
      const hour = Math.floor(time / hourMs) * hourMs
      const known = dirty.get(measurement) ?? new Set()
      dirty.set(measurement, known)
      const key = dirtyKey(siteId, hour)
      if (known.has(key)) return
      mark.run(measurement, siteId, hour)
      known.add(key)
    },
    dirtyHours: (before, limit) => list.all(Math.min(before, Number.MAX_SAFE_INTEGER), limit) as unknown as DirtyHour[],
    countDirty: () => Number(count.get()?.['n']),
    clearDirty: ({ measurement, siteId, hour }) => {
      clear.run(measurement, siteId, hour)
      dirty.get(measurement)?.delete(dirtyKey(siteId, hour))
    },
    close: () => db.close(),
  }
}
