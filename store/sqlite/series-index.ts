/** Tags ↔ small integers, for one measurement in one partition. The writer alone adds to it. */
import type { DatabaseSync } from 'node:sqlite'
import { tagsOf, type MeasurementName } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { PackedBatch } from './pack.ts'
import { quote, seriesTable } from './schema.ts'

/** Between tags in a key; a tag that carries it is refused. */
const separator = '\u001f'

export type SeriesIndex = {
  /** The series of each row of a batch, added where new. */
  resolve: (batch: PackedBatch) => number[]
  idOf: (key: string) => number
  keyOf: (id: number) => string
  /** The first column of the row table's key, by series. */
  siteOf: (id: number) => number
}

/** Loads the whole index: 24,000 series take about 30 ms and 5 MB. */
export function createSeriesIndex(db: DatabaseSync, measurement: MeasurementName): SeriesIndex {
  const tags = tagsOf(measurement)
  const siteTag = tags.indexOf('site')
  const columns = tags.map(quote).join(', ')
  const insert = db.prepare(
    `insert into ${seriesTable(measurement)} (id, site_id, ${columns}) values (?, ?${', ?'.repeat(tags.length)})`,
  )
  const ids = new Map<string, number>()
  const keys: string[] = []
  const sites: number[] = []
  const siteIds = new Map<string, number>()

  const remember = (id: number, siteId: number, values: string[]) => {
    const key = values.join(separator)
    ids.set(key, id)
    keys[id] = key
    sites[id] = siteId
    siteIds.set(values[siteTag] as string, siteId)
  }
  const load = db.prepare(`select id, site_id, ${columns} from ${seriesTable(measurement)}`)
  load.setReturnArrays(true)
  for (const row of load.all() as unknown as [number, number, ...string[]][]) {
    const [id, siteId, ...values] = row
    remember(id, siteId, values)
  }

  const add = (key: string): number => {
    const values = key.split(separator)
    if (values.length !== tags.length) throw new AppError('batch_invalid', 'a tag carries a control character')
    const id = Math.max(1, keys.length)
    const siteId = siteIds.get(values[siteTag] as string) ?? siteIds.size + 1
    insert.run(id, siteId, ...values)
    remember(id, siteId, values)
    return id
  }
  const idOf = (key: string) => ids.get(key) ?? add(key)

  return {
    resolve: (batch) => {
      const columnsOfTags = tags.map((tag) => batch.tags[tag] ?? '')
      if (columnsOfTags.every((column) => typeof column === 'string')) {
        return new Array<number>(batch.rows).fill(idOf(columnsOfTags.join(separator)))
      }
      return Array.from({ length: batch.rows }, (_, row) => {
        let key = ''
        for (let i = 0; i < columnsOfTags.length; i++) {
          const column = columnsOfTags[i] as string | string[]
          if (i > 0) key += separator
          key += typeof column === 'string' ? column : column[row]
        }
        return idOf(key)
      })
    },
    idOf,
    keyOf: (id) => keys[id] as string,
    siteOf: (id) => sites[id] as number,
  }
}
