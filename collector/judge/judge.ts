/**
 * The judge's loop: reads the window of every site from the store, keeps the verdicts, and has written what changed. Stored
 * verdicts that late results touch are judged again; once a day all of the last window are, for what another collector took.
 */
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Store } from '../../store/store.ts'
import type { Live, LiveEvent } from '../live.ts'
import type { Registry } from '../registry.ts'
import type { Judged } from './compliance.ts'
import { judgeSites } from './judge-sites.ts'
import type { DueDays } from './kpi/due-days.ts'
import { createKpiKeeper } from './kpi/keeper.ts'
import { createRecorder } from './recorder.ts'
import { createReview, stir, type Stirred } from './review.ts'
import type { SiteVerdict } from './verdict.ts'

/** A result is judged this soon after it was stored; results that come together are judged together. */
const settleMs = 1_000
export type JudgeDeps = {
  store: Store
  registry: () => Registry
  live: Live
  log: Log
  now: () => number
  intervalSeconds: number
  /** Where days of figures that are due outlive a restart. */
  dueDays?: DueDays
}

export type Judge = {
  /** The first round; resolves when it is done or has failed. Then one each interval, and one for each new result. */
  start: () => Promise<void>
  stop: () => Promise<void>
  /** Latest verdict of each site, by its id. */
  verdicts: () => ReadonlyMap<string, SiteVerdict>
  /** The verdict on one site at a time, from the store; nothing is kept or written. Undefined: no such site then. */
  judgeSite: (site: string, now: number) => Promise<SiteVerdict | undefined>
}

export function createJudge({ store, registry, live, log, now, intervalSeconds, dueDays }: JudgeDeps): Judge {
  const recorder = createRecorder(store, log)
  const review = createReview(store, recorder)
  const kpis = createKpiKeeper(store, log, dueDays)
  const stirred: Stirred = new Map()
  let verdicts: ReadonlyMap<string, SiteVerdict> = new Map()
  let failing = false
  let stopped = true
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let unsubscribe = () => {}

  /** Over all sites, or some: only a whole round forgets what has left the registry. */
  async function round(only?: Stirred): Promise<void> {
    const time = now()
    const known = registry()
    const sites = known.sites(time).filter(({ id }) => only?.has(id) ?? true)
    const fresh = await judgeSites(store, known, sites, time)
    verdicts = only === undefined ? fresh : new Map([...verdicts, ...fresh])
    const corrected = await (only === undefined ? review.daily(known, time) : review.late(known, only, time))
    const recorded = await recorder.record(judgedOf(known, fresh, time), time)
    if (only === undefined) await kpis.run(known, time)
    if (recorded || corrected || only !== undefined) live.publish({ type: 'judged' })
  }

  /** Rounds never overlap; a failed one is told once, and the next is tried all the same. */
  function run(only?: Stirred): Promise<void> {
    running = running.then(async () => {
      if (stopped) return
      try {
        await round(only)
        if (failing) log.info('Verdicts are up to date again.')
        failing = false
      } catch (error) {
        const facts = { reason: messageOf(error) }
        if (!failing) log.error(facts, 'Verdicts are not up to date: the store cannot be read or written.')
        failing = true
        // What should have been corrected is found by the next review.
        review.repeat()
      }
    })
    return running
  }

  function schedule(): void {
    if (!stopped) timer = setTimeout(() => void run().then(schedule), intervalSeconds * 1000)
  }

  function notice(event: LiveEvent): void {
    if (event.type !== 'stored') return
    kpis.notice(event.batch, registry(), now())
    if (event.batch.measurement !== 'bandwidth') return
    stir(stirred, event.batch)
    soon ??= setTimeout(() => {
      soon = undefined
      const only = new Map(stirred)
      stirred.clear()
      void run(only)
    }, settleMs)
  }

  return {
    start: async () => {
      stopped = false
      unsubscribe = live.subscribe(notice)
      await run()
      schedule()
    },
    stop: async () => {
      stopped = true
      unsubscribe()
      clearTimeout(timer)
      clearTimeout(soon)
      soon = undefined
      await running
    },
    verdicts: () => verdicts,
    judgeSite: async (site, time) => {
      const known = registry()
      const sites = known.sites(time).filter(({ id }) => id === site)
      return (await judgeSites(store, known, sites, time)).get(site)
    },
  }
}

function judgedOf(known: Registry, fresh: ReadonlyMap<string, SiteVerdict>, time: number): Judged[] {
  const district = known.data.district.id
  return known.sites(time).flatMap(({ id, town, category }) => {
    const place = { district, town, category, site: id }
    return (fresh.get(id)?.directions ?? []).map((verdict) => ({ place, verdict }))
  })
}
