/** The share of groups under a threshold, over any store: its ranges are the same everywhere, and so is this. */
import type { Series, ShareQuery } from './query.ts'
import type { Store } from './store.ts'

export async function shareBelow(store: Pick<Store, 'range'>, query: ShareQuery): Promise<Series[]> {
  const { of, below, by = [], ...range } = query
  const values = await store.range({ ...range, by: [...new Set([...by, ...of])] })
  const groups = Map.groupBy(values, ({ tags }) => JSON.stringify(by.map((tag) => tags[tag])))
  return [...groups.values()].map((members) => {
    const buckets = new Map<number, { under: number; all: number }>()
    for (const [time, value] of members.flatMap(({ points }) => points)) {
      const bucket = buckets.get(time) ?? { under: 0, all: 0 }
      buckets.set(time, { under: bucket.under + (value < below ? 1 : 0), all: bucket.all + 1 })
    }
    return {
      tags: Object.fromEntries(by.map((tag) => [tag, members[0]?.tags[tag] ?? ''])),
      points: [...buckets]
        .toSorted(([a], [b]) => a - b)
        .map(([time, { under, all }]): [number, number] => [time, under / all]),
    }
  })
}
