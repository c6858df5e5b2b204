/** Alerts as `alert` samples, so that Grafana shows the same: when one begins, once an hour while it rings, when it ends. */
import type { Batch } from '../../../core/batch.ts'
import { alertStates, measurements, tagsOf } from '../../../core/catalog.ts'
import type { Store } from '../../../store/store.ts'
import type { AlertState, States } from './evaluate.ts'
import type { Facts } from './facts.ts'

const hourMs = measurements.alert.intervalSeconds * 1_000

export function createAlertRecord(store: Pick<Store, 'write'>, district: string) {
  let waiting: Batch[] = []
  let hour = 0
  let writing = false

  /** Throws when the store takes nothing; then it is given again the next time. One call writes at a time. */
  return async (changed: readonly AlertState[], states: States, { time, sites }: Facts): Promise<void> => {
    const isNewHour = Math.floor(time / hourMs) !== hour
    hour = Math.floor(time / hourMs)
    const due = isNewHour ? [...states.values()].filter(({ phase }) => phase === 'firing') : []
    const all = [...new Set([...changed, ...due])]
    if (all.length > 0) waiting.push(batchOf(all, district, time, sites))
    // Of a store that is gone for days the last hours are enough: what rings is written again.
    waiting = waiting.slice(-100)
    if (waiting.length === 0 || writing) return
    let given = waiting
    waiting = []
    writing = true
    try {
      const { retry, durable } = await store.write(given)
      await durable
      given = given.filter((_, i) => retry.includes(i))
    } finally {
      writing = false
      waiting = [...given, ...waiting]
    }
  }
}

/** Beside `site`, `town` and `category`, which are tags already. */
function subjectOf({ labels }: AlertState): string {
  const own = Object.entries(labels).filter(([name]) => name !== 'site' && name !== 'town' && name !== 'category')
  return own.length === 0 ? 'all' : own.map(([, value]) => value).join(' ')
}

function batchOf(states: readonly AlertState[], district: string, time: number, sites: Facts['sites']): Batch {
  const rows = states.map((state): Record<string, string> => {
    const { site } = state.labels
    const town = state.town?.id ?? 'all'
    const category = sites.get(site ?? '')?.category ?? state.labels['category'] ?? 'all'
    const place = { district, town, category, site: site ?? 'all' }
    return { ...place, rule: state.rule, severity: state.severity, subject: subjectOf(state) }
  })
  return {
    measurement: 'alert',
    times: states.map(() => time),
    tags: Object.fromEntries(tagsOf('alert').map((name) => [name, rows.map((tags) => tags[name] ?? '')])),
    fields: {
      state: states.map(({ phase }) => (phase === 'firing' ? alertStates.firing : alertStates.resolved)),
      acknowledged: states.map(({ acknowledged }) => (acknowledged === undefined ? 0 : 1)),
      fault: states.map(({ fault }) => (fault === undefined ? 0 : 1)),
    },
  }
}
