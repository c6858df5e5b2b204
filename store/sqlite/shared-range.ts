/**
 * Questions that are asked in one breath and differ in nothing but their aggregate: the mean of each device, and of how many
 * samples it is. The parts of a bucket hold mean, sum and count alike, so they are read once.
 */
import type { Aggregate, RangeQuery, Series } from '../query.ts'
import type { PackedSeries, RangeCall } from './range.ts'
import { unpackSeries } from './unpack.ts'

const shared: readonly Aggregate[] = ['mean', 'sum', 'count']

export function createSharedRange(ask: (call: RangeCall) => Promise<PackedSeries>) {
  const waiting = new Map<string, { aggregates: Aggregate[]; answer: Promise<PackedSeries> }>()

  return async (query: RangeQuery): Promise<Series[]> => {
    const { aggregate, ...rest } = query
    if (!shared.includes(aggregate)) return unpackSeries(await ask({ query, aggregates: [aggregate] }), 0)
    const key = JSON.stringify(rest)
    let call = waiting.get(key)
    if (call === undefined) {
      const aggregates: Aggregate[] = []
      // By the next turn of the queue all that are asked in this one have come.
      const answer = Promise.resolve().then(() => {
        waiting.delete(key)
        return ask({ query, aggregates })
      })
      call = { aggregates, answer }
      waiting.set(key, call)
    }
    const { aggregates, answer } = call
    const index = aggregates.includes(aggregate) ? aggregates.indexOf(aggregate) : aggregates.push(aggregate) - 1
    return unpackSeries(await answer, index)
  }
}
