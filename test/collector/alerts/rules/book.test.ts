import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openBook, takeJudgeLock } from '../../../../collector/alerts/rules/book.ts'
import type { AlertState } from '../../../../collector/alerts/rules/evaluate.ts'
import { createWatch } from '../../../../collector/alerts/rules/watch.ts'
import type { Notice } from '../../../../collector/alerts/notice.ts'
import { createMemoryLog } from '../../../services/memory-log.ts'
import { defaultRules } from './golden-case.ts'

const text = { en: 'x', zh: 'x' }
const state: AlertState = {
  key: 'k',
  id: 'k@1',
  rule: 'school-silent',
  labels: { site: 's1' },
  severity: 'critical',
  title: text,
  phase: 'firing',
  startsAt: 1,
  heldMs: 5,
  unknownMs: 0,
  at: 6,
  repeats: 0,
  rang: [6],
  flapping: false,
  evidence: [text],
}
const notice: Notice = {
  id: 'k@1:firing',
  alert: 'k@1',
  status: 'firing',
  rule: 'school-silent',
  severity: 'critical',
  title: text,
  startsAt: 1,
  evidence: [],
  labels: {},
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-book-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('keeps states, notices on their way, history and maintenance over a restart', () => {
  const file = join(folder, 'state.sqlite')
  const before = openBook(file)
  before.save(new Map(), { states: new Map([['k', state]]), notices: [notice], changed: [state] })
  const window = before.maintain({ site: 's1', from: 1, to: 2, by: 'lin', note: '' }, 1)
  before.close()

  const book = openBook(file)
  expect(book.states()).toEqual(new Map([['k', state]]))
  expect(book.history(10)).toEqual([state])
  expect(book.maintenance()).toEqual([window])
  expect(book.endMaintenance(window.id)).toBe(true)
  expect(book.endMaintenance(window.id)).toBe(false)
  expect(book.unsent()).toEqual([notice])
  book.sent([notice])
  expect(book.unsent()).toEqual([])
  book.save(book.states(), { states: new Map(), notices: [], changed: [] })
  expect(book.states()).toEqual(new Map())
  book.close()
})

it('gives the queue at its start what a kill left behind', async () => {
  const book = openBook(join(folder, 'state.sqlite'))
  book.save(new Map(), { states: new Map([['k', state]]), notices: [notice], changed: [state] })
  const told: Notice[] = []
  const gather = () => Promise.reject(new Error('not asked in this test'))
  const record = () => Promise.resolve()
  const notify = (notices: readonly Notice[]) => void told.push(...notices)
  const watch = createWatch({
    rules: defaultRules,
    book,
    gather,
    notify,
    record,
    log: createMemoryLog().log,
    now: () => 7,
  })
  watch.start()
  expect(told).toEqual([notice])
  await watch.stop()
  book.close()
})

it('lets one collector judge a district, and the next one after it', () => {
  const file = join(folder, 'judge.sqlite')
  const lock = takeJudgeLock(file, 'qingcheng')
  expect(() => takeJudgeLock(file, 'qingcheng')).toThrow(
    /District qingcheng has a judge already: .* judge.enabled: false/,
  )
  lock.release()
  takeJudgeLock(file, 'qingcheng').release()
})

it('names no other collector when the lock itself is broken', () => {
  const file = join(folder, 'judge.sqlite')
  writeFileSync(file, 'no database at all, and long enough to be read as the header of one'.repeat(20))
  expect(() => takeJudgeLock(file, 'qingcheng')).toThrow(/judge\.sqlite cannot be locked.*not a database.*delete it/)
})
