/** The gateway of a school, and the agent on it. */
import type { Sample } from '../../../core/catalog.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { activity, hourMs, minuteMs } from '../calendar.ts'
import type { District, School } from '../district.ts'
import { chance, mix, randomOf, smooth } from '../random.ts'
import { isCut } from '../stories.ts'

const memories = [2e9, 4e9, 4e9, 8e9] as const
const diskBytes = 32e9

export function hostSamples(
  { key, story, category, boarding }: School,
  _district: District,
  time: number,
): Sample<'host'>[] {
  const random = randomOf(mix(key + 50, Math.floor(time / minuteMs)))
  const overloaded = story.kind === 'overloaded'
  const busy = activity(category, boarding, time)
  const memory = memories[key % memories.length] as number
  const cpu = overloaded ? 0.93 + 0.07 * random() : 0.03 + 0.1 * chance(key, 51) + 0.16 * busy + 0.05 * random()
  const used = overloaded
    ? 0.93 + 0.04 * random()
    : 0.28 + 0.25 * chance(key, 52) + 0.05 * smooth(key + 53, time / hourMs)
  const disk = overloaded ? 0.91 : 0.12 + 0.4 * chance(key, 54)
  // Warmest in the afternoon.
  const warmth = 3 * Math.sin(((time / hourMs + 1) / 24) * 2 * Math.PI)
  return [
    {
      measurement: 'host',
      tags: {},
      fields: {
        cpu_ratio: cpu,
        memory_used_ratio: used,
        memory_total_bytes: memory,
        memory_available_bytes: memory * (1 - used),
        swap_used_ratio: overloaded ? 0.6 : 0,
        load_1m_count: overloaded ? 5 + 3 * random() : 4 * cpu * (0.8 + 0.4 * random()),
        disk_used_ratio: disk,
        disk_free_bytes: diskBytes * (1 - disk),
        temperature_celsius: 38 + 9 * chance(key, 55) + 24 * cpu + warmth,
        uptime_seconds: uptimeSeconds(key, time),
      },
    },
  ]
}

export function agentSamples({ key, story }: School, _district: District, time: number): Sample<'agent'>[] {
  const random = randomOf(mix(key + 60, Math.floor(time / minuteMs)))
  const uptime = Math.max(0, uptimeSeconds(key, time) - 40)
  const waiting = isCut({ key, story }, time) ? Math.ceil(20 * random()) : 0
  const reconnects = story.kind === 'flapping' ? 1 + Math.floor(uptime / 3000) : 1 + Math.floor(uptime / (9 * 86_400))
  return [
    {
      measurement: 'agent',
      tags: {},
      fields: {
        spool_batches_count: waiting,
        spool_bytes: 24_576 + 4_096 * waiting,
        spool_age_seconds: waiting * 12,
        dropped_batches_count: 0,
        refused_batches_count: 0,
        sent_bytes: Math.floor(uptime * 190),
        reconnects_count: reconnects,
        clock_offset_seconds:
          story.kind === 'clock' ? 187 + 0.2 * random() : 0.08 * (chance(key, 61) - 0.5) + 0.006 * random(),
        cpu_ratio: (story.kind === 'overloaded' ? 0.03 : 0.003) + 0.003 * random(),
        memory_bytes: 74e6 + 14e6 * chance(key, 62) + 2e6 * random(),
        spawned_count: Math.floor(uptime / 60),
        uptime_seconds: uptime,
      },
    },
  ]
}

/** Gateways are restarted every few weeks. */
function uptimeSeconds(key: number, time: number): number {
  const period = (12 + 50 * chance(key, 56)) * dayMs
  return Math.floor(((time + chance(key, 57) * period) % period) / 1000)
}
