/**
 * Queries of the model as InfluxQL text, for the store and for Grafana panels alike. Pure: a question in, a text out.
 *
 * - In a panel, pass `panelWindow`, or a window without `every` for one value per group (stats, tables). The least
 *   interval of the panel must be the measurement's `intervalSeconds`, or buckets come out empty.
 * - A value of `match` that is a Grafana variable (`$site`, `${site}`) becomes a regular expression, so that several
 *   values and "All" (allValue `.*`) work. Everything else is a literal.
 * - An answer has the column `value`, and a tag for each of `by`.
 * - An empty list in `match` has no text: `matchesNothing` (../match.ts) answers it without a question.
 */
import { measurements, tagsOf } from '../../core/catalog.ts'
import { isVariable, quotedPattern } from '../match.ts'
import type { LastQuery, Match, RangeQuery, RowsQuery, ShareQuery } from '../query.ts'

/** Where a query looks, and how it is cut into buckets. */
export type InfluxqlWindow = {
  /** The condition on time. */
  time: string
  /** Width of a bucket, and the shift of its edges if any: `1d, -8h` begins days at midnight in China. */
  every?: string
  /** Groups beyond are not answered. */
  maxGroups?: number
}
/** A question without its time. */
export type InfluxqlRange = Pick<RangeQuery, 'measurement' | 'field' | 'match' | 'aggregate' | 'by' | 'expectedOnly'>
export type InfluxqlShare = InfluxqlRange & Pick<ShareQuery, 'of' | 'below'>
export type InfluxqlRows = Pick<LastQuery, 'measurement' | 'match' | 'fields'>

/** The time and the buckets of the panel that a query stands in. */
export const panelWindow: InfluxqlWindow = { time: '$timeFilter', every: '$__interval' }

export function timeBetween({ from, to }: Pick<LastQuery, 'from' | 'to'>): string {
  return `time >= ${from}ms AND time < ${to}ms`
}

/** One value per group and bucket. */
export function rangeInfluxql(query: InfluxqlRange, window: InfluxqlWindow): string {
  const { measurement, field, by = [] } = query
  const from = `${quote(measurement)} WHERE ${conditions(query, window.time)}`
  const { value, negated } = valueOf(query)
  const source = negated ? `(SELECT -1 * ${quote(field)} AS "negated" FROM ${from}) WHERE ${window.time}` : from
  return `SELECT ${value} AS "value" FROM ${source}${groupBy(by, window)}`
}

/** The share of the groups `of` that are under `below`: 0 where none is, left out where none has a value. */
export function shareInfluxql(query: InfluxqlShare, window: InfluxqlWindow): string {
  const { below, of, by = [] } = query
  const { maxGroups: _, ...within } = window
  const values = rangeInfluxql({ ...query, by: [...new Set([...by, ...of])] }, within)
  // 1 where the value is less, else 0: InfluxQL compares in conditions only, and what they leave out counts for nothing.
  const gap = `(${below} - "value")`
  const isBelow = `SELECT ceil(${gap} / (abs${gap} + 1)) AS "below" FROM (${values})`
  return `SELECT mean("below") AS "value" FROM (${isBelow}) WHERE ${window.time}${groupBy(by, window)}`
}

/** The newest sample of each series, with the fields asked for (all, without any): one that has none of them is passed over. */
export function lastInfluxql(query: InfluxqlRows, time: string): string {
  const { measurement } = query
  const groups = tagsOf(measurement).map(quote).join(', ')
  return `SELECT ${fieldsOf(query)} FROM ${quote(measurement)} WHERE ${conditions(query, time)} GROUP BY ${groups} ORDER BY time DESC LIMIT 1`
}

/** Whole samples with their tags as columns, newest first. */
export function rowsInfluxql(query: InfluxqlRows & Pick<RowsQuery, 'limit'>, time: string): string {
  const { measurement, limit } = query
  const tags = tagsOf(measurement).map((tag) => `${quote(tag)}::tag`)
  return `SELECT ${fieldsOf(query)}, ${tags.join(', ')} FROM ${quote(measurement)} WHERE ${conditions(query, time)} ORDER BY time DESC LIMIT ${limit}`
}

function fieldsOf({ measurement, fields = Object.keys(measurements[measurement].fields) }: InfluxqlRows): string {
  return fields.map((field) => `${quote(field)}::field`).join(', ')
}

/**
 * `percentile` takes the nearest rank round(n·q) - 1. From the median up that is a neighbour of q·(n - 1); below it may be
 * one too low, or none at all, so there the values are taken from the other end.
 */
function valueOf({ field, aggregate }: InfluxqlRange): { value: string; negated?: boolean } {
  if (typeof aggregate === 'string') return { value: `${aggregate}(${quote(field)})` }
  const { quantile } = aggregate
  if (quantile === 0) return { value: `min(${quote(field)})` }
  if (quantile >= 0.5) return { value: `percentile(${quote(field)}, ${100 * quantile})` }
  return { value: `percentile("negated", ${100 * (1 - quantile)}) * -1`, negated: true }
}

/** What stands behind WHERE. */
export function conditions(
  { match = {}, expectedOnly }: { match?: Match; expectedOnly?: boolean },
  time: string,
): string {
  const tags = Object.entries(match).map(([tag, wanted]) => `${quote(tag)} ${comparison(wanted)}`)
  return [time, ...tags, ...(expectedOnly ? ['"expected" = 1'] : [])].join(' AND ')
}

/** A tag against what is wanted of it. */
export function comparison(wanted: Match[string]): string {
  if (typeof wanted === 'string' && !isVariable(wanted)) return `= '${wanted.replace(/[\\']/g, '\\$&')}'`
  if (typeof wanted === 'string') return `=~ /^${wanted}$/`
  return `=~ /^(${wanted.map((value) => quotedPattern(value).replaceAll('/', '\\/')).join('|')})$/`
}

function groupBy(by: readonly string[], { every, maxGroups }: InfluxqlWindow): string {
  const groups = [...(every === undefined ? [] : [`time(${every})`]), ...by.map(quote)]
  const text = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`
  return `${text}${every === undefined ? '' : ' fill(none)'}${maxGroups === undefined ? '' : ` SLIMIT ${maxGroups}`}`
}

export function quote(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&')}"`
}
