/** What the handlers of the API work with. */
import type { Command } from '../../core/status.ts'
import type { Health, Store } from '../../store/store.ts'
import type { Watch } from '../alerts/rules/watch.ts'
import type { Fleet } from '../fleet.ts'
import type { Holding } from '../holding.ts'
import type { TerminalJudge } from '../judge/terminals/site-terminals.ts'
import type { SiteVerdict } from '../judge/verdict.ts'
import type { Registry } from '../registry.ts'
import type { Latest } from './latest.ts'

export type BoardContext = {
  store: Store
  registry: () => Registry
  fleet: Fleet
  verdicts: () => ReadonlyMap<string, SiteVerdict>
  terminals: TerminalJudge
  latest: Latest
  /** What could not be stored as it is. */
  holding: Pick<Holding, 'quarantined' | 'deadLetters'>
  /** Sends a command to an agent; throws when the broker does not take it. */
  command: (agent: string, command: Command) => Promise<void>
  /** Whether a site may be tested by hand once more; counts it when it may. Else the seconds to wait. */
  allowTest: (site: string) => number
  /** Where alert rules are looked at; undefined where this collector does not judge. */
  watch: Watch | undefined
  /** Parts of the collector and how they are, by name. */
  health: Readonly<Record<string, () => Health | Promise<Health>>>
  now: () => number
  version: string
  startedAt: number
  /** Made-up data, to be labelled wherever it shows. */
  simulated: () => boolean
}
