/** What a disk does to files: the spool goes on, says so, and saves what can be read. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  batchAt,
  bulkyBatchAt,
  createSpool,
  damage,
  noon,
  spoilPayload,
  type TemporarySpool,
  timesOf,
  waiting,
} from './temporary-spool.ts'

const damaged = 'The spool was damaged and set aside; what could be read of it is sent again.'
const count = 400
const made = Array.from({ length: count }, (_, i) => noon + i)

let test: TemporarySpool
beforeEach(() => {
  test = createSpool()
})
afterEach(() => test.remove())

const fill = () => test.spool.append(made.map(batchAt))
/** All of it in the one file. */
const fold = () => {
  test.spool.close()
  expect(existsSync(`${test.file}-wal`)).toBe(false)
}
function overwrite(at: number, bytes: Buffer): void {
  const fd = openSync(test.file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}
const aside = () => readdirSync(test.folder).filter((name) => /^spool\.sqlite\.corrupt-\d+$/.test(name))

describe('a spool file that is damaged', () => {
  it('as no database at all is set aside, and a new stream begins', () => {
    fill()
    const { stream } = test.spool
    fold()
    writeFileSync(test.file, 'not a database, '.repeat(1000))
    const spool = test.reopen()
    expect(spool.stream).not.toBe(stream)
    expect(timesOf(spool)).toEqual([])
    expect(aside()).toHaveLength(1)
    expect(test.lines.filter(({ level }) => level >= 50)).toMatchObject([{ msg: damaged, saved: 0 }])
    spool.append([batchAt(noon)])
    expect(waiting(spool)).toEqual([[1, noon]])
  })

  it('at its end gives back what is before', () => {
    fill()
    fold()
    const size = readFileSync(test.file).length
    truncateSync(test.file, Math.floor(size / 2))
    const saved = timesOf(test.reopen())
    expect(saved.length).toBeGreaterThan(0)
    expect(saved.length).toBeLessThan(count)
    expect(saved).toEqual(made.slice(0, saved.length))
    expect(test.lines.filter(({ level }) => level >= 50)).toMatchObject([{ msg: damaged, saved: saved.length }])
  })

  it('in one page gives back what is before and behind', () => {
    fill()
    fold()
    damage(test.file, { from: 0.5, to: 0.55 })
    const saved = timesOf(test.reopen())
    expect(saved.length).toBeGreaterThan(count / 2)
    expect(saved).toContain(made[0])
    expect(saved).toContain(made.at(-1))
    expect(new Set(saved).size).toBe(saved.length)
    expect(test.spool.gaps()).toMatchObject([{ reason: 'the spool was damaged' }])
  })

  it('in one batch gives back all others when it is set aside for something else', () => {
    fill()
    fold()
    spoilPayload(test.file, 3)
    // A list of free pages that points nowhere is a damage that loses nothing.
    overwrite(32, Buffer.from([0, 0, 0xff, 0xff, 0, 0, 0, 1]))
    const saved = timesOf(test.reopen())
    expect(aside()).toHaveLength(1)
    expect(saved).toEqual(made.filter((time) => time !== made[2]))
  })

  it('while it is in use is met, set aside, and lived on with', () => {
    test.spool.append(made.map(bulkyBatchAt))
    const { stream } = test.spool
    damage(test.file, { from: 0.1, to: 0.9 })
    const later = noon + 1_000_000
    test.spool.append([batchAt(later)])
    for (let at = 0; at < count; at += 10) test.spool.read(at, at + 10, 10)
    test.spool.append([batchAt(later + 1)])
    expect(test.spool.stream).not.toBe(stream)
    expect(aside()).toHaveLength(1)
    expect(timesOf(test.spool)).toContain(later + 1)
    expect(test.spool.stats().batches).toBe(timesOf(test.spool).length)
  })

  it('by a kill in the middle of its creation is an empty one', () => {
    test.spool.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(test.file + suffix, { force: true })
    writeFileSync(test.file, '')
    test.reopen().append([batchAt(1)])
    expect(timesOf(test.spool)).toEqual([1])
    expect(test.warnings()).toEqual([])
  })

  it('beyond what a spool can heal is said with its name', () => {
    test.spool.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(test.file + suffix, { force: true })
    mkdirSync(test.file)
    expect(() => test.reopen()).toThrow(
      new RegExp(`^Cannot open the spool ${test.file}: .*Check the disk and its permissions`),
    )
    rmSync(test.file, { recursive: true })
  })
})

describe('a batch that the disk has changed', () => {
  it('does not keep the others from getting their true time', () => {
    test.spool.append([1, 2, 3].map((i) => batchAt(noon + i)))
    spoilPayload(test.file, 2)
    expect(test.spool.restamp(1_000)).toBe(2)
    expect(test.spool.read(0, 10, 10).map(({ seq }) => seq)).toEqual([1, 2, 3])
  })
})
