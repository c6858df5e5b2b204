/** Figures of the board for Prometheus; those of other parts come through the same registry. */
import { Gauge, type Registry as Metrics } from 'prom-client'
import type { Verdict } from '../../core/catalog.ts'
import { agentsBySite } from './api/sites.ts'
import type { BoardContext } from './context.ts'
import { presenceOf } from './presence.ts'

const verdictNames: readonly Verdict[] = ['below', 'met', 'unknown']
const presences = ['online', 'silent', 'offline', 'never'] as const

/** Counts of schools, not a series for each school: those are in the store. */
export function registerMetrics(context: BoardContext, streams: () => number, metrics: Metrics): void {
  const registers = [metrics]
  new Gauge({
    name: 'linkbell_sites',
    help: 'Sites by verdict.',
    labelNames: ['verdict'],
    registers,
    collect() {
      const verdicts = context.verdicts()
      const found = context
        .registry()
        .sites(context.now())
        .map(({ id }) => verdicts.get(id)?.verdict ?? 'unknown')
      for (const verdict of verdictNames) this.set({ verdict }, found.filter((each) => each === verdict).length)
    },
  })
  new Gauge({
    name: 'linkbell_sites_present',
    help: 'Sites by the presence of their agents.',
    labelNames: ['presence'],
    registers,
    collect() {
      const time = context.now()
      const registry = context.registry()
      const agents = agentsBySite(context, registry, time)
      const found = registry.sites(time).map(({ id }) => presenceOf(agents.get(id) ?? []).state)
      for (const presence of presences) this.set({ presence }, found.filter((each) => each === presence).length)
    },
  })
  new Gauge({
    name: 'linkbell_board_streams',
    help: 'Open event streams.',
    registers,
    collect() {
      this.set(streams())
    },
  })
}
