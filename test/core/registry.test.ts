/** What a district.yaml may say. How each problem is worded, test/config shows. */
import { describe, expect, it } from 'vitest'
import { agentIdSchema, idSchema, registrySchema } from '../../core/registry.ts'
import { sliceProblem } from '../../core/slice.ts'
import { districtData, registryOf } from '../collector/district.ts'

const problemsOf = (rows: object) =>
  (registrySchema.safeParse(districtData(rows)).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

describe('an id', () => {
  it.each(['a', 'A-1', '9', 'x'.repeat(64), 'a.b:c_d'])('may be %s', (id) => {
    expect(idSchema.parse(id)).toBe(id)
  })

  it.each(['', '-a', 'a b', 'a/b', 'a#', 'a+', 'ä', '学校', 'x'.repeat(65), 'a\n'])('may not be %j', (id) => {
    expect(idSchema.safeParse(id).success).toBe(false)
  })
})

describe('the id of an agent', () => {
  it.each(['abc', 'liantang-ps-gw1', '0-0', 'x'.repeat(40)])('may be %s', (id) => {
    expect(agentIdSchema.parse(id)).toBe(id)
  })

  it.each(['ab', 'Abc', '-abc', 'a.b', 'collector', 'x'.repeat(41), 'a_b'])('may not be %j', (id) => {
    expect(agentIdSchema.safeParse(id).success).toBe(false)
  })
})

describe('a registry', () => {
  it('has names in one language or in two, and dates as UTC midnight or with a zone', () => {
    const { sites } = registrySchema.parse(
      districtData({
        sites: [
          { id: 's1', name: '一小', town: 't1', category: 'rural', valid_from: '2026-09-01' },
          {
            id: 's2',
            name: { en: 'Two', zh: '二小' },
            town: 't1',
            category: 'town',
            valid_from: '2026-09-01T08:00:00+08:00',
          },
        ],
      }),
    )
    expect(sites.map(({ name }) => name)).toEqual([
      { en: '一小', zh: '一小' },
      { en: 'Two', zh: '二小' },
    ])
    expect(new Set(sites.map(({ valid_from }) => valid_from))).toEqual(new Set([Date.parse('2026-09-01')]))
  })

  it('may say of an id more than once, from different dates on', () => {
    const row = { id: 'a-gw1', site: 's1' }
    expect(problemsOf({ agents: [row, { ...row, valid_from: '2026-09-01' }] })).toEqual([])
    expect(problemsOf({ agents: [row, row] })).toEqual([
      'agents.1.id: "a-gw1" stands twice; give the later row a valid_from',
    ])
  })

  it.each<[string, object, string]>([
    [
      'a town',
      { sites: [{ id: 's1', name: 'S', town: 't9', category: 'rural' }], agents: [] },
      'sites.0.town: no town "t9" in this file',
    ],
    ['a site', { agents: [{ id: 'a-gw1', site: 's9' }] }, 'agents.0.site: no site "s9" in this file'],
    ['an agent', { links: [{ id: 'l', site: 's1', agent: 'c-gw1' }] }, 'links.0.agent: no agent "c-gw1" in this file'],
    [
      'a site of a service',
      { services: [{ id: 'x', url: 'https://x.example/', sites: ['s1', 's9'] }] },
      'services.0.sites: no site "s9" in this file',
    ],
    [
      'a room',
      {
        rooms: [{ id: 'r1', site: 's1', name: 'R' }],
        terminals: [{ id: 'x', site: 's1', kind: 'pc', room: 'r2', address: '10.0.0.1' }],
      },
      'terminals.0.room: no room "r2" in this file',
    ],
  ])('refers only to what it has: %s', (_, rows, problem) => {
    expect(problemsOf(rows)).toEqual([problem])
  })

  it('tells its references also when rows have faults of their own, of any kind', () => {
    expect(problemsOf({ sites: [null, 7], agents: 'many', links: [{ site: 's9' }] })).toEqual(
      expect.arrayContaining(['links.0.site: no site "s9" in this file']),
    )
  })

  it('knows no keys but its own', () => {
    expect(problemsOf({ towns: [{ id: 't1', name: 'T', mayor: 'X' }], sites: [], agents: [] })[0]).toContain('mayor')
  })
})

describe('a slice', () => {
  it('is fit for its agent when the registry is in order', () => {
    const slice = registryOf().slice('a-gw1', Date.parse('2026-11-23'))
    expect(slice && sliceProblem(slice)).toBeUndefined()
  })
})
