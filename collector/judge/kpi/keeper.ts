/** Which days are due: yesterday, those missed since the last, and those that late data touched. One a round. */
import type { Batch } from '../../../core/batch.ts'
import type { MeasurementName } from '../../../core/catalog.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Store } from '../../../store/store.ts'
import { localDay, timeOn } from '../../local-time.ts'
import type { Registry } from '../../registry.ts'
import { longestWindow } from '../rejudge.ts'
import type { DueDays } from './due-days.ts'
import { readDay } from './read-day.ts'
import { changedRows, kpiBatch, kpiRows } from './rows.ts'

/** A backfill trickles: a day is worked out again when nothing more came for it in so long. */
const settleMs = 10 * 60_000
/** Days that are caught up after a time without a judge. */
const missedDays = 7
/** How far back late data is followed. */
const dirtyDays = 35
/** Corrections of one day lie within this; more than a thousand are none. */
const correctionsMs = 1_000
const batchRows = 5_000

const sources: readonly MeasurementName[] = ['terminal', 'wan', 'path', 'service', 'device', 'agent', 'bandwidth']

export type KpiKeeper = {
  /** Late samples make their day due again. */
  notice: (batch: Batch, registry: Registry, now: number) => void
  /** Works out one day that is due; whether it did. A failure is told once, and tried again. */
  run: (registry: Registry, now: number) => Promise<boolean>
}

/** `kept`: days that are due outlive a restart in it. */
export function createKpiKeeper(store: Store, log: Log, kept?: Pick<DueDays, 'all' | 'add' | 'drop'>): KpiKeeper {
  /** Local days, and since when they are left alone; what came before the start has settled. */
  const dirty = new Map<number, number>((kept?.all() ?? []).map((day) => [day, 0]))
  let newest: number | undefined
  let failing = false

  /** The newest day that is stored; the day before yesterday of a district that has none. */
  async function newestStored(registry: Registry, today: number): Promise<number> {
    const { timezone } = registry.data.district
    const from = timeOn(today - missedDays - 1, 0, timezone)
    const match = { scope: 'district' }
    const rows = await store.last({ measurement: 'kpi', match, from, to: timeOn(today, 0, timezone) })
    return rows.length === 0 ? today - 2 : Math.max(...rows.map(({ time }) => localDay(time, timezone)))
  }

  async function write(registry: Registry, day: number): Promise<void> {
    const from = timeOn(day, 0, registry.data.district.timezone)
    const rows = kpiRows(await readDay(store, registry, day), from)
    const limit = rows.length * 20
    const stored = await store.rows({ measurement: 'kpi', from, to: from + correctionsMs, limit: Math.max(1, limit) })
    const changed = changedRows(rows, stored)
    for (let i = 0; i < changed.length; i += batchRows) {
      const { rejected, retry, durable } = await store.write([kpiBatch(changed.slice(i, i + batchRows))])
      await durable
      for (const reason of rejected.values())
        log.error({ reason }, 'The store refused figures of the plan; they are lost.')
      if (retry.length > 0) throw new Error('the store is to be given figures of the plan again')
    }
  }

  async function next(registry: Registry, now: number): Promise<boolean> {
    const today = localDay(now, registry.data.district.timezone)
    newest ??= await newestStored(registry, today)
    const missed = Math.max(newest + 1, today - missedDays)
    if (missed < today) {
      await write(registry, missed)
      newest = missed
      return true
    }
    const [day] = [...dirty].find(([, since]) => now - since >= settleMs) ?? []
    if (day === undefined) return false
    // What comes meanwhile makes it due again.
    dirty.delete(day)
    try {
      await write(registry, day)
    } catch (error) {
      dirty.set(day, now)
      throw error
    }
    if (!dirty.has(day)) kept?.drop(day)
    return true
  }

  return {
    notice: ({ measurement, times }, registry, now) => {
      if (!sources.includes(measurement)) return
      const { timezone } = registry.data.district
      const today = localDay(now, timezone)
      // Most batches are of now, and of one day.
      for (const day of new Set([times[0], times.at(-1)].map((time) => localDay(time ?? now, timezone)))) {
        const reach = measurement === 'bandwidth' ? longestWindow(registry) : 0
        for (let each = Math.max(day, today - dirtyDays); each <= day + reach && each < today; each++) {
          if (!dirty.has(each)) kept?.add(each)
          dirty.set(each, now)
        }
      }
    },
    run: async (registry, now) => {
      try {
        const done = await next(registry, now)
        if (failing) log.info('The figures of the plan are up to date again.')
        failing = false
        return done
      } catch (error) {
        const facts = { reason: messageOf(error) }
        if (!failing)
          log.error(facts, 'The figures of the plan are not up to date: the store cannot be read or written.')
        failing = true
        return false
      }
    },
  }
}
