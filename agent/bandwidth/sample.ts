import { causes, layers, methods, outcomes, type Sample, triggers } from '../../core/catalog.ts'
import type { BandwidthResult } from './result.ts'

/** A result as the catalog's sample. */
export function sampleOf(result: BandwidthResult): Sample<'bandwidth'> {
  return {
    measurement: 'bandwidth',
    time: result.time,
    tags: { link: result.link, direction: result.direction, testpoint: result.testpoint },
    fields: {
      link_rate_bps: result.linkRateBps,
      goodput_bps: result.goodputBps,
      other_rate_bps: result.otherBps,
      target_bps: result.targetBps,
      margin_ratio: result.marginRatio,
      outcome: outcomes[result.outcome],
      cause: causes[result.cause],
      method: methods[result.method],
      trigger: triggers[result.trigger],
      layer: layers.ethernet,
      transferred_bytes: result.transferredBytes,
      duration_seconds: result.durationSeconds,
      rtt_idle_seconds: result.rttIdleSeconds,
      rtt_loaded_seconds: result.rttLoadedSeconds,
      loss_ratio: result.lossRatio,
      interface_rate_bps: result.interfaceRateBps,
      cpu_ratio: result.cpuRatio,
      streams_count: result.streams,
      month_used_bytes: result.month?.usedBytes ?? null,
      month_limit_bytes: result.month?.limitBytes ?? null,
    },
  }
}
