/** The plan's scoreboard: how many schools hold what was promised, by category and town. */
import { categories } from '../../core/standard.ts'
import type { SiteDocument, Summary } from './schemas.ts'

type Seen = Pick<SiteDocument, 'verdict' | 'presence' | 'category' | 'town'>

export function summaryOf(sites: readonly Seen[]): Summary {
  const byTown = [...Map.groupBy(sites, ({ town }) => town.id).values()]
  return {
    ...countsOf(sites),
    by_category: categories
      .map((category) => ({ category, ...countsOf(sites.filter((site) => site.category === category)) }))
      .filter((group) => group.sites > 0),
    by_town: byTown.flatMap((group) => (group[0] === undefined ? [] : [{ town: group[0].town, ...countsOf(group) }])),
  }
}

function countsOf(sites: readonly Seen[]) {
  const verdicts = (wanted: Seen['verdict']) => sites.filter(({ verdict }) => verdict === wanted).length
  const present = (...wanted: Seen['presence']['state'][]) =>
    sites.filter(({ presence }) => wanted.includes(presence.state)).length
  const met = verdicts('met')
  const below = verdicts('below')
  return {
    sites: sites.length,
    met,
    below,
    unknown: verdicts('unknown'),
    // A school without a verdict neither meets nor misses: it is counted beside the rate, not in it.
    compliance_ratio: met + below === 0 ? null : met / (met + below),
    online: present('online'),
    silent: present('silent'),
    offline: present('offline', 'never'),
  }
}
