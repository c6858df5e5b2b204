import { describe, expect, it } from 'vitest'
import { sliceSchema } from '../../core/slice.ts'
import { districtData, registryOf } from './district.ts'

const day = (date: string) => Date.parse(date)
const [september, october, november] = ['2026-09-01', '2026-10-01', '2026-11-01'].map(day) as [number, number, number]
const place = (site: string, town: string, category: string) => ({ district: 'd1', town, category, site })

describe('the place of an agent', () => {
  it('is that of its site, and none for an agent that is not registered', () => {
    const { placeOf } = registryOf()
    expect(placeOf('a-gw1', october)).toEqual(place('s1', 't1', 'rural'))
    expect(placeOf('c-gw1', october)).toBeUndefined()
  })

  it('changes when the agent moves, at the very moment', () => {
    const { placeOf, changesOf } = registryOf({
      agents: [
        { id: 'a-gw1', site: 's1' },
        { id: 'a-gw1', site: 's2', valid_from: '2026-10-01' },
      ],
    })
    expect(placeOf('a-gw1', october - 1)?.site).toBe('s1')
    expect(placeOf('a-gw1', october)?.site).toBe('s2')
    expect(changesOf('a-gw1')).toEqual([october])
  })

  it('changes when its site moves to another town or category', () => {
    const { placeOf, changesOf } = registryOf({
      sites: [
        { id: 's1', name: 'First', town: 't1', category: 'rural' },
        { id: 's1', name: 'First', town: 't2', category: 'town', valid_from: '2026-09-01T08:00:00+08:00' },
        { id: 's2', name: 'Second', town: 't2', category: 'town', valid_from: '2026-10-01' },
      ],
    })
    expect(changesOf('a-gw1')).toEqual([september])
    expect(placeOf('a-gw1', september - 1)).toEqual(place('s1', 't1', 'rural'))
    expect(placeOf('a-gw1', september)).toEqual(place('s1', 't2', 'town'))
  })

  it('is told by the rows in order of their dates, in whatever order they stand', () => {
    const { placeOf, changesOf } = registryOf({
      agents: [
        { id: 'a-gw1', site: 's2', valid_from: '2026-11-01' },
        { id: 'a-gw1', site: 's1', valid_from: '2026-09-01' },
      ],
    })
    expect([september, october, november].map((time) => placeOf('a-gw1', time)?.site)).toEqual(['s1', 's1', 's2'])
    expect(changesOf('a-gw1')).toEqual([september, november])
  })

  it('is its first one before the first date, so that what was measured early is not lost', () => {
    const { placeOf } = registryOf({ agents: [{ id: 'a-gw1', site: 's1', valid_from: '2026-10-01' }] })
    expect(placeOf('a-gw1', 0)?.site).toBe('s1')
  })

  it('ends when it or its site is retired, and not before', () => {
    const agents = registryOf({
      agents: [
        { id: 'a-gw1', site: 's1' },
        { id: 'a-gw1', site: 's1', retired: true, valid_from: '2026-10-01' },
      ],
    })
    expect(agents.placeOf('a-gw1', october - 1)?.site).toBe('s1')
    expect(agents.placeOf('a-gw1', october)).toBeUndefined()
    expect(agents.agents(october)).toEqual([])
    const sites = registryOf({
      sites: [{ id: 's1', name: 'First', town: 't1', category: 'rural', retired: true, valid_from: '2026-10-01' }],
      agents: [{ id: 'a-gw1', site: 's1' }],
    })
    expect(sites.placeOf('a-gw1', october - 1)?.site).toBe('s1')
    expect(sites.placeOf('a-gw1', october)).toBeUndefined()
    expect(sites.sites(october)).toEqual([])
    expect(sites.slice('a-gw1', october)).toBeUndefined()
  })

  it('comes back when a retired agent is registered again', () => {
    const { placeOf } = registryOf({
      agents: [
        { id: 'a-gw1', site: 's1', valid_from: '2026-09-01' },
        { id: 'a-gw1', site: 's1', valid_from: '2026-10-01', retired: true },
        { id: 'a-gw1', site: 's2', valid_from: '2026-11-01' },
      ],
    })
    expect([september, october, november].map((time) => placeOf('a-gw1', time)?.site)).toEqual(['s1', undefined, 's2'])
  })
})

describe('the links of a site', () => {
  const link = { id: 'l1', site: 's1' }

  it('are one named wan with the target of its category where there is no row', () => {
    expect(registryOf().linksOf('s2', october)).toEqual([
      { id: 'wan', name: { en: 'WAN', zh: '出口' }, downBps: 500e6, upBps: 500e6 },
    ])
  })

  it('have the larger of their contract and the standard, and an upload of their own', () => {
    const targets = (row: object) => {
      const [found] = registryOf({ links: [{ ...link, ...row }] }).linksOf('s1', october)
      return [found?.downBps, found?.upBps]
    }
    expect(targets({})).toEqual([100e6, 100e6])
    expect(targets({ target_down_bps: '50M' })).toEqual([100e6, 100e6])
    expect(targets({ target_down_bps: '1G' })).toEqual([1e9, 1e9])
    expect(targets({ target_down_bps: '1G', target_up_bps: '200M' })).toEqual([1e9, 200e6])
  })

  it('are for each agent its own and those of nobody', () => {
    const registry = registryOf({
      agents: [
        { id: 'a-gw1', site: 's1' },
        { id: 'a-gw2', site: 's1' },
      ],
      links: [
        { id: 'l1', site: 's1', agent: 'a-gw1' },
        { id: 'l2', site: 's1', agent: 'a-gw2' },
        { id: 'l3', site: 's1' },
      ],
    })
    const ids = (agent: string) => registry.slice(agent, october)?.links.map(({ id }) => id)
    expect(ids('a-gw1')).toEqual(['l1', 'l3'])
    expect(ids('a-gw2')).toEqual(['l2', 'l3'])
  })

  it('move and end with their rows', () => {
    const { linksOf } = registryOf({
      links: [
        link,
        { ...link, target_down_bps: '300M', valid_from: '2026-09-01' },
        { id: 'l1', site: 's2', valid_from: '2026-10-01' },
        { id: 'l2', site: 's1', retired: true, valid_from: '2026-11-01' },
      ],
    })
    const ids = (site: string, time: number) => linksOf(site, time).map(({ id, downBps }) => `${id} ${downBps / 1e6}`)
    expect(ids('s1', september - 1)).toEqual(['l1 100', 'l2 100'])
    expect(ids('s1', september)).toEqual(['l1 300', 'l2 100'])
    expect(ids('s1', october)).toEqual(['l2 100'])
    expect(ids('s2', october)).toEqual(['l1 500'])
    expect(ids('s1', november)).toEqual([])
    expect(ids('s2', september)).toEqual([])
  })
})

describe('the terminals of a site', () => {
  it('move and end with their rows', () => {
    const terminal = { id: 'x1', kind: 'panel', address: '10.0.0.1' }
    const { terminalsOf } = registryOf({
      terminals: [
        { ...terminal, site: 's1' },
        { ...terminal, site: 's2', valid_from: '2026-10-01' },
        { ...terminal, id: 'x2', site: 's1', valid_from: '2026-11-01', retired: true },
      ],
    })
    const ids = (site: string, time: number) => terminalsOf(site, time).map(({ id }) => id)
    expect(ids('s1', september)).toEqual(['x1', 'x2'])
    expect(ids('s1', october)).toEqual(['x2'])
    expect(ids('s2', september)).toEqual([])
    expect(ids('s2', october)).toEqual(['x1'])
    expect(ids('s1', november)).toEqual([])
  })
})

describe('the slice of an agent', () => {
  const full = {
    testpoints: [
      { id: 'near', url: 'http://10.0.0.1/', sites: ['s1'] },
      { id: 'all', url: 'http://10.0.0.2/', priority: 1 },
    ],
    paths: [{ id: 'core', level: 'district', host: '10.0.0.3', name: 'Core' }],
    services: [{ id: 'portal', url: 'https://portal.example/', sites: ['s2'] }],
    rooms: [{ id: 'r1', site: 's1', name: 'Room' }],
    terminals: [{ id: 'x1', site: 's1', room: 'r1', kind: 'panel', address: '10.0.0.9', name: 'Panel' }],
  }

  it('has what concerns its site, and passes the check of the agent', () => {
    const slice = registryOf(full).slice('a-gw1', october)
    expect(slice).toMatchObject({
      site: { id: 's1', name: { en: 'First', zh: 'First' } },
      testpoints: [{ id: 'near' }, { id: 'all' }],
      paths: [{ id: 'core', level: 'district', host: '10.0.0.3' }],
      services: [],
      terminals: [{ id: 'x1', kind: 'panel', room: 'r1', address: '10.0.0.9' }],
      links: [{ id: 'wan', targets: [{ direction: 'down', target_bps: 100e6 }, { direction: 'up' }] }],
    })
    expect(sliceSchema.parse(slice)).toEqual(slice)
  })

  it('has the same revision when it says the same, whatever else the district changes', () => {
    const revision = registryOf(full).slice('a-gw1', october)?.revision
    expect(revision).toMatch(/^[0-9a-f]{16}$/)
    const { sites } = districtData()
    const later = registryOf({ ...full, sites: [...sites, { id: 's3', name: 'Third', town: 't1', category: 'rural' }] })
    expect(later.slice('a-gw1', october)?.revision).toBe(revision)
    expect(registryOf({ ...full, services: [] }).slice('a-gw1', october)?.revision).toBe(revision)
    expect(registryOf({ ...full, services: [] }).slice('b-gw1', october)?.revision).not.toBe(
      registryOf(full).slice('b-gw1', october)?.revision,
    )
    expect(registryOf({ ...full, paths: [] }).slice('a-gw1', october)?.revision).not.toBe(revision)
  })

  it('is none for an agent that is not registered', () => {
    expect(registryOf().slice('c-gw1', october)).toBeUndefined()
  })
})

describe('names', () => {
  it('are those of the time, and the id where there is none', () => {
    const { townName, roomName } = registryOf({
      towns: [
        { id: 't1', name: { en: 'Old', zh: '旧' } },
        { id: 't1', name: 'New', valid_from: '2026-10-01' },
        { id: 't2', name: 'Two' },
      ],
    })
    expect(townName('t1', october - 1)).toEqual({ en: 'Old', zh: '旧' })
    expect(townName('t1', october)).toEqual({ en: 'New', zh: 'New' })
    expect(roomName('r9', october)).toEqual({ en: 'r9', zh: 'r9' })
  })
})
