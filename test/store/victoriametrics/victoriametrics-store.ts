/** A store over a real VictoriaMetrics, which settles at once: that it waits is a test of its own. */
import { createVictoriametricsStore, type VictoriametricsConfig } from '../../../store/victoriametrics.ts'
import { createMemoryLog } from '../../services/memory-log.ts'

export async function openVictoriametrics(
  url: string,
  config: Partial<VictoriametricsConfig> = {},
  now: () => number = Date.now,
) {
  const { log, lines, warnings } = createMemoryLog()
  const usual = { url, settle_seconds: 0.02, retention_days: 0, timeout_seconds: 10 }
  const store = await createVictoriametricsStore({ config: { ...usual, ...config }, log, now })
  return { store, lines, warnings }
}
