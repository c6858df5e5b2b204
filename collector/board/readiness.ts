/** Whether a school can hold a live class now, from what is stored of its path, its traffic and its last tests. */
import { methods } from '../../core/catalog.ts'
import { degradedLevel, type PathRun, qualityOfLevels, readinessOf } from '../../core/readiness.ts'
import type { Direction, Standard } from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'
import type { ReadinessDocument } from './schemas.ts'

/** Three streams to each level, and fifteen pings. */
export const readinessWindowSeconds = 900

/** `path`: all samples of the window; `wan` and `bandwidth`: the newest of each link. */
export function readinessDocument(
  { path, wan, bandwidth }: Record<'path' | 'wan' | 'bandwidth', readonly Row[]>,
  { live_class: needs }: Standard,
): ReadinessDocument {
  const qualities = qualityOfLevels(path.map(runOf))
  const free = { downBps: freeBps('down', wan, bandwidth), upBps: freeBps('up', wan, bandwidth) }
  const { state, level, reasons } = readinessOf(qualities, free, needs)
  return {
    state,
    level: level ?? null,
    reasons,
    degraded_level: degradedLevel(qualities, needs) ?? null,
    free_down_bps: free.downBps,
    free_up_bps: free.upBps,
    window_seconds: readinessWindowSeconds,
  }
}

function runOf({ tags, fields }: Row): PathRun {
  return {
    level: tags['level'] ?? '',
    target: tags['target'] ?? '',
    rttSeconds: fields['rtt_mean_seconds'] ?? null,
    jitterSeconds: fields['jitter_seconds'] ?? null,
    lossRatio: fields['loss_ratio'] ?? null,
    burstLossRatio: fields['burst_loss_ratio'] ?? null,
    sent: fields['sent_count'] ?? 0,
  }
}

/** What the last test saw, less what passes now, of the link with most left; a class needs only one. */
function freeBps(direction: Direction, wan: readonly Row[], bandwidth: readonly Row[]): number | null {
  const left = bandwidth.flatMap(({ tags, fields }) => {
    const rate = fields['link_rate_bps'] ?? null
    if (tags['direction'] !== direction || rate === null || fields['method'] === methods.self_test) return []
    const used = wan.find((row) => row.tags['link'] === tags['link'])?.fields
    const usedBps = used?.[direction === 'down' ? 'rx_mean_bps' : 'tx_mean_bps'] ?? null
    return usedBps === null ? [] : [Math.max(0, rate - usedBps)]
  })
  return left.length > 0 ? Math.max(...left) : null
}
