import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { presetNames } from '../../../core/standard.ts'
import { has, pathOf } from '../../services/capabilities.ts'
import { type Running, startBoard } from './setup.ts'

/** Slow in the evenings, each by another rule; the last by one with figures of its own. */
const schools = ['qc-003', 'qc-008', 'qc-009', 'qc-010', 'qc-011'] as const
const rules = {
  'qc-003': { preset: 'share' },
  'qc-008': { preset: 'fcc-80-80', min_share: 0.85 },
  'qc-009': { preset: 'max-normal-minimum', min_trials: 10 },
  'qc-010': { preset: 'strict' },
  'qc-011': { preset: 'contract-90', at_ratio: 0.925, window_days: 5 },
} as const

let board: Running
beforeAll(async () => {
  board = await startBoard({ rules })
})
afterAll(() => board.stop())

const rulesOf = async () =>
  Promise.all(schools.map(async (id) => (await board.get(`/api/v1/sites/${id}`)).body.standard.rule))

test('the API tells preset, figures, words and source of the rule of each school', async () => {
  const told = await rulesOf()
  expect(told.map(({ preset }) => preset)).toEqual(presetNames)
  for (const { demand, source } of told) {
    expect(`${demand.en} ${demand.zh} ${source.en} ${source.zh}`).not.toContain('{')
    expect(source.zh).not.toBe('')
  }
  const [share, fcc, three, , contract] = told
  expect(share).toMatchObject({ clauses: ['share'], min_share: 0.8, at_ratio: null, daily_ratio: null })
  expect(fcc).toMatchObject({ min_share: 0.85, at_ratio: 0.8 })
  expect(fcc.demand.en).toBe(
    'Of at least 6 conclusive tests within the last 7 whole days and the day itself, 85% or more must reach 80% of the target.',
  )
  expect(three).toMatchObject({ min_trials: 10, daily_ratio: 0.9, least_ratio: 0.5 })
  expect(contract).toMatchObject({ clauses: ['mean'], window_days: 5, min_share: null, at_ratio: 0.925 })
  expect(contract.demand.zh).toBe('最近 5 个整日及当日内有效测试不少于 6 次，其均值须达到要求的 92.5%。')
})

/** Of those schools: what each of the rules asks of a trial. */
const askedRatios = [0.95, 0.8, 0.8, 0.95, 0.925]

test('the API tells with each school of the list what its own rule asks for', async () => {
  const { sites } = (await board.get('/api/v1/sites')).body
  const askedOf = (id: string) => sites.find((site: { id: string }) => site.id === id).asked_ratio
  expect(schools.map(askedOf)).toEqual(askedRatios)
})

describe.skipIf(!has('chromium'))('the list', () => {
  test('marks each bar at what the rule of the school asks for', async () => {
    const browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
    try {
      const page = await browser.newPage()
      await page.goto(board.url)
      for (const [i, id] of schools.entries()) {
        const row = page.locator('tr', { has: page.locator(`[data-key="site-${id}"]`) })
        const path = (await row.locator('.rate-bar .threshold').first().getAttribute('d')) ?? ''
        // The scale ends at 1.25 of the target.
        expect(Number(/^M([\d.]+) /.exec(path)?.[1])).toBeCloseTo(80 * (askedRatios[i] as number))
      }
    } finally {
      await browser.close()
    }
  }, 60_000)
})

describe.skipIf(!has('chromium'))('the page explains a verdict by the rule of the school', () => {
  const words = {
    'en-GB': [
      /reached 475 Mbit\/s, that is 95% of 500 Mbit\/s\. At least 80% must\./,
      /reached (80|400) Mbit\/s, that is 80% of (100|500) Mbit\/s\. At least 85% must\./,
      /that is 80% of \d+ Mbit\/s\. At least 90% must\. Once on each day 90% must be reached\. Trials under 50% may not be on two days\./,
      /that is 95% of \d+ Mbit\/s\. All must\./,
      /The \d+ trials since .* reached \d+\.\d% of \d+ Mbit\/s on average\. At least 92\.5% is asked for\./,
    ],
    'zh-CN': [
      /次达到 475 Mbit\/s（500 Mbit\/s 的 95%）。要求不少于 80%。/,
      /的 80%）。要求不少于 85%。/,
      /的 80%）。要求不少于 90%。每日至少一次须达到 90%。低于 50% 的情况不得出现在两日。/,
      /的 95%）。要求全部达到。/,
      /次测试的均值为 \d+ Mbit\/s 的 \d+\.\d%。要求均值不低于 92\.5%。/,
    ],
  }

  test.each(['en-GB', 'zh-CN'] as const)(
    'in %s',
    async (locale) => {
      const browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
      try {
        const page = await browser.newPage({ locale })
        for (const [i, id] of schools.entries()) {
          await page.goto(`${board.url}/#/site/${id}?range=24h`)
          await page.locator(`.place:has-text("${id}")`).waitFor()
          expect(await page.locator('.direction .words').first().innerText()).toMatch(words[locale][i] as RegExp)
        }
      } finally {
        await browser.close()
      }
    },
    60_000,
  )
})
