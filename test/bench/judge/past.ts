/** The month before the day that is measured: roll-ups as if each of its days had been as that one. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { tagsOf } from '../../../core/catalog.ts'
import { dayMs, partitionAt } from '../../../store/sqlite/partitions.ts'
import { ensureMeasurement, quote, rowTable, seriesTable, valueColumns } from '../../../store/sqlite/schema.ts'

const table = rowTable('terminal', 'hourly')
const series = seriesTable('terminal')
const tags = ['id', 'site_id', 'seen', ...tagsOf('terminal').map(quote)].join(', ')
const values = ['series_id', ...valueColumns('terminal', 'hourly').map(quote)].join(', ')

/**
 * Into the files of a store that is closed: through the store, 24,000 devices would take an hour for it. `from`: begin of
 * the day, whose roll-ups stand in one month.
 */
export function repeatDay(directory: string, from: number, days: number): void {
  const path = (time: number) => join(directory, `${partitionAt('hourly', time).name}.sqlite`)
  const begin = from - days * dayMs
  const months = new Map([begin, from].map((time) => [path(time), partitionAt('hourly', time)]))
  for (const [file, month] of months) {
    const db = new DatabaseSync(file)
    ensureMeasurement(db, 'terminal', 'hourly')
    db.prepare('attach ? as model').run(path(from))
    db.exec(`begin; insert or ignore into main.${series} (${tags}) select ${tags} from model.${series}`)
    // Site by site and day by day, as they lie in the file.
    const insert = db.prepare(`insert into main.${table} (site_id, time, ${values})
      select site_id, time - ?1, ${values} from model.${table} where site_id = ?2
        and time >= max(${from}, ${month.from} + ?1) and time < min(${from + dayMs}, ${month.to} + ?1)`)
    for (const row of db.prepare(`select distinct site_id from model.${series}`).all()) {
      for (let ago = days; ago > 0; ago--) insert.run(ago * dayMs, Number(row['site_id']))
    }
    db.exec('commit')
    db.close()
  }
}
