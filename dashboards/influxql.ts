/** Questions as InfluxQL: a subquery for each layer above that of the store. Column `value`, one tag for each group. */
import { tagsOf } from '../core/catalog.ts'
import { comparison, conditions, rangeInfluxql } from '../store/influxdb/influxql.ts'
import {
  type Condition,
  type Dialect,
  groupsOf,
  type Question,
  recentSeconds,
  type Step,
  storeQuery,
  type Window,
} from './query.ts'

const timeFilter = '$timeFilter'

export const influxql: Dialect = {
  name: 'influxql',
  datasource: 'influxdb',
  all: '.*',
  write: (question, window, column) => {
    if (question.over === 'heard') return heard(question, column)
    const text = scaled(question, question.combine === undefined ? asked(question, window) : combined(question, window))
    return column === undefined ? text : `SELECT "value" AS "${column}" FROM (${text})${tags(groupsOf(question))}`
  },
  values: (measurement, _field, tag, match) => {
    const where = Object.entries(match).map(([key, value]) => `${name(key)} ${comparison(value)}`)
    const condition = where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''
    return `SHOW TAG VALUES FROM ${name(measurement)} WITH KEY = ${name(tag)}${condition}`
  },
  legend: (tags) => tags.map((tag) => `$tag_${tag}`).join(' '),
}

function asked(question: Question, window: Window): string {
  const { where, steps } = question
  const [first, ...rest] = steps
  const direct = where === undefined && isDirect(question, first)
  let text = direct
    ? series(question, first.by, window)
    : step(series(question, tagsOf(question.measurement), window), first, where, window)
  let condition = first.where
  for (const next of rest) {
    text = step(text, next, condition, window)
    condition = next.where
  }
  return condition === undefined
    ? text
    : `SELECT "value" FROM (${text}) WHERE ${compare(condition)}${tags(groupsOf(question))}`
}

/** Whether one function over all samples of a group says the same as one over its series. */
function isDirect({ over }: Question, { across }: Step): boolean {
  return over === across && (over === 'min' || over === 'max')
}

/** The samples of each group of tags. */
function series(question: Question, by: readonly string[], window: Window): string {
  const { measurement, field, over } = question
  const from = `FROM ${name(measurement)} WHERE ${conditions(storeQuery(question), timeFilter)}`
  switch (over) {
    case 'spread':
      return `SELECT spread(${name(field)}) AS "value" ${from}${grouped(by, window)}`
    case 'recent':
      // Empty buckets count as 0, so that a series that has stopped still has a newest value.
      return `SELECT last("value") AS "value" FROM (SELECT moving_average(count(${name(field)}), 2) AS "value" ${from}${tags(by, `time(${recentSeconds}s)`)} fill(0))${tags(by)}`
    default: {
      const buckets = window === 'buckets' ? { every: '$__interval' } : {}
      const aggregate = over === 'heard' ? 'last' : over
      return rangeInfluxql({ ...storeQuery(question), aggregate, by }, { time: timeFilter, ...buckets })
    }
  }
}

/** GROUP BY of a chart or a table. */
function grouped(by: readonly string[], window: Window): string {
  return window === 'buckets' ? `${tags(by, 'time($__interval)')} fill(none)` : tags(by)
}

function step(inner: string, { across, by }: Step, condition: Condition | undefined, window: Window): string {
  // Without buckets a condition on time around a subquery loses rows of aggregates (InfluxDB 1.6.7).
  const where = [
    ...(window === 'buckets' ? [timeFilter] : []),
    ...(condition === undefined ? [] : [compare(condition)]),
  ]
  const select = `SELECT ${across}("value") AS "value" FROM (${inner})${where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''}`
  return `${select}${grouped(by, window)}`
}

/** Two questions side by side in one FROM; each fills a column of its own. */
function combined(question: Question, window: Window): string {
  const { op, with: other } = question.combine as NonNullable<Question['combine']>
  const by = groupsOf(question)
  const side = (one: Question, column: string) =>
    `(SELECT "value" AS "${column}" FROM (${asked(one, window)})${tags(by)})`
  const select = `SELECT mean("a") ${op} mean("b") AS "value" FROM ${side(question, 'a')}, ${side(other, 'b')}`
  return window === 'buckets'
    ? `${select} WHERE ${timeFilter}${tags(by, 'time($__interval)')} fill(none)`
    : `${select}${tags(by)}`
}

/** The time of the newest sample is the answer's own time. */
function heard(question: Question, column = 'value'): string {
  return series(question, groupsOf(question), 'span').replace('"value"', `"${column}"`)
}

function scaled({ perSecond }: Question, text: string): string {
  return perSecond ? `SELECT "value" / ($__interval_ms / 1000) AS "value" FROM (${text})` : text
}

function compare({ op, value }: Condition): string {
  return `"value" ${op} ${value}`
}

function tags(by: readonly string[], ...first: string[]): string {
  const groups = [...first, ...by.map(name)]
  return groups.length > 0 ? ` GROUP BY ${groups.join(', ')}` : ''
}

function name(text: string): string {
  return `"${text}"`
}
