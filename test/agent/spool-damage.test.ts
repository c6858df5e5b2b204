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
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import { batchAt, createSpool, noon, type TemporarySpool, timesOf, waiting } from './temporary-spool.ts'

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
    const { page_size: page, leaves } = layout()
    overwrite((leaves[leaves.length >> 1] as number) * page, Buffer.alloc(page, 0xa5))
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
    new DatabaseSync(test.file).prepare('update q set payload = zeroblob(bytes) where seq = 3').run()
    const { page_size: page, pages } = layout()
    // The last page is no longer of the tree: a freelist that points nowhere is a damage that loses nothing.
    overwrite(32, Buffer.from([0, 0, 0xff, 0xff, 0, 0, 0, 1]))
    expect(pages * page).toBeGreaterThan(0)
    const saved = timesOf(test.reopen())
    expect(aside()).toHaveLength(1)
    expect(saved).toEqual(made.filter((time) => time !== made[2]))
  })

  it('while it is in use is met, set aside, and lived on with', () => {
    // More than SQLite keeps in memory, or it would not notice.
    for (let i = 0; i < 10; i++)
      test.spool.append(Array.from({ length: 40 }, (_, row) => bulkyBatchAt(noon + i * 40 + row)))
    const { stream } = test.spool
    new DatabaseSync(test.file).exec('pragma wal_checkpoint(truncate)')
    const { page_size: page, pages } = layout()
    for (let at = 10; at < pages; at++) overwrite(at * page, Buffer.alloc(page, 0xa5))
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
    const db = new DatabaseSync(test.file)
    db.exec('update q set payload = zeroblob(bytes) where seq = 2')
    db.close()
    expect(test.spool.restamp(1_000)).toBe(2)
    expect(test.spool.read(0, 10, 10).map(({ seq }) => seq)).toEqual([1, 2, 3])
  })
})

/** Some 4 KB. */
function bulkyBatchAt(time: number): Batch {
  const noise = Array.from({ length: 600 }, (_, row) => Math.floor(Math.abs(Math.sin(time + row)) * 1e12))
  const times = noise.map((_, row) => time + row)
  return { measurement: 'wan', times, tags: { link: 'wan' }, fields: { rx_mean_bps: noise } }
}

/** `leaves`: numbers, from 0, of the pages with rows (https://sqlite.org/fileformat.html). */
function layout(): { page_size: number; pages: number; leaves: number[] } {
  const file = readFileSync(test.file)
  const [page, pages] = [file.readUInt16BE(16), file.readUInt32BE(28)]
  const leaves = Array.from({ length: pages }, (_, at) => at).filter((at) => file[at * page] === 0x0d)
  return { page_size: page, pages, leaves }
}
