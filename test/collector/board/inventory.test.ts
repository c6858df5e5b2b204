import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inventory, siteInventory } from '../../../collector/board/api/inventory.ts'
import { has, pathOf } from '../../services/capabilities.ts'
import { batchOf } from './samples.ts'
import { type Running, startBoard } from './setup.ts'

const now = Date.parse('2026-11-23T04:10:00Z')
let board: Running
beforeAll(async () => {
  board = await startBoard({ now })
})
afterAll(() => board.stop())

describe('the inventory', () => {
  test('of the district is that of all its schools', async () => {
    const { status, body } = await board.get('/api/v1/inventory')
    expect(status).toBe(200)
    expect(inventory.response.schema.parse(body)).toEqual(body)
    expect(body).toMatchObject({ district: { id: 'qc' }, simulated: false, service_years: { panel: 6 } })
    const { sites } = body as { sites: { inventory: { devices_count: number } }[] }
    expect(sites).toHaveLength(12)
    expect(body.inventory.devices_count).toBe(sites.reduce((sum, site) => sum + site.inventory.devices_count, 0))
    expect(body.inventory.never_seen_count).toBeNull()
  })

  test('of a school names the devices that never answered', async () => {
    const { body } = await board.get('/api/v1/sites/qc-001/inventory')
    expect(siteInventory.response.schema.parse(body)).toEqual(body)
    expect(body.inventory).toMatchObject({ devices_count: 9, classrooms_count: 3, equipped_classrooms_count: 3 })
    const rows = await board.store.rows({
      measurement: 'terminal',
      match: { site: 'qc-001' },
      from: 0,
      to: now + 1,
      limit: 100_000,
    })
    const answered = new Set(rows.filter(({ fields }) => fields['up'] === 1).map(({ tags }) => tags['terminal']))
    const all = board.district.registry.terminalsOf('qc-001', now).map(({ id }) => id)
    const never = all.filter((id) => !answered.has(id))
    expect(never).toEqual(['pc-102', 'ap-102', 'pc-103'])
    expect(answered.size).toBeGreaterThan(0)
    expect(body.never_seen.map(({ id }: { id: string }) => id)).toEqual(never)
    expect(body.inventory.never_seen_count).toBe(never.length)
  })

  test('of a school holds a device for seen that answered SNMP or PJLink, or refused what it was asked with', async () => {
    const told = [
      { id: 'pc-102', kind: 'pc', fields: { snmp: 0 } },
      { id: 'pc-103', kind: 'pc', fields: { pjlink: 2 } },
      { id: 'ap-102', kind: 'ap', fields: { snmp: 1, pjlink: 1 } },
    ]
    const rows = told.map(({ id, kind, fields }) => ({ time: now - 60_000, tags: { terminal: id, kind }, fields }))
    const place = board.district.registry.placeOf('gw-qc-001', now)
    await (await board.store.write([batchOf('device', rows, { ...place, agent: 'gw-qc-001' })])).durable
    const { body } = await board.get('/api/v1/sites/qc-001/inventory')
    expect(body.never_seen.map(({ id }: { id: string }) => id)).toEqual(['ap-102'])
  })

  test('of a school that is not there is 404', async () => {
    expect((await board.get('/api/v1/sites/nowhere/inventory')).status).toBe(404)
  })
})

describe.skipIf(!has('chromium'))('the inventory on the page of a school', () => {
  test('is a table of its kinds of devices, and is not there where there are none', async () => {
    const browser = await chromium.launch({ executablePath: pathOf('chromium'), chromiumSandbox: false })
    try {
      const page = await (await browser.newContext({ locale: 'zh-CN' })).newPage()
      const complaints: string[] = []
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      // The clock of a school's computer may be days off.
      await page.clock.setFixedTime(now + 3 * 86_400_000)
      await page.goto(`${board.url}/#/site/qc-001`)
      const panel = page.locator('.inventory')
      await panel.locator('table').waitFor()
      expect(await panel.locator('tbody tr th').allTextContents()).toEqual(['一体机', '电脑', '无线接入点', '全部'])
      expect(await panel.locator('tbody tr').last().locator('td').first().textContent()).toBe('9')
      expect(await panel.textContent()).toContain('3 间教室中 3 间配有多媒体终端（100%）')
      await page.goto(`${board.url}/#/site/qc-002`)
      await page.locator('.host, .panel.link').first().waitFor()
      expect(await page.locator('.inventory').isVisible()).toBe(false)
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
    }
  }, 60_000)
})
