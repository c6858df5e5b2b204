import { readXlsx } from 'hucre/xlsx'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgeSites } from '../../../collector/judge/judge-sites.ts'
import { createKpiKeeper } from '../../../collector/judge/kpi/keeper.ts'
import { makeReport } from '../../../collector/report/report.ts'
import { bandwidth, closeMonth, month, now, openMonth, registry } from './month.ts'
import { createLog } from '../../../core/log.ts'

const options = { month, format: 'html', lang: 'en' } as const
const textOf = (html: string) => html.replaceAll(/<svg.*?<\/svg>/gs, '').replaceAll(/<[^>]*>/g, '|')
let store: Awaited<ReturnType<typeof openMonth>>['store']
const make = async (wish: Partial<Parameters<typeof makeReport>[0]> = {}, at = now) =>
  await makeReport({ ...options, ...wish }, { store, registry, now: at })
const html = async (wish: Partial<Parameters<typeof makeReport>[0]> = {}) => String(await make(wish))

beforeAll(async () => {
  ;({ store } = await openMonth())
})
afterAll(closeMonth)

describe('the monthly report', () => {
  test('says of every school what the judge says at the end of the month', async () => {
    const time = Date.parse('2026-11-01T00:00:00+08:00') - 1
    const verdicts = await judgeSites(store, registry, registry.sites(time), time)
    expect([...verdicts].map(([site, { verdict }]) => [site, verdict])).toEqual([
      ['s1', 'met'],
      ['s2', 'below'],
      ['s3', 'unknown'],
    ])
    const report = textOf(await html())
    expect(report).toMatch(/\|First\|+s1\|.*\|met\|/)
    expect(report).toMatch(/\|Second\|+s2\|.*\|below\|+share too small\|+7\|+0\|/)
    expect(report).toContain('|Compliance rate||50.0%|')
    expect(report).toContain('|No verdict||1|')
  })

  test('gives figures of the plan with numerator, denominator and what is unknown, as they are stored', async () => {
    const computed = textOf(await html())
    expect(computed).toMatch(/\|Schools whose link meets its target\|+50.0%\|+1\|+2\|+1\|+no test, or too few\|/)
    expect(computed).toContain('|no year of purchase in the registry|')
    const day = Date.parse('2026-10-31T00:00:00+08:00')
    const keeper = createKpiKeeper(store, createLog({ name: 'test', level: 'silent' }))
    await keeper.run(registry, day + 86_400_000 + 60_000)
    await keeper.run(registry, day + 86_400_000 + 60_000)
    expect(textOf(await html())).toMatch(/\|Schools whose link meets its target\|+50.0%\|+1\|+2\|+1\|/)
  })

  test('tells what was left out and why', async () => {
    const report = textOf(await html())
    expect(report).toMatch(/\|busy line\|+1\|+1\|/)
    expect(report).toContain('14 tests counted, 1 left out')
  })

  test('stands alone: no script, no address of anything outside, names escaped', async () => {
    for (const site of [undefined, 's1', 's3']) {
      const page = await html({ site, lang: 'zh' })
      expect(page).not.toMatch(/https?:|src=|href=|@import|<script|url\((?!#)/i)
    }
    const page = await html({ site: 's3' })
    expect(page).toContain('&lt;b&gt;Third&lt;/b&gt;')
    expect(page).not.toContain('<b>Third')
  })

  test('of a month without data says so', async () => {
    expect(await html({ month: '2026-08', lang: 'zh' })).toContain('2026-08 没有任何带宽测试数据。')
  })

  test('is refused for a month that is none or has not begun', async () => {
    await expect(make({ month: '2026-13' })).rejects.toMatchObject({ code: 'config_invalid' })
    // Years that a date takes for others.
    for (const early of ['0000-01', '0099-12', '1969-12'])
      await expect(make({ month: early })).rejects.toThrow(`"${early}" is no month of a report`)
    await expect(make({ month: '2026-12' })).rejects.toThrow('2026-12 has not begun; today is 2026-11-23')
  })

  test('begins and ends with the local month, and on its first day reaches until now', async () => {
    const first = Date.parse('2026-11-01T09:00:00+08:00')
    const report = String(await make({ month: '2026-11' }, first))
    expect(report).toContain('Verdicts as of 2026-11-01 08:59:59')
    expect(await html({ month: '2026-11' })).toContain('not over: until 2026-11-22')
  })
})

describe('the evidence sheet of a school', () => {
  test('lists every test with its rates, its method and what became of it', async () => {
    const report = textOf(await html({ site: 's2' }))
    expect(report).toMatch(/\|2026-10-25 03:00:00\|+wan\|+down\|+300.0\|+282.0\|+500.0\|+below\|+\|counted\|+interface/)
    expect(report).toMatch(/\|busy line\|+no: busy line\|/)
    expect(report).toContain('80% or more must meet the target')
    expect(report).toContain('the plan gives no rule')
  })

  test('joins a test and its confirmation, and draws the month', async () => {
    const page = await html({ site: 's2' })
    expect(textOf(page)).toContain('|as one with it ↑|')
    expect(page).toContain('<svg')
  })

  test('of a school that is not registered names those that are near', async () => {
    await expect(make({ site: 's9' })).rejects.toThrow('no site "s9"; did you mean s1 (First)')
  })
})

describe('other formats', () => {
  test('a workbook has one sheet for each table, numbers as numbers and times as times', async () => {
    const { sheets } = await readXlsx((await make({ site: 's2', format: 'xlsx' })) as Uint8Array)
    const tests = sheets.at(-1)
    expect(tests?.name).toBe('Every test of the month')
    expect(tests?.rows[1]?.slice(0, 5)).toEqual([new Date('2026-10-25T03:00:00Z'), 'wan', 'down', 300, 282])
    const bureau = await readXlsx((await make({ format: 'xlsx', lang: 'zh' })) as Uint8Array)
    expect(bureau.sheets.map(({ name }) => name)).toEqual([
      '说明',
      '规划指标',
      '各镇街',
      '各类学校',
      '学校清单',
      '未计入',
      '未判定',
    ])
    expect(bureau.sheets[4]?.rows[1]?.slice(0, 9)).toEqual([
      'Second',
      's2',
      'Two',
      '城镇中小学',
      500,
      '未达标',
      '达标比例不足',
      7,
      0,
    ])
  })

  test('CSV has every test of the month, and nothing of another one', async () => {
    const csv = String(await make({ format: 'csv', lang: 'zh' }))
    await expect(csv).toMatchFileSnapshot('golden-tests.csv')
    expect(csv.trim().split('\r\n')).toHaveLength(1 + bandwidth.filter(({ inMonth }) => inMonth).length)
  })
})
