/** Queries are checked before they become SQL, InfluxQL or PromQL: names from the catalog only, numbers that are numbers. */
import { measurementOf, tagsOf } from '../core/catalog.ts'
import { AppError } from '../core/errors.ts'
import type { Aggregate, LastQuery, RangeQuery, RowsQuery } from './query.ts'

/** The query with whole times, or `query_invalid`. */
export function checkQuery<Q extends LastQuery | RowsQuery | RangeQuery>(query: Q): Q {
  const definition = measurementOf(query.measurement)
  if (definition === undefined) throw invalid(`measurement ${query.measurement} is not in the catalog`)
  const tags = tagsOf(query.measurement)
  const fields = 'field' in query ? [query.field] : ((query as LastQuery).fields ?? [])
  for (const field of fields) {
    if (!Object.hasOwn(definition.fields, field)) throw invalid(`${query.measurement} has no field ${field}`)
  }
  for (const tag of [...Object.keys(query.match ?? {}), ...('by' in query ? (query.by ?? []) : [])]) {
    if (!tags.includes(tag)) throw invalid(`${query.measurement} has no tag ${tag}; its tags are ${tags.join(', ')}`)
  }
  if (!Number.isFinite(query.from) || !Number.isFinite(query.to)) throw invalid('from and to must be times in ms')
  if ('limit' in query) positive('limit', query.limit)
  if ('everySeconds' in query) checkRange(query)
  return { ...query, from: Math.ceil(query.from), to: Math.ceil(query.to) }
}

function checkRange(query: RangeQuery): void {
  const { measurement, everySeconds, utcOffsetSeconds = 0, aggregate, expectedOnly, maxGroups } = query
  positive('everySeconds', everySeconds)
  if (maxGroups !== undefined) positive('maxGroups', maxGroups)
  if (!Number.isInteger(utcOffsetSeconds)) throw invalid(`utcOffsetSeconds ${utcOffsetSeconds} is not a whole number`)
  if (typeof aggregate === 'object' && !(aggregate.quantile >= 0 && aggregate.quantile <= 1)) {
    throw invalid(`quantile ${aggregate.quantile} is not within 0..1`)
  }
  if (!expectedOnly) return
  if (!Object.hasOwn(measurementOf(measurement)?.fields ?? {}, 'expected')) {
    throw invalid(`${measurement} has no field expected`)
  }
  if (!allowsExpectedOnly(aggregate)) throw invalid('expectedOnly goes with mean, sum and count only')
}

/** Stores keep sums over expected time, and nothing else of it. */
function allowsExpectedOnly(aggregate: Aggregate): boolean {
  return aggregate === 'mean' || aggregate === 'sum' || aggregate === 'count'
}

function positive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${name} ${value} is not a positive whole number`)
}

/** The answer to a query of more groups than it allows. */
export function tooManyGroups(most: number): AppError {
  const message = `The query cannot be answered: more than ${most} groups; group by fewer tags, or name one (site=…).`
  return new AppError('query_invalid', message, { parameter: 'by' })
}

function invalid(reason: string): AppError {
  return new AppError('query_invalid', `The query cannot be answered: ${reason}.`)
}
