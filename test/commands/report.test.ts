import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { districtData } from '../collector/district.ts'
import { linkbell } from './linkbell.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'linkbell-report-'))
  await writeFile(join(folder, 'district.yaml'), JSON.stringify(districtData()))
  const config = {
    data_dir: join(folder, 'data'),
    registry_file: join(folder, 'district.yaml'),
    broker: { type: 'embedded', users_file: join(folder, 'users') },
  }
  await writeFile(join(folder, 'collector.yaml'), JSON.stringify(config))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const report = (...flags: string[]) =>
  linkbell(['report', '--config', join(folder, 'collector.yaml'), '--out', join(folder, 'out.html'), ...flags])

test('a month without data is a report that says so', async () => {
  const { code, stderr } = await report('--month', '2026-01')
  expect([code, stderr]).toEqual([0, ''])
  expect(await readFile(join(folder, 'out.html'), 'utf8')).toContain('2026-01 没有任何带宽测试数据。')
})

test('a month that is none, or not yet, and an unknown school end with 2 and say what is wrong', async () => {
  const month = await report('--month', '2026-1')
  expect([month.code, month.stderr]).toEqual([2, 'linkbell: "2026-1" is no month; write it like 2026-10\n'])
  const future = await report('--month', '2999-01')
  expect([future.code, future.stderr]).toEqual([2, expect.stringContaining('2999-01 has not begun')])
  const site = await report('--month', '2026-01', '--site', 's7')
  expect([site.code, site.stderr]).toEqual([2, 'linkbell: no site "s7"; did you mean s1 (First), s2 (Second)?\n'])
})

test('a folder that is not there is told before anything is read', async () => {
  const { code, stderr } = await report('--month', '2026-01', '--out', join(folder, 'none', 'out.html'))
  expect([code, stderr]).toEqual([2, expect.stringContaining(`there is no folder ${join(folder, 'none')}`)])
})
