/** Every bandwidth test of a month as rows of a table: of one school, or of all of them. */
import { directions } from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { testOf } from '../judge/results.ts'
import { type Evidence, seriesOf, type SiteVerdict } from '../judge/verdict.ts'
import { type Cell, type Column, filled, type Lang } from './document.ts'
import type { Month } from './month.ts'
import { reasonOf, stateText } from './say.ts'
import { directionWords, words } from './words.ts'
import { measurements, type FieldName } from '../../core/catalog.ts'

/** An answer of this size may have been cut: a school tests some ten times a day. */
const rowsPerSite = 40_000

export function readMonth(store: Store, site: string, { from, end }: Month): Promise<Row[]> {
  return store.rows({ measurement: 'bandwidth', match: { site }, from, to: end, limit: rowsPerSite })
}

const title = (name: FieldName<'bandwidth'>, lang: Lang) => measurements.bandwidth.fields[name].title[lang]

export function testColumns(lang: Lang): Column[] {
  const of = (name: FieldName<'bandwidth'>, kind: Column['kind'], unit = ''): Column => ({
    head: unit === '' ? title(name, lang) : `${title(name, lang)}${lang === 'zh' ? ' ' : ', '}${unit}`,
    kind,
  })
  return [
    { head: words.time[lang], kind: 'time' },
    { head: words.link[lang], kind: 'text' },
    { head: words.direction[lang], kind: 'text' },
    of('link_rate_bps', 'mbps', 'Mbit/s'),
    of('goodput_bps', 'mbps', 'Mbit/s'),
    of('target_bps', 'mbps', 'Mbit/s'),
    of('outcome', 'text'),
    of('cause', 'text'),
    { head: words.counted[lang], kind: 'text' },
    of('method', 'text'),
    of('trigger', 'text'),
    { head: words.testpoint[lang], kind: 'text' },
    of('layer', 'text'),
    of('other_rate_bps', 'mbps', 'Mbit/s'),
    of('margin_ratio', 'ratio'),
    of('rtt_idle_seconds', 'milliseconds', 'ms'),
    of('rtt_loaded_seconds', 'milliseconds', 'ms'),
    of('loss_ratio', 'ratio'),
    of('interface_rate_bps', 'mbps', 'Mbit/s'),
    of('cpu_ratio', 'ratio'),
    of('streams_count', 'count'),
    of('duration_seconds', 'decimal', 's'),
    of('transferred_bytes', 'megabytes', 'MB'),
  ]
}

/** `whole`: the verdict over the month, whose evidence says what counted. Oldest first, as they were run. */
export function testRows(rows: readonly Row[], whole: SiteVerdict, lang: Lang): Cell[][] {
  const evidence = new Map(
    whole.directions.map(
      ({ link, direction, evidence: own }) =>
        [seriesOf(link, direction), new Map(own.map((one) => [one.time, one]))] as const,
    ),
  )
  return rows.map((row) => {
    const { time, tags, fields } = row
    const { link = '', direction = '' } = tags
    const value = (name: FieldName<'bandwidth'>) => fields[name] ?? null
    const said = (name: FieldName<'bandwidth'>) => stateText(name, fields[name], lang)
    const known = directions.find((one) => one === direction)
    const outcome = value('outcome')
    return [
      time,
      link,
      known === undefined ? direction : directionWords[known][lang],
      value('link_rate_bps'),
      value('goodput_bps'),
      value('target_bps'),
      { value: said('outcome'), tone: outcome === 1 ? 'met' : outcome === 0 ? 'below' : 'unknown' },
      value('cause') === 0 ? '' : said('cause'),
      countedText(row, evidence.get(seriesOf(link, direction)), lang),
      said('method'),
      said('trigger'),
      tags['testpoint'] ?? '',
      said('layer').split(',')[0] ?? '',
      value('other_rate_bps'),
      value('margin_ratio'),
      value('rtt_idle_seconds'),
      value('rtt_loaded_seconds'),
      value('loss_ratio'),
      value('interface_rate_bps'),
      value('cpu_ratio'),
      value('streams_count'),
      value('duration_seconds'),
      value('transferred_bytes'),
    ]
  })
}

/** A confirmation that is no evidence of its own is part of the test before. What no link of the verdict has is nothing's. */
function countedText(row: Row, series: ReadonlyMap<number, Evidence> | undefined, lang: Lang): string {
  if (series === undefined) return words.counted_no_link[lang]
  const evidence = series.get(row.time)
  if (evidence?.counted) return words.counted_yes[lang]
  if (evidence !== undefined) return filled(words.counted_no, lang, { why: reasonOf(evidence, lang) })
  return testOf(row)?.trigger === 'confirmation' ? words.counted_confirms[lang] : words.counted_not_judged[lang]
}
