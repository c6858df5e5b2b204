/** What a school's month shows without a test: traffic of its links and quality of its paths, day by day. */
import { dateOf } from '../../core/calendar.ts'
import type { MeasurementName } from '../../core/catalog.ts'
import type { Aggregate } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'
import { localDay, utcOffsetSeconds } from '../local-time.ts'
import type { Month } from './month.ts'

const daySeconds = 86_400

const wanFields = {
  rx_mean_bps: 'mean',
  rx_peak_bps: 'max',
  tx_mean_bps: 'mean',
  tx_peak_bps: 'max',
  up: 'mean',
} as const satisfies Record<string, Aggregate>
const pathFields = { rtt_mean_seconds: 'mean', jitter_seconds: 'mean', loss_ratio: 'mean' } as const

type Day<K extends string, T extends string> = { date: string } & Record<T, string> & Partial<Record<K, number>>
export type Passive = {
  wan: Day<keyof typeof wanFields, 'link'>[]
  path: Day<keyof typeof pathFields, 'level'>[]
}

export async function readPassive(store: Store, site: string, month: Month, timezone: string): Promise<Passive> {
  async function byDay<K extends string, T extends string>(
    measurement: MeasurementName,
    tag: T,
    fields: Readonly<Record<K, Aggregate>>,
  ): Promise<Day<K, T>[]> {
    const days = new Map<string, Day<K, T>>()
    for (const [field, aggregate] of Object.entries(fields) as [K, Aggregate][]) {
      const series = await store.range({
        measurement,
        field,
        aggregate,
        match: { site },
        by: [tag],
        from: month.from,
        to: month.end,
        everySeconds: daySeconds,
        utcOffsetSeconds: utcOffsetSeconds(month.from, timezone),
      })
      for (const { tags, points } of series) {
        for (const [time, value] of points) {
          const date = dateOf(localDay(time, timezone))
          const key = `${date} ${tags[tag] ?? ''}`
          const day = days.get(key) ?? ({ date, [tag]: tags[tag] ?? '' } as Day<K, T>)
          days.set(key, Object.assign(day, { [field]: value }))
        }
      }
    }
    return [...days].toSorted(([a], [b]) => a.localeCompare(b)).map(([, day]) => day)
  }
  return { wan: await byDay('wan', 'link', wanFields), path: await byDay('path', 'level', pathFields) }
}
