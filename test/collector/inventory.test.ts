import { describe, expect, it } from 'vitest'
import { inventoryOf, type Seen, unseen, usualServiceYears } from '../../collector/inventory.ts'
import { terminalKinds } from '../../core/registry.ts'
import { registryOf } from './district.ts'

const now = Date.parse('2026-11-23T00:00:00Z')
const factsOf = (rows: object, { time = now, seen }: { time?: number; seen?: Seen } = {}) => {
  const registry = registryOf(rows)
  return inventoryOf(registry, registry.sites(time), time, seen)
}
const device = (id: string, more: object = {}) => ({ id, kind: 'pc', site: 's1', address: '192.0.2.1', ...more })

describe('ages', () => {
  it('are those of devices with a purchase year, by kind and of all', () => {
    const facts = factsOf({
      terminals: [
        device('a', { purchase_year: 2024 }),
        device('b', { purchase_year: 2018 }),
        device('c'),
        device('d', { kind: 'panel', purchase_year: 2026 }),
      ],
    })
    expect(facts).toMatchObject({
      devices: 4,
      yearKnown: 3,
      meanAgeYears: 10 / 3,
      pastService: 1,
      pastServiceRatio: 1 / 3,
    })
    expect(facts.kinds).toMatchObject([
      { kind: 'panel', devices: 1, yearKnown: 1, meanAgeYears: 0, pastService: 0 },
      { kind: 'pc', devices: 3, yearKnown: 2, meanAgeYears: 5, pastService: 1, pastServiceRatio: 0.5 },
    ])
  })

  it.each([
    ['in its last year by its kind', { purchase_year: 2026 - usualServiceYears.pc }, 0],
    ['after it', { purchase_year: 2025 - usualServiceYears.pc }, 1],
    ['within a longer life of its own', { purchase_year: 2014, service_years: 12 }, 0],
    ['past a shorter one', { purchase_year: 2022, service_years: 3 }, 1],
  ])('tell service life: %s', (_, more, pastService) => {
    expect(factsOf({ terminals: [device('a', more)] })).toMatchObject({ yearKnown: 1, pastService })
  })

  it('are counted in the years of the district, not of Greenwich', () => {
    const newYear = Date.parse('2026-12-31T16:30:00Z')
    const terminals = [device('a', { purchase_year: 2026 })]
    expect(factsOf({ terminals }, { time: newYear }).meanAgeYears).toBe(1)
  })

  it('are unknown for a year to come, and where no year is known', () => {
    const facts = factsOf({ terminals: [device('a', { purchase_year: 2062 })] })
    expect(facts).toMatchObject({ devices: 1, yearKnown: 0, pastService: 0 })
    expect([facts.meanAgeYears, facts.pastServiceRatio]).toEqual([undefined, undefined])
  })

  it('follow the registry as it is at the time', () => {
    const terminals = [device('a', { purchase_year: 2015 }), device('a', { retired: true, valid_from: '2026-10-01' })]
    expect(factsOf({ terminals }).devices).toBe(0)
    expect(factsOf({ terminals }, { time: Date.parse('2026-09-01') }).pastService).toBe(1)
  })

  it('have a usual service life for every kind', () => {
    expect(Object.keys(usualServiceYears).toSorted()).toEqual([...terminalKinds].toSorted())
  })
})

describe('classrooms', () => {
  const rooms = ['r1', 'r2', 'r3', 'r4', 'r5'].map((id) => ({ id, site: 's1', name: id }))
  const terminals = [
    device('panel', { kind: 'panel', room: 'r1' }),
    device('projector', { kind: 'projector', room: 'r2' }),
    device('pc', { room: 'r2' }),
    device('lone-projector', { kind: 'projector', room: 'r3' }),
    device('ap', { kind: 'ap', room: 'r4' }),
    device('corridor', { kind: 'panel' }),
  ]

  it('have a multimedia terminal with a panel, or a projector and a computer', () => {
    expect(factsOf({ rooms, terminals })).toMatchObject({ classrooms: 5, equippedClassrooms: 2, equippedRatio: 0.4 })
  })

  it('are no rooms of another use', () => {
    const used = rooms.map((room) => (room.id === 'r5' ? { ...room, use: 'other' } : room))
    expect(factsOf({ rooms: used, terminals })).toMatchObject({ classrooms: 4, equippedRatio: 0.5 })
  })

  it('are those that devices name where the district keeps no list', () => {
    expect(factsOf({ terminals })).toMatchObject({ classrooms: 4, equippedClassrooms: 2 })
  })

  it('of two schools may have the same name', () => {
    const two = [...terminals.slice(0, 1), device('other', { kind: 'panel', room: 'r1', site: 's2' })]
    expect(factsOf({ terminals: two })).toMatchObject({ classrooms: 2, equippedClassrooms: 2 })
  })
})

describe('terminals of teachers', () => {
  const sites = [
    { id: 's1', name: 'First', town: 't1', category: 'rural', teachers: 4 },
    { id: 's2', name: 'Second', town: 't2', category: 'town' },
  ]
  const terminals = [
    device('a', { user: 'teacher' }),
    device('b', { user: 'teacher' }),
    device('c', { user: 'office' }),
    device('d', { user: 'teacher', site: 's2' }),
  ]

  it('are set against the teachers of the schools that tell how many they have', () => {
    const facts = factsOf({ sites, terminals })
    expect(facts).toMatchObject({ teacherTerminals: 3, teachers: 4, teacherTerminalsRatio: 0.5 })
  })

  it('have no ratio where no school tells', () => {
    const facts = factsOf({ terminals })
    expect(facts.teacherTerminals).toBe(3)
    expect([facts.teachers, facts.teacherTerminalsRatio]).toEqual([undefined, undefined])
  })
})

describe('devices never seen', () => {
  const terminals = [device('a'), device('b'), device('paper-only', { address: undefined })]
  const seen: Seen = ({ id }) => id === 'a'

  it('are those that could have been and never were', () => {
    expect(factsOf({ terminals }, { seen })).toMatchObject({ neverSeen: 1, kinds: [{ neverSeen: 1 }] })
    expect(unseen(registryOf({ terminals }).terminalsOf('s1', now), seen).map(({ id }) => id)).toEqual(['b'])
  })

  it('are not known where nobody looked', () => {
    expect(factsOf({ terminals }).neverSeen).toBeUndefined()
  })
})

it('is empty, not broken, for a district without devices', () => {
  expect(factsOf({})).toMatchObject({ devices: 0, kinds: [], classrooms: 0, teacherTerminals: 0 })
})
