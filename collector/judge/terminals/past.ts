/** Since when a device has been as it is now: looked up in the store from days to hours to samples. */
import type { RowsQuery } from '../../../store/query.ts'
import type { Store } from '../../../store/store.ts'
import { dayMs, utcOffsetSeconds } from '../../local-time.ts'
import { pointOf } from './faults.ts'
import { stretchesOf } from './stretches.ts'

/** `up`: how it is at the begin of what is known in detail. */
type Asked = { id: string; up: boolean }
/** `from`: since when; `atLeast`: the store knows of nothing else before it. `answeredAt`: of a silent one. */
export type Past = { up: boolean; from: number; atLeast: boolean; answeredAt: number | undefined }

const hourMs = 3_600_000
/** Five weeks: what has been so for longer is old enough. */
export const pastDays = 35
/** As many samples as this, or this share of few, are a change; one lost sweep is none. */
const leastSamples = 3
const leastShare = 0.05
const rowsEach = 130

type Bucket = { time: number; ups: number; count: number }
/** `at`: the last bucket in which it was otherwise; `next`: the one after it. */
type Found = Asked & { at: number; next: number | undefined }

export async function readPast(
  store: Store,
  { site, devices, before, timezone }: { site: string; devices: readonly Asked[]; before: number; timezone: string },
): Promise<Map<string, Past>> {
  const past = new Map<string, Past>()
  const offset = utcOffsetSeconds(before, timezone)
  const from = Math.floor((before + offset * 1000) / dayMs - pastDays) * dayMs - offset * 1000

  /** Of each device the last bucket in which it was otherwise; those that have none are settled. */
  async function narrow(asked: readonly Asked[], start: number, end: number, widthMs: number): Promise<Found[]> {
    const ids = asked.map(({ id }) => id)
    const buckets = await bucketsOf(store, site, ids, { from: start, to: end, widthMs, offset })
    return asked.flatMap((device) => {
      const own = buckets.get(device.id) ?? []
      const index = own.findLastIndex((bucket) => isOtherwise(device, bucket))
      const bucket = own[index]
      if (bucket !== undefined) return [{ ...device, at: bucket.time, next: own[index + 1]?.time }]
      const first = own[0]?.time
      if (first !== undefined) past.set(device.id, { up: device.up, from: first, atLeast: true, answeredAt: undefined })
      return []
    })
  }

  const days = devices.length === 0 ? [] : await narrow(devices, from, before, dayMs)
  for (const [day, ofDay] of Map.groupBy(days, ({ at }) => at)) {
    const later = new Map(ofDay.map(({ id, next }) => [id, next]))
    const hours = await narrow(ofDay, day, Math.min(day + dayMs, before), hourMs)
    for (const [hour, ofHour] of Map.groupBy(hours, ({ at }) => at)) {
      const samples = await samplesOf(store, site, ofHour, hour, Math.min(hour + hourMs, before))
      for (const found of ofHour) {
        const next = found.next ?? later.get(found.id) ?? Math.min(hour + hourMs, before)
        past.set(found.id, { up: found.up, atLeast: false, ...momentOf(found, samples.get(found.id) ?? [], next) })
      }
    }
  }
  return past
}

function isOtherwise({ up }: Asked, { ups, count }: Bucket): boolean {
  const others = up ? count - ups : ups
  return others > 0 && others >= Math.min(leastSamples, leastShare * count)
}

async function bucketsOf(
  store: Store,
  site: string,
  terminal: readonly string[],
  { from, to, widthMs, offset }: { from: number; to: number; widthMs: number; offset: number },
): Promise<Map<string, Bucket[]>> {
  const query = {
    measurement: 'terminal',
    field: 'up',
    match: { site, terminal },
    from,
    to,
    everySeconds: widthMs / 1000,
    utcOffsetSeconds: offset,
    by: ['terminal'],
  } as const
  const [sums, counts] = await Promise.all([
    store.range({ ...query, aggregate: 'sum' }),
    store.range({ ...query, aggregate: 'count' }),
  ])
  const ups = new Map(sums.map(({ tags, points }) => [tags['terminal'], new Map(points)]))
  return new Map(
    counts.map(({ tags, points }) => {
      const own = ups.get(tags['terminal'])
      return [tags['terminal'] ?? '', points.map(([time, count]) => ({ time, count, ups: own?.get(time) ?? 0 }))]
    }),
  )
}

async function samplesOf(store: Store, site: string, devices: readonly Asked[], from: number, to: number) {
  const terminal = devices.map(({ id }) => id)
  const query: RowsQuery = {
    measurement: 'terminal',
    match: { site, terminal },
    fields: ['up'],
    from,
    to,
    limit: terminal.length * rowsEach,
  }
  const rows = await store.rows(query)
  return Map.groupBy(
    rows.map((row) => ({ id: row.tags['terminal'] ?? '', ...pointOf(row) })),
    ({ id }) => id,
  )
}

/** The moment of the change within its hour; samples that old may be gone, then it is the next bucket. */
function momentOf({ up }: Asked, points: readonly { time: number; up: boolean | undefined }[], next: number) {
  const answeredAt = points.findLast((point) => point.up === true)?.time
  // Expected or not does not matter here: only who answered.
  const stretches = stretchesOf(points, () => true, points.at(-1)?.time ?? 0)
  const last = stretches.findLast(({ state }) => state === 'up' || state === 'down')
  const from = last !== undefined && (last.state === 'up') === up ? last.from : next
  return { from, answeredAt: up ? undefined : answeredAt }
}
