/**
 * Queries of the model as PromQL text, for the store, for Grafana panels and for alert rules alike. Pure: a question in,
 * a text out.
 *
 * - A field is a metric `<measurement>_<field>` whose labels are the tags. A bucket is a window that ends where it is
 *   evaluated: the value at 10:00 with a window of an hour is that of the bucket 09:00.
 * - In a panel, pass `panelWindow`; in a stat or table, `{ window: '$__range' }` with an instant query; in a rule its
 *   duration. The least interval of the panel must be the measurement's `intervalSeconds`, or windows come out empty.
 *   Only `exactLast` leaves plain PromQL for MetricsQL.
 * - A value of `match` that is a Grafana variable (`$site`, `${site}`) becomes a regular expression, so that several
 *   values and "All" (allValue `.+`) work. Everything else is a literal.
 * - Windows of plain PromQL cannot join samples of several series: with more than one series in a group, a quantile is
 *   the highest of theirs, and so is `last`, unless `exactLast` is asked for. The store answers those from samples.
 * - `expectedOnly` exists for the field `up` alone, as a metric of its own (`terminal_up_expected`).
 */
import { AppError } from '../../core/errors.ts'
import { measurements } from '../../core/catalog.ts'
import { isVariable, quotedPattern } from '../match.ts'
import type { LastQuery, Match, RangeQuery, ShareQuery } from '../query.ts'

/** How wide a window is, and how far it lies back. */
export type PromqlWindow = {
  window: string
  /** `1ms` makes the window [begin, end) instead of (begin, end]: exact in the store, immaterial in a panel. */
  offset?: string
  /** The newest of several series in MetricsQL, which only VictoriaMetrics knows. */
  exactLast?: boolean
}
/** A question without its time. */
export type PromqlRange = Pick<RangeQuery, 'measurement' | 'field' | 'match' | 'aggregate' | 'by' | 'expectedOnly'>
export type PromqlShare = PromqlRange & Pick<ShareQuery, 'of' | 'below'>

/** The buckets of the panel that a query stands in. */
export const panelWindow: PromqlWindow = { window: '$__interval' }

/** The field beside another one that holds its samples in expected time only; undefined where there is none. */
export function expectedField({ measurement, field }: Pick<RangeQuery, 'measurement' | 'field'>): string | undefined {
  return field === 'up' && Object.hasOwn(measurements[measurement].fields, 'expected') ? 'up_expected' : undefined
}

/** One value per group and window. */
export function rangePromql(query: PromqlRange, { window, offset, exactLast = false }: PromqlWindow): string {
  const { aggregate, by = [] } = query
  const samples = `${metric(query)}[${window}]${offset === undefined ? '' : ` offset ${offset}`}`
  const group = groupBy(by)
  if (typeof aggregate === 'object') return `max${group} (quantile_over_time(${aggregate.quantile}, ${samples}))`
  switch (aggregate) {
    case 'mean':
      // Each sample weighs the same, however many each series has.
      return `sum${group} (sum_over_time(${samples})) / sum${group} (count_over_time(${samples}))`
    case 'min':
    case 'max':
      return `${aggregate}${group} (${aggregate}_over_time(${samples}))`
    case 'sum':
    case 'count':
      return `sum${group} (${aggregate}_over_time(${samples}))`
    case 'last': {
      if (!exactLast) return `max${group} (last_over_time(${samples}))`
      const newest = `max${group} (tlast_over_time(${samples}))`
      const isNewest = `tlast_over_time(${samples}) == on (${by.join(', ')}) group_left () ${newest}`
      return `max${group} (last_over_time(${samples}) if (${isNewest}))`
    }
  }
}

/** The share of the groups `of` that are under `below`: 0 where none is, left out where none has a value. */
export function sharePromql(query: PromqlShare, window: PromqlWindow): string {
  const { below, of, by = [] } = query
  const values = rangePromql({ ...query, by: [...new Set([...by, ...of])] }, window)
  return `avg${groupBy(by)} ((${values}) < bool ${below})`
}

/** Several fields of a measurement at once; all of them, without any. */
export function selectFields(query: Pick<LastQuery, 'measurement' | 'match' | 'fields'>): string {
  const { measurement, match = {}, fields = Object.keys(measurements[measurement].fields) } = query
  return `{${[`__name__=~"${measurement}_(${fields.join('|')})"`, ...labels(match)].join(',')}}`
}

/** The selector of a field, or of its samples in expected time. */
export function metric(query: Pick<PromqlRange, 'measurement' | 'field' | 'match' | 'expectedOnly'>): string {
  const { measurement, field, match = {}, expectedOnly = false } = query
  const name = expectedOnly ? expectedField(query) : field
  if (name === undefined) {
    const message = `The query has no PromQL: expected time is kept apart for the field up of terminals, not for ${measurement} ${field}.`
    throw new AppError('query_invalid', message)
  }
  const conditions = labels(match)
  return `${measurement}_${name}${conditions.length === 0 ? '' : `{${conditions.join(',')}}`}`
}

function labels(match: Match): string[] {
  return Object.entries(match).map(([tag, wanted]) => {
    if (typeof wanted !== 'string') return `${tag}=~${quote(wanted.map(quotedPattern).join('|'))}`
    return isVariable(wanted) ? `${tag}=~"${wanted}"` : `${tag}=${quote(wanted)}`
  })
}

function groupBy(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')})`
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`
}
