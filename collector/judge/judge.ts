/** The judge's loop: reads the window of every site from the store, keeps the verdicts, and has written what changed. */
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Store } from '../../store/store.ts'
import type { Live, LiveEvent } from '../live.ts'
import type { Registry } from '../registry.ts'
import type { Judged } from './compliance.ts'
import { judgeSites } from './judge-sites.ts'
import { createRecorder } from './recorder.ts'
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

export function createJudge({ store, registry, live, log, now, intervalSeconds }: JudgeDeps): Judge {
  const recorder = createRecorder(store, log)
  const stirred = new Set<string>()
  let verdicts: ReadonlyMap<string, SiteVerdict> = new Map()
  let failing = false
  let stopped = true
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let unsubscribe = () => {}

  /** Over all sites, or some: only a whole round forgets what has left the registry. */
  async function round(only?: ReadonlySet<string>): Promise<void> {
    const time = now()
    const known = registry()
    const sites = known.sites(time).filter(({ id }) => only?.has(id) ?? true)
    const fresh = await judgeSites(store, known, sites, time)
    verdicts = only === undefined ? fresh : new Map([...verdicts, ...fresh])
    const recorded = await recorder.record(judgedOf(known, fresh, time), time)
    if (recorded || only !== undefined) live.publish({ type: 'judged' })
  }

  /** Rounds never overlap; a failed one is told once, and the next is tried all the same. */
  function run(only?: ReadonlySet<string>): Promise<void> {
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
      }
    })
    return running
  }

  function schedule(): void {
    if (!stopped) timer = setTimeout(() => void run().then(schedule), intervalSeconds * 1000)
  }

  function notice(event: LiveEvent): void {
    if (event.type !== 'stored' || event.batch.measurement !== 'bandwidth') return
    for (const site of [event.batch.tags['site'] ?? []].flat()) stirred.add(site)
    soon ??= setTimeout(() => {
      soon = undefined
      const only = new Set(stirred)
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
