import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kpiNames } from '../../../collector/judge/kpi/site-day.ts'
import { type Json, type Running, startBoard } from './setup.ts'

/** The judge has written the figures of yesterday when the board stands. */
let board: Running
beforeAll(async () => {
  board = await startBoard({ now: Date.parse('2026-11-23T04:10:00Z') })
})
afterAll(() => board.stop())

const get = (query: string) => board.get(`/api/v1/kpis${query}`)

describe('the figures of the plan', () => {
  test('are those of the district over thirty days until yesterday, with town and country beside them', async () => {
    const { status, body } = await get('')
    expect(status).toBe(200)
    expect(body).toMatchObject({ from: '2026-10-24', to: '2026-11-22' })
    expect(body.kpis.map(({ kpi }: Json) => kpi).toSorted()).toEqual(kpiNames.toSorted())
    const figure = body.kpis.find(({ kpi }: Json) => kpi === 'schools_reporting')
    expect(figure).toMatchObject({ scope: 'district', town: null, site: null, is_share: true, trend_ratio: null })
    expect(figure.days).toHaveLength(1)
    expect(figure.days[0]).toMatchObject({ date: '2026-11-22', denominator_count: 12, unknown_count: 0 })
    const divide = body.divide.find(({ kpi }: Json) => kpi === 'compliance')
    expect(Object.keys(divide.days[0])).toEqual(['date', 'town_ratio', 'rural_ratio', 'gap_ratio'])
  })

  test('are told of each school, of one figure', async () => {
    const { body } = await get('?scope=site&kpi=compliance_down')
    expect(body.kpis).toHaveLength(12)
    const { body: one } = await get('?scope=site&kpi=compliance_down&site=qc-002')
    expect(one.kpis).toMatchObject([{ site: 'qc-002', category: 'rural', days: [{ value_ratio: 0 }] }])
  })

  test('that cannot be known are null, with how many are not', async () => {
    const { body } = await get('?kpi=wireless_clients')
    expect(body.kpis).toMatchObject([{ is_share: false, days: [{ value_ratio: null, numerator_count: null }] }])
    expect(body.kpis[0].days[0].unknown_count).toBeGreaterThan(0)
    expect(body.divide).toEqual([])
  })

  test.each([
    ['?kpi=nothing', 'kpi'],
    ['?from=2026-02-30', 'from'],
    ['?from=2026-11-22&to=2026-11-01', 'from'],
  ])('refuse %s by name', async (query, parameter) => {
    const { status, body } = await get(query)
    expect([status, body.error.parameter]).toEqual([400, parameter])
  })
})
