/** Links and schools that come and go within the month. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeReport } from '../../../collector/report/report.ts'
import { registryOf } from '../district.ts'
import { closeMonth, month, now, openMonth } from './month.ts'

const change = '2026-10-20T00:00:00+08:00'
const registry = registryOf({
  sites: [
    { id: 's1', name: 'First', town: 't1', category: 'rural' },
    { id: 's2', name: 'Second', town: 't2', category: 'town' },
    { id: 's2', name: 'Second', town: 't2', category: 'town', valid_from: change, retired: true },
    { id: 's3', name: 'Third', town: 't2', category: 'town', retired: true },
  ],
  links: [
    { id: 'old', site: 's1', carrier: 'A' },
    { id: 'old', site: 's1', carrier: 'A', valid_from: change, retired: true },
    { id: 'new', site: 's1', carrier: 'B', valid_from: change },
  ],
})
const days = ['13', '14', '15', '16', '17', '18', '19']
const daily = (site: string, link: string) =>
  days.map((day) => ({ site, link, at: `2026-10-${day}T03:00:00+08:00`, outcome: 'below' as const, rate: 20e6 }))

let store: Awaited<ReturnType<typeof openMonth>>['store']
const make = async (wish: Partial<Parameters<typeof makeReport>[0]>) =>
  String(await makeReport({ month, format: 'csv', lang: 'en', ...wish }, { store, registry, now }))
const linesOf = (csv: string) => csv.trim().split('\r\n').slice(1)

beforeAll(async () => {
  ;({ store } = await openMonth([...daily('s1', 'old'), ...daily('s2', 'wan')]))
})
afterAll(closeMonth)

test('tests of a link that was replaced are told to be not judged, and never to be confirmations', async () => {
  const lines = linesOf(await make({ site: 's1' }))
  expect(lines).toHaveLength(days.length)
  for (const line of lines) {
    expect(line).toContain('not judged: no such link at the end of the month')
    expect(line).not.toContain('as one with it')
  }
})

test('a school that was retired within the month has its sheet, judged at the end of its time', async () => {
  const sheet = await make({ site: 's2', format: 'html' })
  expect(sheet).toContain('Verdicts as of 2026-10-19 23:59:59')
  expect(sheet.replaceAll(/<[^>]*>/g, '|')).toMatch(/\|wan\|+down\|+500\.0\|+below\|+share too small\|+7\|+0\|/)
})

test('a school that was retired within the month is in the lists, and in no rate at the end of it', async () => {
  expect(linesOf(await make({})).filter((line) => line.startsWith('s2,'))).toHaveLength(days.length)
  const report = (await make({ format: 'html' })).replaceAll(/<[^>]*>/g, '|')
  expect(report).toMatch(/\|Second \(until 2026-10-19\)\|+s2\|.*?\|below\|+share too small\|/)
  expect(report).toContain('|Schools||1|')
  expect(report).not.toContain('Third')
})

test('of a school that was retired before the month there is nothing', async () => {
  await expect(make({ site: 's2', month: '2026-11' })).rejects.toThrow('no site "s2"')
})
