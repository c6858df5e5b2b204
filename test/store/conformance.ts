/**
 * What every store must do, run against each of them with the same data: `testConformance('sqlite', open)`.
 * The answers are those of the model (model.ts); a quantile may lie anywhere between its two neighbours.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import type { Aggregate, LastQuery, RangeQuery, Row, RowsQuery } from '../../store/query.ts'
import { shareBelow } from '../../store/share.ts'
import type { Store } from '../../store/store.ts'
import { createModel, type ModelSeries } from './model.ts'

export type Subject = {
  store: Store
  /** The clock of the store. */
  now: number
  /** Resolves when what is durable is found by queries as well. */
  settle: () => Promise<void>
  close: () => Promise<void>
}

const minute = 60_000
const hour = 60 * minute
const china = 8 * 3600

/** Values that repeat on every run, spread like noise. */
function noise(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43_758.5453
  return Math.round((x - Math.floor(x)) * 10_000) / 100_000
}

/** 3 sites × 4 terminals, each minute for `minutes`; RTT is missing while a terminal is down. */
export function terminals(from: number, minutes: number, sites = ['s-1', 's-2', 's-3']): Batch[] {
  return sites.flatMap((site, s) =>
    Array.from({ length: minutes }, (_, m) => {
      const up = [0, 1, 2, 3].map((t) => (noise(m * 31 + t * 7 + s) > 0.02 ? 1 : 0))
      return {
        measurement: 'terminal' as const,
        times: [0, 1, 2, 3].map((t) => from + m * minute + t * 1000 + s),
        tags: {
          district: 'qc',
          town: s < 2 ? 'east' : 'west',
          category: 'town',
          site,
          agent: `agent.${site}`,
          terminal: [0, 1, 2, 3].map((t) => `${site}:t_${t}`),
          kind: ['screen', 'screen', 'pc', 'pc'],
          room: ['r1', 'r1', 'r1', 'r2'],
        },
        fields: {
          up,
          rtt_seconds: up.map((value, t) => (value === 1 ? noise(m * 131 + t * 17 + s * 3) : null)),
          loss_ratio: up.map((value) => (value === 1 ? 0 : 1)),
          expected: up.map(() => (m % 90 < 45 ? 1 : 0)),
        },
      }
    }),
  )
}

export function testConformance(name: string, open: () => Promise<Subject>): void {
  describe(`store ${name}`, () => {
    const model = createModel()
    let subject: Subject
    let from: number
    let to: number

    const write = async (batches: readonly Batch[]) => {
      const { rejected, retry, durable } = await subject.store.write(batches)
      expect({ rejected: [...rejected], retry }).toEqual({ rejected: [], retry: [] })
      await durable
      for (const batch of batches) model.write(batch)
    }
    const expectRange = async (query: RangeQuery) => {
      expectSeries(await subject.store.range(query), model.range(query))
    }
    const expectLast = async (query: LastQuery) => {
      const rows = await subject.store.last(query)
      expect(bySeries(rows)).toEqual(bySeries(model.last(query)))
      return rows
    }

    beforeAll(async () => {
      subject = await open()
      // Not whole hours; across midnight in UTC and in UTC+8 (16:00 UTC).
      to = Math.floor((subject.now - 3 * hour) / (24 * hour)) * 24 * hour + 3 * hour - 7 * minute
      from = to - 12 * hour
      await write(terminals(from, 12 * 60))
      await write([
        {
          measurement: 'bandwidth',
          times: [from, from + 8 * hour],
          tags: {
            district: 'qc',
            town: 'east',
            category: 'town',
            site: 's-1',
            agent: 'agent.s-1',
            link: 'wan',
            direction: ['down', 'up'],
            testpoint: 'tp',
          },
          fields: { link_rate_bps: [512_000_000, 98_765_432], outcome: [1, 0], margin_ratio: [null, 0.0123] },
        },
      ])
      await subject.settle()
    }, 120_000)
    afterAll(() => subject.close())

    describe('last', () => {
      it('gives the newest sample of every series', async () => {
        expect(await expectLast({ measurement: 'terminal', from, to })).toHaveLength(12)
      })
      it('gives only what matches all tags, each with any of its values', async () => {
        const match = { site: ['s-1', 's-3'], kind: 'pc' }
        expect(await expectLast({ measurement: 'terminal', match, from, to })).toHaveLength(4)
      })
      it('gives nothing for an empty list of values and for an unknown value', async () => {
        expect(await expectLast({ measurement: 'terminal', match: { site: [] }, from, to })).toEqual([])
        expect(await expectLast({ measurement: 'terminal', match: { site: 'nowhere' }, from, to })).toEqual([])
      })
      it('gives the fields asked for, missing ones as null', async () => {
        const rows = await expectLast({ measurement: 'bandwidth', fields: ['margin_ratio', 'goodput_bps'], from, to })
        expect(rows.map((row) => row.fields)).toContainEqual({ margin_ratio: 0.0123, goodput_bps: null })
      })
      it('includes the first instant of its time and excludes the last', async () => {
        const query = { measurement: 'bandwidth', match: { direction: 'down' } } as const
        expect(await expectLast({ ...query, from, to: from + 1 })).toHaveLength(1)
        expect(await expectLast({ ...query, from: from - hour, to: from })).toEqual([])
      })
      it('looks back from a time in the past', async () => {
        await expectLast({ measurement: 'terminal', from, to: from + 4 * hour + 123 })
      })
    })

    describe('rows', () => {
      it('gives whole samples in order of time', async () => {
        const query: RowsQuery = { measurement: 'bandwidth', from, to, limit: 10 }
        expect(await subject.store.rows(query)).toEqual(model.rows(query))
      })
      it('keeps the newest when there are more than the limit', async () => {
        const match = { site: 's-2', terminal: 's-2:t_1' }
        const query: RowsQuery = { measurement: 'terminal', match, fields: ['rtt_seconds', 'up'], from, to, limit: 100 }
        const rows = await subject.store.rows(query)
        expect(rows).toHaveLength(100)
        expect(rows).toEqual(model.rows(query))
      })
    })

    describe('range', () => {
      const aggregates: Aggregate[] = ['mean', 'min', 'max', 'sum', 'last', 'count']
      it.each(aggregates)('gives the %s of each group and bucket', async (aggregate) => {
        const query = { measurement: 'terminal', field: 'rtt_seconds', from, to, aggregate } as const
        // `last` of several series in one bucket: the times differ, so that it is defined.
        await expectRange({ ...query, everySeconds: 3600, by: ['terminal'] })
        await expectRange({ ...query, everySeconds: 600, by: ['town'] })
        await expectRange({ ...query, everySeconds: 3600 })
      })
      it.each([0, 0.5, 0.95, 1])('gives quantile %d between its neighbours', async (quantile) => {
        const query = { measurement: 'terminal', field: 'rtt_seconds', from, to, aggregate: { quantile } } as const
        await expectRange({ ...query, everySeconds: 3600, by: ['site'] })
        await expectRange({ ...query, everySeconds: 86_400, utcOffsetSeconds: china, match: { terminal: 's-1:t_0' } })
      })
      it('refuses more groups than are allowed', async () => {
        const query: RangeQuery = {
          measurement: 'terminal',
          field: 'up',
          from,
          to,
          everySeconds: 3600,
          aggregate: 'mean',
          by: ['terminal'],
        }
        await expect(subject.store.range({ ...query, maxGroups: 11 })).rejects.toMatchObject({ code: 'query_invalid' })
        expect(await subject.store.range({ ...query, maxGroups: 12 })).toHaveLength(12)
      })
      it('refuses what the catalog does not know', async () => {
        const query = { measurement: 'terminal', field: 'up', from, to, everySeconds: 60, aggregate: 'mean' } as const
        for (const wrong of [{ field: 'nope' }, { by: ['nope'] }, { match: { 'x" or "': 'y' } }]) {
          await expect(subject.store.range({ ...query, ...wrong })).rejects.toMatchObject({ code: 'query_invalid' })
        }
      })
      it('begins days at local midnight', async () => {
        const query: RangeQuery = {
          measurement: 'terminal',
          field: 'up',
          from,
          to,
          everySeconds: 86_400,
          aggregate: 'sum',
          by: ['site'],
          utcOffsetSeconds: china,
        }
        const [first] = await subject.store.range(query)
        expect(first?.points.map(([time]) => (time + china * 1000) % (24 * hour))).toEqual([0, 0])
        await expectRange(query)
      })
      it('cuts the first and the last bucket', async () => {
        const cut = { from: from + 20 * minute + 500, to: to - 25 * minute }
        const query = { measurement: 'terminal', field: 'loss_ratio', aggregate: 'sum', everySeconds: 3600 } as const
        await expectRange({ ...query, ...cut, by: ['site', 'kind'] })
        await expectRange({ ...query, ...cut, everySeconds: 90, match: { site: 's-3' } })
      })
      it('leaves out groups and buckets without a value', async () => {
        const empty = { measurement: 'terminal', aggregate: 'mean', everySeconds: 3600, by: ['site'] } as const
        expect(await subject.store.range({ ...empty, field: 'up', from: from - 5 * hour, to: from })).toEqual([])
        const field = { measurement: 'bandwidth', aggregate: 'count', everySeconds: 3600, by: ['direction'] } as const
        const series = await subject.store.range({ ...field, field: 'margin_ratio', from, to })
        expect(series.map(({ tags, points }) => [tags, points.length])).toEqual([[{ direction: 'up' }, 1]])
      })
      it.each(['mean', 'sum', 'count'] as const)('gives the %s of expected time alone', async (aggregate) => {
        const query = { measurement: 'terminal', field: 'up', from, to, aggregate, expectedOnly: true } as const
        await expectRange({ ...query, everySeconds: 3600, by: ['site'] })
        await expectRange({ ...query, everySeconds: 900, by: ['room'] })
      })
    })

    describe('share', () => {
      const share = { measurement: 'terminal', field: 'rtt_seconds', aggregate: 'mean', by: ['town'] } as const
      it('gives how many of the groups are under the threshold, 0 where none is', async () => {
        const query = { ...share, from, to, everySeconds: 3600, of: ['terminal'] }
        const values = new Map<string, number[]>()
        for (const { tags, points } of model.range({ ...query, by: ['town', 'terminal'] })) {
          for (const { time, low } of points) {
            const key = `${tags['town']} ${time}`
            values.set(key, [...(values.get(key) ?? []), low])
          }
        }
        for (const below of [0, 0.05]) {
          const found = await shareBelow(subject.store, { ...query, below })
          const keyed = found.flatMap(({ tags, points }) =>
            points.map(([time, value]) => [`${tags['town']} ${time}`, value] as const),
          )
          const wanted = [...values].map(
            ([key, own]) => [key, own.filter((value) => value < below).length / own.length] as const,
          )
          expect(keyed.toSorted()).toEqual(wanted.toSorted())
        }
      })
    })

    describe('writing again', () => {
      it('changes nothing when the same samples come twice', async () => {
        await write(terminals(from, 60, ['s-1']))
        await subject.settle()
        await expectRange({ measurement: 'terminal', field: 'up', from, to, everySeconds: 3600, aggregate: 'count' })
      })
      it('adds fields that were missing in a sample', async () => {
        const at = from + 30 * minute
        const tags = { district: 'qc', town: 'east', category: 'town', site: 's-1', agent: 'agent.s-1' }
        await write([{ measurement: 'host', times: [at], tags, fields: { cpu_ratio: [0.25] } }])
        await write([{ measurement: 'host', times: [at], tags, fields: { memory_used_ratio: [0.5] } }])
        await subject.settle()
        const [row] = await expectLast({ measurement: 'host', from, to })
        expect(row?.fields).toMatchObject({ cpu_ratio: 0.25, memory_used_ratio: 0.5, load_1m_count: null })
      })
      it('finds late samples in their place, behind newer ones', async () => {
        await write(terminals(from - 3 * hour, 30, ['s-1', 's-2']))
        await subject.settle()
        const query = { measurement: 'terminal', field: 'rtt_seconds', from: from - 4 * hour, to } as const
        await expectRange({ ...query, everySeconds: 3600, aggregate: 'count', by: ['site'] })
        await expectRange({ ...query, everySeconds: 3600, aggregate: 'last', by: ['terminal'] })
        await expectLast({ measurement: 'terminal', from: from - 4 * hour, to })
      })
    })

    it('is well', async () => {
      expect(await subject.store.health()).toMatchObject({ ok: true, problems: [] })
    })
  })
}

function bySeries(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => JSON.stringify(a.tags).localeCompare(JSON.stringify(b.tags)))
}

/** Whether a store's series are the model's: the same groups and buckets, values equal but for the order of additions. */
export function expectSeries(
  actual: readonly { tags: Record<string, string>; points: [number, number][] }[],
  wanted: readonly ModelSeries[],
): void {
  const key = (tags: Record<string, string>) =>
    JSON.stringify(Object.entries(tags).toSorted(([a], [b]) => a.localeCompare(b)))
  const sorted = <T extends { tags: Record<string, string> }>(series: readonly T[]) =>
    series.toSorted((a, b) => key(a.tags).localeCompare(key(b.tags)))
  const model = sorted(wanted)
  const store = sorted(actual)
  expect(store.map(({ tags, points }) => [tags, points.map(([time]) => time)])).toEqual(
    model.map(({ tags, points }) => [tags, points.map(({ time }) => time)]),
  )
  for (const [i, { points }] of model.entries()) {
    for (const [j, { time, low, high }] of points.entries()) {
      const value = store[i]?.points[j]?.[1] ?? Number.NaN
      const slack = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high))
      if (!(value >= low - slack && value <= high + slack)) {
        expect.fail(`${key(model[i]?.tags ?? {})} at ${new Date(time).toISOString()}: ${value} is not ${low}..${high}`)
      }
    }
  }
}
