/**
 * Hourly roll-ups. A sample marks its (measurement, site, hour) dirty in the transaction that stores it; the roller makes
 * the hour's roll-up anew from its samples, commits it, and only then takes the mark away. A crash in between rolls the
 * hour up once more.
 */
import { measurementNames, type MeasurementName } from '../../core/catalog.ts'
import { guarded } from './faults.ts'
import type { FileCache } from './file-cache.ts'
import type { DirtyHour, MeasurementFile, PartitionFile } from './partition-file.ts'
import { hourMs, kindOf, partitionAt, type Partition } from './partitions.ts'
import { columnsOf, fieldsOf, seriesTable, statsOf, valueColumns } from './schema.ts'

/** How long a slice holds the writer: a batch that comes meanwhile waits no longer than for a commit or two. */
const sliceMs = 25
/** More than a slice ever gets through. */
const maxHours = 2000

export type Roller = {
  /** Tells that a raw partition may have dirty hours. */
  add: (name: string) => void
  /** Tells that a partition is gone. */
  forget: (name: string) => void
  /** Rolls up some of the hours that begin before `before`; whether more are left. */
  slice: (before: number) => boolean
  /** How many (measurement, site, hour) wait to be rolled up, open hours among them. */
  waiting: () => number
  /** Marks every hour of a raw partition dirty: its roll-ups were lost. */
  redo: (partition: Partition) => void
}

export function createRoller(files: FileCache<PartitionFile>, raw: readonly string[]): Roller {
  const pending = new Set(raw)

  const rollUp = (name: string, before: number): boolean => {
    const dirty = guarded(name, () => files.get(name).dirtyHours(before, maxHours))
    const first = dirty[0]
    if (first === undefined) return false
    const month = partitionAt('hourly', first.hour).name
    const deadline = performance.now() + sliceMs
    const done: DirtyHour[] = []
    const newest: Newest = new Map()
    try {
      guarded(month, () =>
        files.get(month).transaction(() => {
          for (const hour of dirty) {
            // Damage is laid to the file in which it is: the samples' while they are read, else the roll-ups'.
            const totals = guarded(name, () => totalsOf(files.get(name).measurement(hour.measurement), hour))
            storeTotals(files.get(month).measurement(hour.measurement), hour.hour, totals)
            noteNewest(newest, hour.measurement, totals)
            done.push(hour)
            if (performance.now() > deadline) break
          }
        }),
      )
      guarded(name, () => markRolledUp(files.get(name), done, newest))
    } catch (error) {
      // What they remember of their tables may have been rolled back.
      files.drop(month)
      files.drop(name)
      throw error
    }
    return true
  }

  return {
    add: (name) => pending.add(name),
    forget: (name) => pending.delete(name),
    slice: (before) => {
      for (const name of pending) {
        if (rollUp(name, before)) return true
        if (files.get(name).countDirty() === 0) pending.delete(name)
      }
      return false
    },
    waiting: () => [...pending].reduce((sum, name) => sum + guarded(name, () => files.get(name).countDirty()), 0),
    redo: ({ name, from, to }) => {
      guarded(name, () => {
        const file = files.get(name)
        file.transaction(() => {
          for (const measurement of measurementNames) markAll(file, measurement, { from, to })
        })
      })
      pending.add(name)
    },
  }
}

/** The totals of each series of one site and hour, by the tags of the series. */
function totalsOf({ series, ofSite }: MeasurementFile, { measurement, siteId, hour }: DirtyHour): Total[] {
  const totals = new Map<number, Total>()
  const addSample = createAdder(measurement, hour)
  const empty = valueColumns(measurement, 'hourly').map(() => null)
  for (const [id, time, ...values] of ofSite.all(siteId, hour, hour + hourMs) as unknown as SampleRow[]) {
    let total = totals.get(id)
    if (total === undefined) {
      total = { id, key: series.keyOf(id), newest: time, columns: empty.slice() }
      totals.set(id, total)
    }
    addSample(total, time, values)
  }
  return [...totals.values()]
}

function storeTotals({ series, insert }: MeasurementFile, hour: number, totals: readonly Total[]): void {
  for (const { key, columns } of totals) {
    const id = series.idOf(key)
    insert.run(series.siteOf(id), hour, id, ...columns)
  }
}

function noteNewest(newest: Newest, measurement: MeasurementName, totals: readonly Total[]): void {
  const times = newest.get(measurement) ?? new Map<number, number>()
  newest.set(measurement, times)
  for (const total of totals) times.set(total.id, Math.max(times.get(total.id) ?? 0, total.newest))
}

type SampleRow = [seriesId: number, time: number, ...values: (number | null)[]]
/** `columns` in the order of the table: `rows`, then the stats of each field (schema.ts). */
type Total = { id: number; key: string; newest: number; columns: (number | null)[] }
/** The newest time of each series in the hours of a slice. */
type Newest = Map<MeasurementName, Map<number, number>>

/** Adds samples, in order of time, to the totals of their series. */
function createAdder(measurement: MeasurementName, hour: number) {
  const fields = fieldsOf(measurement)
  const width = statsOf(measurement).length
  const expected = fields.indexOf('expected')
  return (total: Total, time: number, values: readonly (number | null)[]): void => {
    const { columns } = total
    total.newest = time
    columns[0] = (columns[0] ?? 0) + 1
    const isExpected = expected >= 0 && values[expected] === 1
    for (let i = 0; i < fields.length; i++) {
      const value = values[i]
      if (value === null || value === undefined) continue
      const at = 1 + i * width
      columns[at] = (columns[at] ?? 0) + 1
      columns[at + 1] = (columns[at + 1] ?? 0) + value
      columns[at + 2] = Math.min(columns[at + 2] ?? value, value)
      columns[at + 3] = Math.max(columns[at + 3] ?? value, value)
      columns[at + 4] = value
      columns[at + 5] = time - hour
      if (!isExpected) continue
      columns[at + 6] = (columns[at + 6] ?? 0) + 1
      columns[at + 7] = (columns[at + 7] ?? 0) + value
    }
  }
}

/** The hours are clean now, and of their series it is known how far they reach: `last` need not look for them. */
function markRolledUp(file: PartitionFile, done: readonly DirtyHour[], newest: Newest): void {
  file.transaction(() => {
    for (const hour of done) file.clearDirty(hour)
    for (const [measurement, times] of newest) {
      const { seen } = file.measurement(measurement)
      for (const [id, time] of times) seen.run(time, id)
    }
  })
}

function markAll(file: PartitionFile, measurement: MeasurementName, { from, to }: { from: number; to: number }): void {
  if (kindOf(measurement) !== 'raw' || columnsOf(file.db, seriesTable(measurement)).length === 0) return
  const sites = file.db.prepare(`select distinct site_id from ${seriesTable(measurement)}`).all()
  for (let hour = from; hour < to; hour += hourMs) {
    for (const row of sites) file.markDirty(measurement, Number(row['site_id']), hour)
  }
}
