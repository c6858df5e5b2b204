import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Running, startBoard } from './setup.ts'

let board: Running
beforeAll(async () => {
  board = await startBoard({ now: Date.parse('2026-11-23T04:10:00Z') })
})
afterAll(() => board.stop())

const get = (query: string) => fetch(new URL(`/api/v1/reports?${query}`, board.url))

test('a report is a file to save', async () => {
  const answer = await get('month=2026-11&site=qc-002&lang=en')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="linkbell-2026-11-qc-002-en.html"')
  expect(await answer.text()).toContain('Evidence sheet')
})

test('a month or a school that is not there is refused with the reason', async () => {
  const month = await get('month=2027-01')
  expect([month.status, await month.text()]).toEqual([400, expect.stringContaining('2027-01 has not begun')])
  const site = await get('month=2026-11&site=qc-999')
  expect([site.status, await site.text()]).toEqual([400, expect.stringContaining('did you mean qc-00')])
})

test('a second report waits for nobody: it is told to come back', async () => {
  const answers = await Promise.all([get('month=2026-11'), get('month=2026-11')])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 503])
})
