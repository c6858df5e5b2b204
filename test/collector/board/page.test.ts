import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { has, pathOf } from '../../services/capabilities.ts'
import type { Command } from '../../../core/status.ts'
import { batchOf } from './samples.ts'
import { type Running, startBoard } from './setup.ts'

describe.skipIf(!has('chromium'))('the page in a browser', () => {
  let board: Running
  let browser: Browser
  beforeAll(async () => {
    board = await startBoard({ simulated: true })
    browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await board?.stop()
  })

  /** A page at an address, and everything that it complained of. */
  async function open(hash: string, options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(`${board.url}/${hash}`)
    return { page, complaints }
  }

  const words = {
    'zh-CN': {
      rate: '达标率',
      below: '未达标',
      simulated: '模拟数据',
      evidence: '判定依据',
      slow: '凤城第1村小学',
      says: /次测试中 0 次达到 95 Mbit\/s（100 Mbit\/s 的 95%）。要求不少于 80%/,
      levels: ['校', '区', '市', '省', '互联网'],
    },
    'en-GB': {
      rate: 'Compliance rate',
      below: 'Below target',
      simulated: 'Simulated data',
      evidence: 'Evidence of the verdict',
      slow: 'Phoenix Village School 1',
      says: /0 of \d+ trials since .* reached 95 Mbit\/s, that is 95% of 100 Mbit\/s\. At least 80% must\./,
      levels: ['School', 'District', 'City', 'Province', 'Internet'],
    },
  } as const

  describe.each(['zh-CN', 'en-GB'] as const)('in %s', (locale) => {
    const say = words[locale]

    test('the overview shows rate, marks and list, and narrows down to a school', async () => {
      const { page, complaints } = await open('#/sites', { locale })
      await page.getByRole('heading', { name: say.rate }).waitFor()
      expect(await page.getByText(say.simulated, { exact: true }).isVisible()).toBe(true)
      expect(await page.locator('.marks a').count()).toBe(12)
      expect(await page.locator('.sites tbody tr').count()).toBe(12)
      const first = page.locator('.sites tbody tr').first()
      expect(await first.locator('.state').innerText()).toContain(say.below)
      await page.getByRole('searchbox').fill('qc-002')
      expect(await page.locator('.sites tbody tr').count()).toBe(1)
      await page.locator('.sites').getByRole('link', { name: say.slow }).click()
      await page.getByRole('heading', { name: say.slow, level: 1 }).waitFor()
      expect(complaints).toEqual([])
      await page.context().close()
    })

    test('a school shows its verdict in words, its evidence, charts and path', async () => {
      const { page, complaints } = await open('#/site/qc-002?range=24h', { locale })
      await page.getByText(say.says).first().waitFor()
      await page.locator('.chart canvas').nth(3).waitFor()
      expect(await page.locator('.chart:visible').count()).toBeGreaterThanOrEqual(4)
      await page.getByText(say.evidence).click()
      expect(await page.locator('.evidence tbody tr').count()).toBeGreaterThan(40)
      const levels = await page.locator('table.path tbody b').allInnerTexts()
      expect(levels).toEqual([...say.levels])
      expect(complaints).toEqual([])
      await page.context().close()
    })
  })

  test('the language is switched in place and remembered', async () => {
    const { page } = await open('#/sites', { locale: 'zh-CN' })
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Compliance rate' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    await page.reload()
    await page.getByRole('heading', { name: 'Compliance rate' }).waitFor()
    await page.context().close()
  })

  test('a self-test is labelled and given no verdict', async () => {
    const { page } = await open('#/site/qc-005', { locale: 'en-GB' })
    await page.getByText('which proves the chain, not the link').first().waitFor()
    expect(await page.locator('.title .self-test').innerText()).toBe('Self-test')
    expect(await page.locator('.title .verdict').innerText()).toContain('No verdict')
    expect(await page.locator('.rate-bar .fill.met, .rate-bar .fill.below').count()).toBe(0)
    await page.context().close()
  })

  test('a device at fault is told first, with since when; one that nobody expects is only off', async () => {
    const { page } = await open('#/site/qc-001', { locale: 'en-GB' })
    const card = page.locator('.terminals')
    await card.getByText('6 of 9 reachable').waitFor()
    expect(await card.getByText('Rooms that work: 3').count()).toBe(1)
    const faults = await card.locator('.attention li').allInnerTexts()
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^Class 2 · pc 2\s+no answer\s+since .* · for /)
    const count = (state: string) => card.locator(`.room .device.${state}`).count()
    expect([await count('up'), await count('down'), await count('off'), await count('unknown')]).toEqual([6, 1, 1, 1])
    expect(await card.locator('.room .head b').first().innerText()).toBe('Class 2')
    const down = card.locator('.room .device.down')
    expect(await down.getAttribute('title')).toMatch(
      /^pc 2 · Computer · no answer · since .* or longer · at fault since/,
    )
    const cutOff = card.locator('.room .device.unknown')
    expect(await cutOff.getAttribute('title')).toContain('the gateway is cut off')
    await card.getByText('All devices as a table').click()
    await card.locator('tbody tr').first().waitFor()
    expect(await card.locator('tbody tr').count()).toBe(9)
    await page.context().close()
  })

  test('a latest test below the threshold is told beside a median that is above it', async () => {
    const { page } = await open('#/site/qc-003', { locale: 'en-GB' })
    const judged = page.locator('.direction.below')
    await judged.getByText('The median is above the threshold').waitFor()
    expect(await judged.locator('.facts').innerText()).toMatch(/Trials met\s+\d+ of \d+ · \d+\.\d%/)
    await page.context().close()
  })

  test('reports are saved from both pages, and a refusal is told and not saved', async () => {
    const { page, complaints } = await open('#/sites', { locale: 'zh-CN', acceptDownloads: true })
    const reports = page.locator('.reports')
    await reports.getByText('监测月报').waitFor()
    expect(await reports.getByRole('link').count()).toBe(6)
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      reports.getByRole('link', { name: '网页（可打印）' }).last().click(),
    ])
    expect(saved.suggestedFilename()).toMatch(/^linkbell-\d{4}-\d{2}-zh\.html$/)
    await page.route('**/api/v1/reports?*', (route) =>
      route.fulfill({ status: 503, json: { error: { code: 'busy', message: 'Another report is being made.' } } }),
    )
    await reports.getByRole('link', { name: 'Excel' }).first().click()
    await reports.getByText('正在生成另一份报告').waitFor()
    await page.unroute('**/api/v1/reports?*')
    expect(complaints.filter((text) => !text.includes('503'))).toEqual([])
    await page.goto(`${board.url}/#/site/qc-002`)
    await page.locator('.reports').getByText('带宽监测证据单').waitFor()
    const [sheet] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('.reports').getByRole('link', { name: '测试明细 CSV' }).last().click(),
    ])
    expect(sheet.suggestedFilename()).toMatch(/^linkbell-\d{4}-\d{2}-qc-002-zh\.csv$/)
    await page.context().close()
  })

  test('what works and asks for something is told after what does not work', async () => {
    const time = Date.now() - 60_000
    const place = { district: 'qc', town: 't1', category: 'town', site: 'qc-001', agent: 'gw-qc-001' }
    const fields = { snmp: 0, fault: 1, fault_part: 7, supply_left_ratio: 0.04 }
    const row = { time, tags: { terminal: 'panel-103', kind: 'panel' }, fields }
    await (await board.store.write([batchOf('device', [row], place)])).durable
    const { page } = await open('#/site/qc-001', { locale: 'en-GB' })
    const entries = page.locator('.terminals .attention li')
    await entries.nth(1).waitFor()
    expect(await entries.last().innerText()).toMatch(/^Class 3 · panel 3\s+supply warning, Lowest supply 4%\s+told /)
    expect(await page.locator('.device.care').count()).toBe(1)
    await page.context().close()
  })

  test('nothing runs over the edge of a phone', async () => {
    for (const hash of ['#/sites', '#/site/qc-001']) {
      const { page } = await open(hash, { locale: 'zh-CN', viewport: { width: 360, height: 740 } })
      await page.locator('.panel').first().waitFor()
      const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      expect(inner, hash).toBeLessThanOrEqual(outer ?? 0)
      await page.context().close()
    }
  })

  test('what is stored or judged shows without a reload', async () => {
    const { page } = await open('#/sites', { locale: 'en-GB' })
    await page.locator('.live.up').waitFor()
    const asked = page.waitForRequest((request) => request.url().includes('/api/v1/sites'))
    board.live.publish({ type: 'judged' })
    expect((await asked).url()).toContain('latest=false')
    await page.context().close()
  })

  test('a school that does not exist is told, with the way back', async () => {
    const { page } = await open('#/site/nowhere', { locale: 'en-GB' })
    await page.getByText('There is no such school.').waitFor()
    await page.getByRole('link', { name: 'All schools' }).click()
    await page.getByRole('heading', { name: 'Compliance rate' }).waitFor()
    await page.context().close()
  })
})

describe('the files of the page', () => {
  let board: Running
  beforeAll(async () => {
    board = await startBoard({ sites: 1, days: 1 })
  })
  afterAll(() => board.stop())

  test('are sent as JavaScript without types, and not again when known', async () => {
    const first = await board.get('/m/collector/board/page/main.ts')
    expect(first.headers.get('content-type')).toContain('text/javascript')
    expect(first.body).not.toContain(': Promise<void>')
    const again = await board.get('/m/collector/board/page/main.ts', {
      'if-none-match': first.headers.get('etag') ?? '',
    })
    expect(again.status).toBe(304)
  })

  test.each([
    '/m/collector/board/page/../server.ts',
    '/m/collector/board/page/%2e%2e/server.ts',
    '/m/collector/main.ts',
    '/m/collector/board/page/nothing.ts',
    '/m/',
    '/package.json',
  ])('are all that can be asked for: %s is none', async (path) => {
    expect((await board.get(path)).status).toBe(404)
  })
})

describe.skipIf(!has('chromium'))('the button for a test by hand', () => {
  test('warns in a lesson, sends on confirmation, and says when it was too soon', async () => {
    const lesson = Date.parse('2026-11-20T10:00:00+08:00')
    const sent: Command[] = []
    const command = (_agent: string, each: Command) => {
      sent.push(each)
      return Promise.resolve()
    }
    const board = await startBoard({ sites: 4, days: 1, now: lesson }, { command })
    const browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
    try {
      const page = await browser.newPage({ locale: 'zh-CN' })
      await page.goto(`${board.url}/#/site/qc-002?range=24h`)
      await page.getByRole('button', { name: '立即测试' }).click()
      await page.getByText('正在或即将上课').waitFor()
      expect(sent).toEqual([])
      await page.getByRole('button', { name: '仍要测试' }).click()
      await page.getByText('已发起').waitFor()
      expect(sent).toMatchObject([{ type: 'bandwidth', in_lesson: true }])
      await page.getByRole('button', { name: '立即测试' }).click()
      await page.getByRole('button', { name: '仍要测试' }).click()
      await page.getByText('未能测试').waitFor()
      expect(sent).toHaveLength(1)
      // An agent that is away hears nothing.
      await page.goto(`${board.url}/#/site/qc-004?range=24h`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('.place .presence.offline').waitFor()
      expect(await page.getByRole('button', { name: '立即测试' }).isVisible()).toBe(false)
    } finally {
      await browser.close()
      await board.stop()
    }
  }, 60_000)
})
