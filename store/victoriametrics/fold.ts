/** Samples → buckets, for the questions that PromQL cannot answer. */
import { tagsOf } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import { quantileOf } from '../quantile.ts'
import type { Aggregate, RangeQuery, Series } from '../query.ts'
import type { Exported } from './api.ts'

/** Some 16 bytes each. */
const maxSamples = 5_000_000

export type Fold = { add: (part: Exported) => void; result: () => Series[] }
type Member = { group: string; times: number[]; values: number[]; expected: Set<number> }

export function createFold(query: RangeQuery): Fold {
  const { measurement, field, by = [], everySeconds, utcOffsetSeconds = 0, expectedOnly = false, aggregate } = query
  const [every, offset] = [everySeconds * 1000, utcOffsetSeconds * 1000]
  const members = new Map<string, Member>()
  const groups = new Map<string, Record<string, string>>()
  let samples = 0

  const memberOf = (labels: Exported['labels']): Member => {
    const key = tagsOf(measurement)
      .map((tag) => labels[tag] ?? '')
      .join('\u001f')
    const known = members.get(key)
    if (known !== undefined) return known
    const tags = Object.fromEntries(by.map((tag) => [tag, labels[tag] ?? '']))
    const member = { group: JSON.stringify(tags), times: [], values: [], expected: new Set<number>() }
    groups.set(member.group, tags)
    members.set(key, member)
    return member
  }

  return {
    add: ({ labels, times, values }) => {
      samples += times.length
      if (samples > maxSamples) throw tooMany(query)
      const member = memberOf(labels)
      if (labels['__name__'] === `${measurement}_expected`) {
        for (const [index, time] of times.entries()) if (values[index] === 1) member.expected.add(time)
        if (field !== 'expected') return
      }
      for (const [index, time] of times.entries()) {
        member.times.push(time)
        member.values.push(values[index] as number)
      }
    },
    result: () => {
      const buckets = new Map<string, Map<number, [number, number][]>>()
      for (const { group, times, values, expected } of members.values()) {
        const own = buckets.get(group) ?? new Map<number, [number, number][]>()
        buckets.set(group, own)
        for (const [index, time] of times.entries()) {
          if (expectedOnly && !expected.has(time)) continue
          const begin = Math.floor((time + offset) / every) * every - offset
          const inside = own.get(begin) ?? []
          own.set(begin, inside)
          inside.push([time, values[index] as number])
        }
      }
      return [...buckets]
        .map(([group, own]) => ({
          tags: groups.get(group) ?? {},
          points: [...own]
            .toSorted(([a], [b]) => a - b)
            .map(([begin, inside]): [number, number] => [begin, valueOf(aggregate, inside)]),
        }))
        .filter(({ points }) => points.length > 0)
    },
  }
}

function valueOf(aggregate: Aggregate, samples: readonly [time: number, value: number][]): number {
  if (typeof aggregate === 'object')
    return quantileOf(
      samples.map(([, value]) => value),
      aggregate.quantile,
    )
  const add = (sum: number, [, value]: readonly [number, number]) => sum + value
  switch (aggregate) {
    case 'count':
      return samples.length
    case 'sum':
      return samples.reduce(add, 0)
    case 'mean':
      return samples.reduce(add, 0) / samples.length
    case 'min':
      return samples.reduce((least, [, value]) => Math.min(least, value), Infinity)
    case 'max':
      return samples.reduce((most, [, value]) => Math.max(most, value), -Infinity)
    case 'last':
      return samples.reduce((newest, one) => (one[0] >= newest[0] ? one : newest))[1]
  }
}

function tooMany({ measurement, field }: RangeQuery): AppError {
  return new AppError(
    'query_invalid',
    `The query cannot be answered: more than ${maxSamples} samples of ${measurement} ${field} have to be read one by one; ask for a shorter time or for less of the district.`,
  )
}
