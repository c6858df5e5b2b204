/** The verdicts of past days, as the collector's judge would have written them then. */
import { judgeSites } from '../../collector/judge/judge-sites.ts'
import { createRecorder } from '../../collector/judge/recorder.ts'
import { dayMs } from '../../collector/local-time.ts'
import type { Log } from '../../core/log.ts'
import type { Store } from '../../store/store.ts'
import type { District } from './district.ts'
import type { Span } from './history.ts'

export type VerdictDeps = { store: Store; log: Log; signal: AbortSignal }

/** One round a day of the span, the last at its end. */
export async function writeVerdicts(
  { registry }: District,
  { from, to }: Span,
  { store, log, signal }: VerdictDeps,
): Promise<void> {
  const recorder = createRecorder(store, log)
  const days = Math.ceil((to - from) / dayMs)
  const district = registry.data.district.id
  for (let left = days - 1; left >= 0; left--) {
    signal.throwIfAborted()
    const time = to - left * dayMs
    const sites = registry.sites(time)
    const verdicts = await judgeSites(store, registry, sites, time)
    const judged = sites.flatMap(({ id, town, category }) =>
      (verdicts.get(id)?.directions ?? []).map((verdict) => ({
        place: { district, town, category, site: id },
        verdict,
      })),
    )
    await recorder.record(judged, time)
  }
}
