import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeBatch } from '../../collector/enrich.ts'
import { type Batch, batchOf, tagAt } from '../../core/batch.ts'
import { registryOf } from './district.ts'

const october = Date.parse('2026-10-01')
const now = october + 86_400_000
const batchAt = (...times: number[]): Batch =>
  batchOf(
    times.map((time) => ({
      measurement: 'path',
      time,
      tags: { level: 'city', target: `t${time}` },
      fields: { up: 1 },
    })),
    now,
  )
const moving = registryOf({
  agents: [
    { id: 'a-gw1', site: 's1' },
    { id: 'a-gw1', site: 's2', valid_from: '2026-10-01' },
  ],
})

describe('a batch from an agent', () => {
  it('gets the place of its agent, and keeps its own tags', () => {
    const batch = batchAt(october)
    expect(placeBatch(registryOf(), 'a-gw1', batch, now)).toEqual([
      {
        ...batch,
        tags: { district: 'd1', town: 't1', category: 'rural', site: 's1', agent: 'a-gw1', ...batch.tags },
      },
    ])
  })

  it('has no place when the agent has none', () => {
    expect(placeBatch(registryOf(), 'c-gw1', batchAt(october), now)).toBeUndefined()
  })

  it('cannot claim another place or sender by its tags', () => {
    const [part] = placeBatch(registryOf(), 'a-gw1', batchAt(october), now) ?? []
    expect(Object.keys(part?.tags ?? {}).toSorted()).toEqual(
      ['district', 'town', 'category', 'site', 'agent', 'level', 'target'].toSorted(),
    )
  })

  it('is cut where the registry changes, whatever the order of its times', () => {
    const parts = placeBatch(moving, 'a-gw1', batchAt(october, october - 1, october + 5, october - 9), now) ?? []
    const rows = parts.map(({ times, tags }) => [tags['site'], times])
    expect(rows).toHaveLength(2)
    expect(rows).toContainEqual(['s1', [october - 1, october - 9]])
    expect(rows).toContainEqual(['s2', [october, october + 5]])
  })

  it('is stored where its agent was when it has left since', () => {
    const left = registryOf({
      agents: [
        { id: 'a-gw1', site: 's1' },
        { id: 'a-gw1', site: 's1', valid_from: '2026-10-01', retired: true },
      ],
    })
    expect(placeBatch(left, 'a-gw1', batchAt(october - 1), now)).toMatchObject([{ times: [october - 1] }])
    expect(placeBatch(left, 'a-gw1', batchAt(october), now)).toBeUndefined()
  })

  it('is put off whole when a row of it is more than ten minutes ahead', () => {
    const ten = 600_000
    expect(placeBatch(registryOf(), 'a-gw1', batchAt(now + ten), now)).toHaveLength(1)
    expect(() => placeBatch(registryOf(), 'a-gw1', batchAt(now, now + ten + 1), now)).toThrow(
      expect.objectContaining({ code: 'batch_early', message: expect.stringContaining('10 minutes ahead') }),
    )
  })

  it('has each of its rows in exactly one part, at the place of its own time', () => {
    const dates = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 5 })
    const times = fc.array(fc.integer({ min: -5, max: 25 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(dates, times, (changes, offsets) => {
        const days = [...new Set(changes)]
        const registry = registryOf({
          agents: days.map((day, i) => ({
            id: 'a-gw1',
            site: i % 2 === 0 ? 's1' : 's2',
            valid_from: new Date(october + day * 1000).toISOString(),
          })),
        })
        const batch = batchAt(...offsets.map((offset) => october + offset * 1000))
        const parts = placeBatch(registry, 'a-gw1', batch, now) ?? []
        expect(parts.flatMap((part) => part.times).toSorted()).toEqual(batch.times.toSorted())
        for (const part of parts)
          for (const [row, time] of part.times.entries()) {
            expect(part.tags['site']).toBe(registry.placeOf('a-gw1', time)?.site)
            expect(tagAt(part, 'target', row)).toBe(`t${time}`)
          }
      }),
    )
  })
})

describe('a sample of a device', () => {
  const at = (text: string) => Date.parse(`2026-09-21T${text}+08:00`)
  const sweep = (kind: string, terminal: string, times: number[], fields: { up?: number; expected?: number }) =>
    batchOf(
      times.map((time) => ({ measurement: 'terminal', time, tags: { terminal, kind, room: 'r1' }, fields })),
      now,
    )
  const joined = (batches: Batch[]): Batch => ({
    ...(batches[0] as Batch),
    times: batches.flatMap(({ times }) => times),
    tags: Object.fromEntries(['terminal', 'kind', 'room'].map((tag) => [tag, batches.map((b) => tagAt(b, tag, 0)!)])),
    fields: { up: batches.map(() => 1) },
  })
  const expectedIn = (batch: Batch, rows = {}) =>
    placeBatch(registryOf(rows), 'a-gw1', batch, now)?.[0]?.fields['expected']

  it('is told whether it was expected to be on, by the calendar at its own time', () => {
    const times = [at('07:59'), at('08:06'), at('12:30'), at('23:00')]
    expect(expectedIn(sweep('panel', 'p1', times, { up: 0 }))).toEqual([0, 1, 0, 0])
    expect(expectedIn(sweep('switch', 'w1', times, { up: 0 }))).toEqual([1, 1, 1, 1])
  })

  it('goes by its own row, as it held then, before its kind', () => {
    const row = { id: 'w1', site: 's1', kind: 'switch' }
    const terminals = [row, { ...row, expected: 'never', valid_from: '2026-09-21T12:00:00+08:00' }]
    expect(expectedIn(sweep('switch', 'w1', [at('11:59'), at('12:00')], { up: 1 }), { terminals })).toEqual([1, 0])
  })

  it('is told the same whatever was asked before, and another thing once the calendar is another', () => {
    const holiday = { id: 'all', holidays: [{ from: '2026-09-21', to: '2026-09-22' }] }
    const own = { id: 'w1', site: 's1', kind: 'switch', expected: 'school-day' }
    const rows = fc.array(
      fc.record({
        time: fc.integer({ min: at('00:00'), max: at('23:59') + 86_400_000 }),
        device: fc.constantFrom('panel p1', 'switch w1', 'switch w2'),
      }),
      { minLength: 1, maxLength: 20 },
    )
    const registries = [{}, { calendars: [holiday] }, { terminals: [own] }].map((given) => ({
      given,
      registry: registryOf(given),
    }))
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 3 }), (batches) => {
        for (const batch of batches)
          for (const { given, registry } of registries) {
            const samples = batch.map(({ time, device }) => {
              const [kind = '', terminal = ''] = device.split(' ')
              return sweep(kind, terminal, [time], { up: 1 })
            })
            const whole = joined(samples)
            const alone = samples.map((sample) => expectedIn(sample, given)?.[0])
            expect(placeBatch(registry, 'a-gw1', whole, now + 86_400_000)?.[0]?.fields['expected']).toEqual(alone)
          }
      }),
      { numRuns: 30 },
    )
  })

  it('cannot say itself whether it was expected', () => {
    expect(expectedIn(sweep('panel', 'p1', [at('23:00')], { up: 0, expected: 1 }))).toEqual([0])
  })
})
