/** Columns of the list of schools. */
import type { DirectionDocument, SiteDocument } from '../schemas.ts'
import { h } from './dom.ts'
import { categoryName, presenceName, rateBar, selfTestLabel, verdictLabel } from './marks.ts'
import { serverNow } from './server-time.ts'
import { ago, fullTime, megabits, pick, roundRate, say } from './words.ts'

/** A school with what its row and the search need. */
export type SiteRow = {
  site: SiteDocument
  name: string
  sought: string
  /** The links' worst direction each way: what the row tells. */
  down: DirectionDocument | undefined
  up: DirectionDocument | undefined
  lastTest: string | undefined
  draw: () => HTMLElement
}

export type Column = {
  name: 'school' | 'verdict' | 'trials' | 'down' | 'up' | 'last' | 'presence'
  class: string
  title: () => string
  /** Worst first. */
  compare: (a: SiteRow, b: SiteRow) => number
  cell: (row: SiteRow) => (Node | string)[]
}

const rank = { below: 0, unknown: 1, met: 2 } as const
const presenceRank = { offline: 0, never: 1, silent: 2, online: 3 } as const
const ratio = (direction: DirectionDocument | undefined) =>
  direction === undefined ? 9 : (direction.median_bps ?? 8 * direction.target_bps) / direction.target_bps

export const columns: readonly Column[] = [
  {
    name: 'school',
    class: 'school',
    title: () => say('school'),
    compare: (a, b) => a.name.localeCompare(b.name),
    cell: ({ site, name }) => [
      h('a', { href: `#/site/${encodeURIComponent(site.id)}`, 'data-key': `site-${site.id}` }, name),
      h('small', {}, `${pick(site.town.name)} · ${categoryName(site.category)}`),
    ],
  },
  {
    name: 'verdict',
    class: 'state',
    title: () => say('verdict'),
    compare: (a, b) =>
      rank[a.site.verdict] - rank[b.site.verdict] ||
      (a.down?.met_ratio ?? 2) - (b.down?.met_ratio ?? 2) ||
      ratio(a.down) - ratio(b.down),
    cell: ({ site }) => [verdictLabel(site.verdict, site.presence.state), ...(site.self_test ? [selfTestLabel()] : [])],
  },
  {
    name: 'trials',
    class: 'number trials',
    title: () => say('trials'),
    compare: (a, b) => (a.down?.met_ratio ?? 2) - (b.down?.met_ratio ?? 2),
    cell: ({ down }) => [
      down === undefined || down.trials_count === 0
        ? '–'
        : say('count_of', { met: down.met_count, trials: down.trials_count }),
    ],
  },
  {
    name: 'down',
    class: 'rate',
    title: () => say('median_down'),
    compare: (a, b) => ratio(a.down) - ratio(b.down),
    cell: ({ down, site }) => rateCell(down, site.asked_ratio),
  },
  {
    name: 'up',
    class: 'rate up',
    title: () => say('median_up'),
    compare: (a, b) => ratio(a.up) - ratio(b.up),
    cell: ({ up, site }) => rateCell(up, site.asked_ratio),
  },
  {
    name: 'last',
    class: 'number last',
    title: () => say('last_test'),
    compare: (a, b) => (a.lastTest ?? '').localeCompare(b.lastTest ?? ''),
    cell: ({ lastTest }) =>
      lastTest === undefined
        ? ['–']
        : [h('time', { datetime: lastTest, title: fullTime(lastTest) }, ago(lastTest, serverNow()))],
  },
  {
    name: 'presence',
    class: 'presence',
    title: () => say('presence'),
    compare: (a, b) =>
      presenceRank[a.site.presence.state] - presenceRank[b.site.presence.state] ||
      (a.site.presence.since ?? '').localeCompare(b.site.presence.since ?? ''),
    cell: ({ site: { presence } }) => [
      h('span', { class: `presence ${presence.state}` }, presenceName(presence.state)),
      ...(presence.state === 'online' || presence.since === null
        ? []
        : [h('small', {}, ago(presence.since, serverNow()))]),
    ],
  },
]

function rateCell(direction: DirectionDocument | undefined, askedRatio: number): (Node | string)[] {
  if (direction === undefined) return ['–']
  const { median_bps, target_bps } = direction
  return [
    h('b', {}, median_bps === null ? '–' : megabits(median_bps)),
    h('small', {}, say('of_target', { target: roundRate(target_bps) })),
    rateBar(median_bps, direction, askedRatio),
  ]
}

export function siteRow(site: SiteDocument): SiteRow {
  const name = pick(site.name)
  const sought = [site.id, site.name.en, site.name.zh, site.town.name.en, site.town.name.zh].join(' ').toLowerCase()
  const tests = site.links.flatMap(({ directions: { down, up } }) => [down.latest?.time, up.latest?.time])
  const row: SiteRow = {
    site,
    name,
    sought,
    down: worst(site.links.map(({ directions }) => directions.down)),
    up: worst(site.links.map(({ directions }) => directions.up)),
    lastTest: tests
      .filter((time) => time !== undefined)
      .sort()
      .at(-1),
    draw: () =>
      h(
        'tr',
        { class: site.verdict },
        ...columns.map((column, i) =>
          h(i === 0 ? 'th' : 'td', { class: column.class, scope: i === 0 ? 'row' : undefined }, ...column.cell(row)),
        ),
      ),
  }
  return row
}

function worst(directions: readonly DirectionDocument[]): DirectionDocument | undefined {
  return [...directions].sort((a, b) => rank[a.verdict] - rank[b.verdict] || ratio(a) - ratio(b))[0]
}
