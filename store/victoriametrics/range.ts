/** `range`: by PromQL where it can tell, from samples where it cannot. */
import { tooManyGroups } from '../check-query.ts'
import type { RangeQuery, Series } from '../query.ts'
import { type Api, maxTextLength } from './api.ts'
import { createFold } from './fold.ts'
import { expectedField, rangePromql, selectFields } from './promql.ts'

/** Servers answer 30,000 points of a series (`-search.maxPointsPerTimeseries`). */
const maxSteps = 10_000
/** The newest half minute of buckets under a minute is made up by the server; asked an hour earlier it is left alone. */
const shortStepMs = 60_000
const shiftMs = 3_600_000

export async function readRange(api: Api, query: RangeQuery): Promise<Series[]> {
  const { maxSeconds, maxGroups = Infinity } = query
  const timeoutMs = maxSeconds === undefined ? undefined : maxSeconds * 1000
  const simple = simplified(query)
  const series = (await hasPromql(api, simple, timeoutMs))
    ? await fromPromql(api, simple, timeoutMs)
    : await fromSamples(api, simple, timeoutMs)
  if (series.length > maxGroups) throw tooManyGroups(maxGroups)
  return series
}

/** The outermost quantiles are what every dialect has a name for. */
function simplified(query: RangeQuery): RangeQuery {
  const quantile = typeof query.aggregate === 'object' ? query.aggregate.quantile : undefined
  if (quantile === 0) return { ...query, aggregate: 'min' }
  return quantile === 1 ? { ...query, aggregate: 'max' } : query
}

async function hasPromql(api: Api, query: RangeQuery, timeoutMs: number | undefined): Promise<boolean> {
  const { aggregate, by = [], from, to, expectedOnly = false } = query
  if (expectedOnly && expectedField(query) === undefined) return false
  if (rangePromql(query, { window: '1ms', exactLast: true }).length > maxTextLength) return false
  if (typeof aggregate === 'string') return true
  const present = rangePromql({ ...query, aggregate: 'count', by: [] }, { window: `${to - from}ms` })
  const perGroup = present.replace(/^sum/, `count by (${by.join(', ')})`)
  const counts = await api.instant(`max (${perGroup})`, to - 1, timeoutMs)
  return counts.every(({ points }) => points.every(([, count]) => count === 1))
}

async function fromPromql(api: Api, query: RangeQuery, timeoutMs: number | undefined): Promise<Series[]> {
  const { by = [], everySeconds, maxGroups } = query
  const every = everySeconds * 1000
  const shift = every < shortStepMs ? shiftMs : 0
  const found = new Map<string, Series>()
  const textOf = (windowMs: number) => {
    const text = rangePromql(query, { window: `${windowMs}ms`, offset: `${1 - shift}ms`, exactLast: true })
    return maxGroups === undefined ? text : `limitk(${maxGroups + 1}, ${text})`
  }
  const add = (answer: Awaited<ReturnType<Api['range']>>, beginOf: (time: number) => number) => {
    for (const { labels, points } of answer) {
      const tags = Object.fromEntries(by.map((tag) => [tag, labels[tag] ?? '']))
      const key = JSON.stringify(tags)
      const series = found.get(key) ?? { tags, points: [] }
      found.set(key, series)
      for (const [time, value] of points) series.points.push([beginOf(time), value])
    }
  }
  const { cut, whole } = bucketsOf(query)
  for (const { begin, from, to } of cut) {
    add(await api.instant(textOf(to - from), to - shift, timeoutMs), () => begin)
  }
  for (let begin = whole.from; begin < whole.to; begin += maxSteps * every) {
    const last = Math.min(whole.to, begin + maxSteps * every) - every
    add(
      await api.range(textOf(every), begin + every - shift, last + every - shift, every, timeoutMs),
      (time) => time + shift - every,
    )
  }
  for (const { points } of found.values()) points.sort(([a], [b]) => a - b)
  return [...found.values()]
}

type Bucket = { begin: number; from: number; to: number }

/** The buckets that `from` and `to` cut, and the span of the whole ones between them. */
function bucketsOf({ from, to, everySeconds, utcOffsetSeconds = 0 }: RangeQuery) {
  const every = everySeconds * 1000
  const beginOf = (time: number) =>
    Math.floor((time + utcOffsetSeconds * 1000) / every) * every - utcOffsetSeconds * 1000
  const first = beginOf(from)
  const last = beginOf(to - 1)
  const cut: Bucket[] = []
  if (first < from || first + every > to) cut.push({ begin: first, from, to: Math.min(to, first + every) })
  if (last > first && last + every > to) cut.push({ begin: last, from: last, to })
  const isCut = (begin: number) => cut.some((bucket) => bucket.begin === begin)
  return { cut, whole: { from: isCut(first) ? first + every : first, to: isCut(last) ? last : last + every } }
}

async function fromSamples(api: Api, query: RangeQuery, timeoutMs: number | undefined): Promise<Series[]> {
  const { from, to, field, expectedOnly = false } = query
  const fold = createFold(query)
  const selector = selectFields({ ...query, fields: expectedOnly ? [field, 'expected'] : [field] })
  for await (const exported of api.samples(selector, from, to, timeoutMs)) fold.add(exported)
  return fold.result()
}
