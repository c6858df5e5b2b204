import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOutbox, type Outbox } from '../../../collector/alerts/outbox.ts'
import { openHolding } from '../../../collector/holding.ts'
import { createMemoryLog } from '../../services/memory-log.ts'
import { notice, notices, recovery, start } from './notices.ts'

const day = 86_400_000
const duty = () => ['duty']

describe('the queue of alerts', () => {
  let folder: string
  let file: string
  let outbox: Outbox
  const reopen = () => {
    outbox.close()
    outbox = openOutbox(file, { waiting: 50, message: 20 })
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-outbox-'))
    file = join(folder, 'state.sqlite')
    outbox = openOutbox(file, { waiting: 50, message: 20 })
  })
  afterEach(() => {
    outbox.close()
    rmSync(folder, { recursive: true })
  })
  const ids = (channel = 'duty') => outbox.current(channel)?.notices.map(({ id }) => id)

  it('keeps a notice once, also over a restart and after it was delivered', () => {
    expect(outbox.add([notice(1), notice(1), notice(2)], duty, start).added).toBe(2)
    reopen()
    expect(outbox.add([notice(1)], duty, start + 1).added).toBe(0)
    outbox.freeze('duty', start)
    outbox.finish('duty')
    reopen()
    expect(outbox.add([notice(2), recovery(2)], duty, start + 2).added).toBe(1)
    expect(outbox.waiting('duty')).toEqual({ count: 1, oldest: start + 2 })
    expect(outbox.firstSeen(notice(1).id)).toBe(start)
  })

  it('freezes what waits into one message, which stays the same whatever comes and however often it is opened', () => {
    outbox.add([notice(1), notice(2)], duty, start)
    const message = outbox.freeze('duty', start + 5)
    outbox.add([notice(3)], duty, start + 6)
    outbox.attempt('duty', start + 7)
    outbox.postpone('duty', start + 99)
    reopen()
    expect(outbox.current('duty')).toEqual({ ...message, attempts: 1, nextAt: start + 99 })
    expect(ids()).toEqual(['link-below:s1:firing', 'link-below:s2:firing'])
    outbox.finish('duty')
    expect(outbox.current('duty')).toBeUndefined()
    outbox.freeze('duty', start + 100)
    expect(ids()).toEqual(['link-below:s3:firing'])
  })

  it('keeps the channels apart', () => {
    outbox.add([notice(1), notice(2)], ({ id }) => (id.includes('s1') ? ['duty', 'mail'] : ['mail']), start)
    outbox.freeze('duty', start)
    outbox.freeze('mail', start)
    outbox.finish('duty')
    expect(ids('mail')).toHaveLength(2)
    expect(outbox.keepOnly(['duty'])).toBe(2)
    expect(outbox.current('mail')).toBeUndefined()
  })

  it('is bounded: the oldest that wait go, and are counted; a message under way stays', () => {
    outbox.add(notices(10), duty, start)
    outbox.freeze('duty', start)
    const { dropped } = outbox.add(
      notices(70).map((one) => ({ ...one, id: `${one.id}:later` })),
      duty,
      start + 1,
    )
    expect(dropped).toEqual(new Map([['duty', 20]]))
    expect(outbox.waiting('duty').count).toBe(50)
    expect(ids()).toHaveLength(10)
    outbox.finish('duty')
    outbox.freeze('duty', start + 2)
    expect(ids()?.[0]).toBe('link-below:s21:firing:later')
    expect(ids()).toHaveLength(20)
  })

  it('forgets ids a month after they came last, and the text at once', () => {
    outbox.add([notice(1), notice(2)], duty, start)
    outbox.freeze('duty', start)
    outbox.finish('duty')
    const look = new DatabaseSync(file)
    expect(look.prepare('select count(*) as n from alert_notice where body is not null').get()).toEqual({ n: 0 })
    look.close()
    outbox.add([notice(1)], duty, start + 29 * day)
    expect(outbox.add([notice(3)], duty, start + 31 * day).added).toBe(1)
    expect(outbox.firstSeen(notice(1).id)).toBe(start)
    expect(outbox.firstSeen(notice(2).id)).toBeUndefined()
  })

  it('remembers a notice that nobody wanted, without its text', () => {
    outbox.add([notice(1)], () => [], start)
    expect(outbox.add([notice(1)], duty, start).added).toBe(0)
    expect(outbox.waiting('duty').count).toBe(0)
  })

  it('lives in one file with the quarantine', () => {
    const { log, warnings } = createMemoryLog()
    const holding = openHolding(file, 1_000_000, log)
    outbox.add([notice(1)], duty, start)
    expect(holding.quarantine('a-gw1', Buffer.from('batch'), start)).toBe(true)
    outbox.freeze('duty', start)
    holding.close()
    expect(ids()).toHaveLength(1)
    expect(warnings()).toEqual([])
  })

  it('says which file it is that takes nothing', () => {
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    expect(() => outbox.add([notice(1)], duty, start)).toThrow(/state\.sqlite does not take alerts: .*locked/)
    other.exec('rollback')
    other.close()
    expect(outbox.add([notice(1)], duty, start).added).toBe(1)
    expect(() => openOutbox(join(folder, 'no', 'such.sqlite'))).toThrow(/such\.sqlite cannot be opened/)
  })
})
