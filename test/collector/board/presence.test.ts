import { describe, expect, test } from 'vitest'
import type { AgentState } from '../../../collector/fleet.ts'
import { isoOf, presenceOf } from '../../../collector/board/presence.ts'
import { summaryOf } from '../../../collector/board/summary.ts'

const status = (on: boolean): AgentState['status'] => ({
  v: 1,
  on,
  boot: 'b',
  conn: 1,
  at: 0,
  version: '0.1.0',
  stream: 's',
  gaps: [],
})
const agent = (presence: AgentState['presence'], since?: number, on?: boolean): AgentState => ({
  agent: 'gw-1',
  registered: true,
  presence,
  since,
  lastBatchAt: since,
  status: on === undefined ? undefined : status(on),
  wantedRevision: undefined,
})

describe('presence', () => {
  test.each([
    ['no agent at all', [], 'never', null],
    ['an agent not heard of', [agent('unknown')], 'never', null],
    ['one of two online', [agent('offline', 1_000, false), agent('online', 2_000, true)], 'online', isoOf(2_000)],
    ['a last will', [agent('offline', 3_000, false)], 'offline', isoOf(3_000)],
    ['no last will, but nothing comes', [agent('offline', 4_000, true)], 'silent', isoOf(4_000)],
    [
      'the last of two to go',
      [agent('offline', 5_000, false), agent('offline', 6_000, false)],
      'offline',
      isoOf(6_000),
    ],
  ] as const)('of a site with %s', (_name, agents, state, since) => {
    expect(presenceOf(agents)).toMatchObject({ state, since })
  })

  test('survives a clock that is far off', () => {
    expect(isoOf(-5)).toBe('1970-01-01T00:00:00.000Z')
    expect(isoOf(1e300)).toBe('+275760-09-13T00:00:00.000Z')
  })
})

describe('the scoreboard', () => {
  const site = (verdict: 'met' | 'below' | 'unknown', category: 'town' | 'rural', town: string) => ({
    verdict,
    category,
    town: { id: town, name: { en: town, zh: town } },
    presence: { state: 'online' as const, since: null, last_batch_at: null },
  })

  test('rates only schools that have a verdict', () => {
    const sites = [
      site('met', 'town', 'a'),
      site('met', 'rural', 'a'),
      site('met', 'rural', 'b'),
      site('below', 'rural', 'b'),
      site('unknown', 'town', 'b'),
    ]
    const summary = summaryOf(sites)
    expect(summary).toMatchObject({ sites: 5, met: 3, below: 1, unknown: 1, compliance_ratio: 0.75 })
    expect(summary.by_category.map(({ category, compliance_ratio }) => [category, compliance_ratio])).toEqual([
      ['town', 1],
      ['rural', 2 / 3],
    ])
    expect(summary.by_town.map(({ town, compliance_ratio }) => [town.id, compliance_ratio])).toEqual([
      ['a', 1],
      ['b', 0.5],
    ])
  })

  test('has no rate where nothing is judged', () => {
    expect(summaryOf([site('unknown', 'town', 'a')]).compliance_ratio).toBeNull()
    expect(summaryOf([])).toMatchObject({ sites: 0, compliance_ratio: null, by_town: [], by_category: [] })
  })
})
