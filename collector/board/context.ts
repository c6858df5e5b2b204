/** What the handlers of the API work with. */
import type { Health, Store } from '../../store/store.ts'
import type { Fleet } from '../fleet.ts'
import type { SiteVerdict } from '../judge/verdict.ts'
import type { Registry } from '../registry.ts'
import type { Latest } from './latest.ts'

/** Batches kept for an agent that is not in the registry. */
export type Quarantined = { agent: string; batches: number; bytes: number; since: number }

export type BoardContext = {
  store: Store
  registry: () => Registry
  fleet: Fleet
  verdicts: () => ReadonlyMap<string, SiteVerdict>
  latest: Latest
  quarantined: () => Quarantined[] | Promise<Quarantined[]>
  /** Parts of the collector and how they are, by name. */
  health: Readonly<Record<string, () => Health | Promise<Health>>>
  now: () => number
  version: string
  startedAt: number
  /** Made-up data, to be labelled wherever it shows. */
  simulated: () => boolean
}
