/** Which series of a partition a query means, and in which group each of them counts. */
import type { DatabaseSync } from 'node:sqlite'
import type { MeasurementName } from '../../core/catalog.ts'
import type { Match } from '../query.ts'
import { hourMs } from './partitions.ts'
import { columnsOf, quote, seriesTable } from './schema.ts'
import type { Span } from './spans.ts'

/**
 * A series in one file. `key`: its tags as one text, the same in every file; `seen`: the newest time in hours that are
 * rolled up, 0 where none is.
 */
export type Selected = { id: number; siteId: number; seen: number; tags: string[]; key: string }

/** The series that match, each with the values of `tags`. A tag that is younger than the file is empty in it. */
export function selectSeries(
  db: DatabaseSync,
  measurement: MeasurementName,
  match: Match,
  tags: readonly string[],
): Selected[] {
  const table = seriesTable(measurement)
  const present = new Set(columnsOf(db, table))
  if (present.size === 0) return []
  const column = (tag: string) => (present.has(tag) ? quote(tag) : "''")
  const wanted = Object.entries(match)
  // One parameter for any number of values: a city's list of sites is longer than SQLite's list of parameters.
  const where = wanted.map(([tag]) => `${column(tag)} in (select value from json_each(?))`)
  const statement = db.prepare(
    `select id, site_id, ifnull(seen, 0)${tags.map((tag) => `, ${column(tag)}`).join('')} from ${table} where ${['true', ...where].join(' and ')}`,
  )
  statement.setReturnArrays(true)
  const values = wanted.map(([, value]) => JSON.stringify(typeof value === 'string' ? [value] : value))
  const rows = statement.all(...values) as unknown as [number, number, number, ...string[]][]
  return rows.map(([id, siteId, seen, ...rest]) => ({ id, siteId, seen, tags: rest, key: rest.join('\u001f') }))
}

/**
 * Series counted together, as SQL on the row table `r`: what stands before it, a join or nothing, a condition on the site
 * and one on the series. `group` yields the number of the group.
 */
export type Slice = { before: string; join: string; sites: string; series: string; group: string }

/** A group of series, numbered by the caller. */
export type Member = { id: number; siteId: number; group: number }

/** More ids than this are joined from a table instead of listed. */
const maxListed = 32

/**
 * The cheapest way to read the members: whole sites need no look at the series at all, which halves the time of a scan.
 */
export function slicesOf(db: DatabaseSync, measurement: MeasurementName, members: readonly Member[]): Slice[] {
  if (members.length === 0) return []
  const groups = Map.groupBy(members, (member) => member.group)
  if (wholeSites(db, measurement, members, groups)) {
    return [...groups].map(([group, own]) => ({
      before: '',
      join: '',
      sites: inSites(own),
      series: 'true',
      group: String(group),
    }))
  }
  if (groups.size === 1 && members.length <= maxListed) {
    const ids = members.map((member) => member.id).join(', ')
    return [
      {
        before: '',
        join: '',
        sites: inSites(members),
        series: `r.series_id in (${ids})`,
        group: String(members[0]?.group),
      },
    ]
  }
  fillPick(db, members)
  // `cross join` keeps the order: rows by their key first, each looked up in `pick`.
  return [
    {
      before: '',
      join: 'cross join temp.pick p on p.series_id = r.series_id',
      sites: inSites(members),
      series: 'true',
      group: 'p.grp',
    },
  ]
}

/** A look-up of one roll-up takes as long as reading so many rows on the way. */
const rowsPerLookup = 8

/**
 * The same of roll-ups, whose times are known: those of a few series are looked up one by one, instead of reading all that
 * their sites have.
 */
export function hourSlicesOf(
  db: DatabaseSync,
  measurement: MeasurementName,
  members: readonly Member[],
  { from, to }: Span,
): Slice[] {
  const sites = new Set(members.map((member) => member.siteId))
  if (members.length * rowsPerLookup > countSeries(db, measurement, sites)) return slicesOf(db, measurement, members)
  fillPick(db, members)
  db.exec(`create temp table if not exists hour (time integer primary key); delete from temp.hour;
    with recursive hours (time) as (select ${from} union all select time + ${hourMs} from hours where time + ${hourMs} < ${to})
    insert into temp.hour select time from hours`)
  return [
    {
      before: 'temp.pick p cross join temp.hour h cross join',
      join: '',
      sites: 'r.site_id = p.site_id and r.time = h.time',
      series: 'r.series_id = p.series_id',
      group: 'p.grp',
    },
  ]
}

function fillPick(db: DatabaseSync, members: readonly Member[]): void {
  db.exec(`create temp table if not exists pick (series_id integer primary key, grp integer, site_id integer);
    delete from temp.pick`)
  const insert = db.prepare('insert into temp.pick values (?, ?, ?)')
  for (const { id, group, siteId } of members) insert.run(id, group, siteId)
}

function inSites(members: readonly Member[]): string {
  return `r.site_id in (${[...new Set(members.map((member) => member.siteId))].join(', ')})`
}

/** Whether every group is made of all series of its sites, and no site stands in two groups. */
function wholeSites(
  db: DatabaseSync,
  measurement: MeasurementName,
  members: readonly Member[],
  groups: ReadonlyMap<number, readonly Member[]>,
): boolean {
  const sitesOfGroups = [...groups.values()].map((own) => new Set(own.map((member) => member.siteId)).size)
  const sites = new Set(members.map((member) => member.siteId))
  if (sitesOfGroups.reduce((sum, n) => sum + n, 0) !== sites.size) return false
  return countSeries(db, measurement, sites) === members.length
}

/** How many series sites have, whatever their tags. */
function countSeries(db: DatabaseSync, measurement: MeasurementName, sites: ReadonlySet<number>): number {
  const counts = db.prepare(`select site_id, count(*) as n from ${seriesTable(measurement)} group by site_id`).all()
  return counts.filter((row) => sites.has(Number(row['site_id']))).reduce((sum, row) => sum + Number(row['n']), 0)
}
