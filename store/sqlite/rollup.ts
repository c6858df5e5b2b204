/**
 * Hourly roll-ups. A sample marks its (measurement, site, hour) dirty in the transaction that stores it; the roller makes
 * the hour's roll-up anew from its samples, commits it, and only then takes the mark away. A crash in between rolls the
 * hour up once more.
 */
import { measurementNames, type MeasurementName } from '../../core/catalog.ts'
import { guarded } from './faults.ts'
import type { FileCache } from './file-cache.ts'
import type { DirtyHour, PartitionFile } from './partition-file.ts'
import { hourMs, kindOf, partitionAt, type Partition } from './partitions.ts'
import { columnsOf, fieldsOf, seriesTable, statsOf } from './schema.ts'

/** How long a slice holds the writer: a batch that comes meanwhile waits no longer than for a commit or two. */
const sliceMs = 25
/** More than a slice ever gets through. */
const maxHours = 2000

type RolledUp = { hour: DirtyHour; newest: Map<number, number> }

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
    const done: RolledUp[] = []
    guarded(month, () =>
      files.get(month).transaction(() => {
        for (const hour of dirty) {
          done.push({ hour, newest: guarded(name, () => rollUpHour(files.get(name), files.get(month), hour)) })
          if (performance.now() > deadline) break
        }
      }),
    )
    guarded(name, () => markRolledUp(files.get(name), done))
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

/** Makes the roll-ups of one site and hour; the time of the newest sample of each series. */
function rollUpHour(raw: PartitionFile, hourly: PartitionFile, dirty: DirtyHour): Map<number, number> {
  const { measurement, siteId, hour } = dirty
  const source = raw.measurement(measurement)
  const target = hourly.measurement(measurement)
  const totals = new Map<number, Total>()
  const addSample = createAdder(measurement, hour)
  for (const [id, time, ...values] of source.ofSite.all(siteId, hour, hour + hourMs) as unknown as SampleRow[]) {
    let total = totals.get(id)
    if (total === undefined) {
      total = { newest: time, columns: new Array<number | null>(target.columns.length).fill(null) }
      totals.set(id, total)
    }
    addSample(total, time, values)
  }
  const newest = new Map<number, number>()
  for (const [id, total] of totals) {
    const targetId = target.series.idOf(source.series.keyOf(id))
    target.insert.run(target.series.siteOf(targetId), hour, targetId, ...total.columns)
    newest.set(id, total.newest)
  }
  return newest
}

type SampleRow = [seriesId: number, time: number, ...values: (number | null)[]]
/** `columns` in the order of the table: `rows`, then the stats of each field (schema.ts). */
type Total = { newest: number; columns: (number | null)[] }

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
function markRolledUp(file: PartitionFile, done: readonly RolledUp[]): void {
  file.transaction(() => {
    for (const { hour, newest } of done) {
      file.clearDirty(hour)
      const { seen } = file.measurement(hour.measurement)
      for (const [id, time] of newest) seen.run(time, id)
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
