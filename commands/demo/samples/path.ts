import type { Sample } from '../../../core/catalog.ts'
import type { levels } from '../../../core/registry.ts'
import { minuteMs } from '../calendar.ts'
import type { District, Link, School } from '../district.ts'
import { chance, mix, randomOf } from '../random.ts'
import { isCut, isTownDegraded } from '../stories.ts'
import { useOf } from './use.ts'

const sent = 20

type Level = (typeof levels)[number]
/** Round trip that each level adds to the one before it, in seconds: least, and what distance and chance add. */
const legs: readonly { level: Level; target: string; least: number; span: number }[] = [
  { level: 'site', target: 'school-core', least: 0.0003, span: 0.0005 },
  { level: 'district', target: 'district-hub', least: 0.0012, span: 0.0042 },
  { level: 'city', target: 'city-hub', least: 0.0009, span: 0.0012 },
  { level: 'province', target: 'province-hub', least: 0.0034, span: 0.0016 },
  { level: 'internet', target: 'internet-1', least: 0.009, span: 0.011 },
]

export function pathSamples(school: School, district: District, time: number): Sample<'path'>[] {
  const random = randomOf(mix(school.key + 40, Math.floor(time / minuteMs)))
  const link = school.links[0] as Link
  const { share, capacityDownBps } = useOf(school, link, district, time)
  // A line that is congested behind the school fills the queues there, whatever the school does.
  const congested = school.story.kind === 'evenings' ? Math.max(0, 1 - capacityDownBps / link.downBps) : 0
  const queue = 0.026 * congested + (share > 0.8 ? (share - 0.8) * 0.16 : 0)
  const poor = isTownDegraded(school.town, district.moment, time)
  const cut = isCut(school, time)
  let reached = 0
  return legs.map(({ level, target, least, span }, i) => {
    const far = level === 'district' ? school.remoteness : chance(school.key + 41, i)
    reached += least + span * far
    const outside = level !== 'site'
    if (outside && cut) return unreachable(level, target)
    const extra = outside ? queue * (0.6 + 0.8 * random()) + (poor ? 0.022 + 0.012 * random() : 0) : 0
    const shake = outside ? 0.04 + 0.1 * random() + (poor ? 0.25 : 0) + share * 0.12 : 0.1 * random()
    const min = reached * (1 + 0.02 * random()) + extra * 0.4
    const mean = min * (1 + shake * 0.5) + extra * 0.6
    const lossChance = outside ? 0.004 + (poor ? 0.7 : 0) + 0.8 * congested + (share > 0.92 ? 0.4 : 0) : 0.001
    const lost = random() < lossChance ? 1 + Math.floor(random() * (poor ? 3 : 1.4)) : 0
    return {
      measurement: 'path',
      tags: { level, target },
      fields: {
        rtt_min_seconds: min,
        rtt_mean_seconds: mean,
        rtt_p95_seconds: mean * (1.08 + shake),
        jitter_seconds: mean * shake * 0.4,
        loss_ratio: lost / sent,
        sent_count: sent,
        up: 1,
      },
    }
  })
}

function unreachable(level: Level, target: string): Sample<'path'> {
  return { measurement: 'path', tags: { level, target }, fields: { loss_ratio: 1, sent_count: sent, up: 0 } }
}
