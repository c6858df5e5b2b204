/** The agent's report on itself: what waits, what was lost, what it costs. */
import { z } from 'zod'
import type { Clock } from './clock.ts'
import { defineProbe, type Probe } from './probe.ts'
import type { Spool } from './spool.ts'
import type { Uplink } from './uplink.ts'

export type SelfDeps = { spool: Spool; uplink: Pick<Uplink, 'stats'>; clock: Clock; spawned: () => number }

export function createSelfProbe({ spool, uplink, clock, spawned }: SelfDeps): Probe {
  const started = performance.now()
  let before = { cpu: process.cpuUsage(), at: started }
  return defineProbe({
    type: 'self',
    description: 'The agent itself.',
    config: z.strictObject({}),
    link: 'any',
    run: async (_config, { now }) => {
      const { batches, bytes, oldest, dropped, refused } = spool.stats()
      const { connects, sentBytes } = uplink.stats()
      const cpu = process.cpuUsage(before.cpu)
      const at = performance.now()
      const cpuRatio = (cpu.user + cpu.system) / 1000 / Math.max(1, at - before.at)
      before = { cpu: process.cpuUsage(), at }
      return [
        {
          measurement: 'agent',
          tags: {},
          fields: {
            spool_batches_count: batches,
            spool_bytes: bytes,
            spool_age_seconds: oldest === undefined ? 0 : Math.max(0, (now() - oldest) / 1000),
            dropped_batches_count: dropped,
            refused_batches_count: refused,
            sent_bytes: sentBytes,
            reconnects_count: connects,
            clock_offset_seconds: clock.offsetSeconds() ?? null,
            cpu_ratio: cpuRatio,
            memory_bytes: process.memoryUsage.rss(),
            spawned_count: spawned(),
            uptime_seconds: (at - started) / 1000,
          },
        },
      ]
    },
  }) as Probe
}
