import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import { decodeBatch } from '../../core/batch.ts'
import { batchAt, createSpool, noon, type TemporarySpool, timesOf, waiting } from './temporary-spool.ts'

let test: TemporarySpool
beforeEach(() => {
  test = createSpool()
})
afterEach(() => test.remove())

const all = [0, Number.MAX_SAFE_INTEGER, 1_000] as const

describe('the spool', () => {
  it('keeps batches in their order, named by agent, stream and a number from 1', () => {
    test.spool.append([batchAt(noon), batchAt(noon + 1)])
    test.spool.append([batchAt(noon + 2)])
    const queued = test.spool.read(...all)
    expect(queued.map(({ seq, measurement }) => [seq, measurement])).toEqual([
      [1, 'wan'],
      [2, 'wan'],
      [3, 'wan'],
    ])
    expect(queued.map(({ payload }) => decodeBatch(payload).envelope)).toEqual(
      [1, 2, 3].map((seq) => ({ agent: 'a-gw1', stream: test.spool.stream, seq })),
    )
    expect(test.spool.stats()).toMatchObject({ batches: 3, oldest: noon, dropped: 0, refused: 0 })
    expect(test.spool.stats().bytes).toBe(queued.reduce((sum, { payload }) => sum + payload.length, 0))
  })

  it('reads from after one number until another, at most so many', () => {
    test.spool.append([1, 2, 3, 4, 5].map(batchAt))
    const seqs = (...range: [number, number, number]) => test.spool.read(...range).map(({ seq }) => seq)
    expect(seqs(1, 4, 10)).toEqual([2, 3, 4])
    expect(seqs(0, 5, 2)).toEqual([1, 2])
    expect(seqs(0, 5, 0)).toEqual([])
    expect(seqs(5, 9, 9)).toEqual([])
  })

  it('forgets what is settled, and counts and explains what was refused', () => {
    test.spool.append([1, 2, 3, 4].map(batchAt))
    test.spool.settle([1, 99], [[3, 'unknown measurement']])
    test.spool.settle([1], [[3, 'unknown measurement']])
    expect(timesOf(test.spool)).toEqual([2, 4])
    expect(test.spool.stats()).toMatchObject({ batches: 2, refused: 1, dropped: 0 })
    expect(test.spool.gaps()).toEqual([
      { from_seq: 3, to_seq: 3, from: 3, to: 3, reason: 'refused: unknown measurement' },
    ])
  })

  it('never uses a number twice, also when all before are gone and the agent starts again', () => {
    test.spool.append([1, 2].map(batchAt))
    test.spool.settle([1, 2], [])
    const { stream } = test.spool
    const again = test.reopen()
    expect(again.lastSeq()).toBe(2)
    again.append([batchAt(3)])
    expect(waiting(again)).toEqual([[3, 3]])
    expect(again.stream).toBe(stream)
  })

  it('begins a new stream when its file is gone', () => {
    test.spool.append([batchAt(1)])
    const { stream } = test.spool
    test.spool.close()
    for (const suffix of ['', '-wal', '-shm']) rmSync(test.file + suffix, { force: true })
    expect(test.reopen().stream).not.toBe(stream)
    expect(test.spool.lastSeq()).toBe(0)
  })

  it('splits what is too large to be sent whole, without losing a row', () => {
    const rows = 20_000
    const noise = (row: number) => Math.floor(Math.abs(Math.sin(row * 9301)) * 1e12)
    const column = Array.from({ length: rows }, (_, row) => noise(row))
    const batch: Batch = {
      measurement: 'wan',
      times: column.map((_, row) => noon + row),
      tags: { link: 'wan' },
      fields: { rx_mean_bps: column, tx_mean_bps: column.map((value) => value + 1) },
    }
    test.spool.append([batch])
    const parts = test.spool.read(...all).map(({ payload }) => decodeBatch(payload).batch)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.flatMap(({ times }) => times)).toEqual(batch.times)
    expect(parts.flatMap(({ fields }) => fields['tx_mean_bps'])).toEqual(batch.fields['tx_mean_bps'])
  })
})

describe('a full spool', () => {
  const size = () => {
    test.spool.append([batchAt(1)])
    const { bytes } = test.spool.stats()
    test.spool.settle([1], [])
    return bytes
  }

  it('drops its oldest batches, at least a twentieth, counts them and records one gap', () => {
    const one = size()
    const maxBytes = one * 100 + 50
    const spool = test.reopen({ maxBytes })
    for (let time = 1; time <= 300; time += 3) spool.append([0, 1, 2].map((i) => batchAt(noon + time + i)))
    const { bytes, batches, dropped } = spool.stats()
    expect(bytes).toBeLessThanOrEqual(maxBytes)
    expect(batches).toBeGreaterThan(85)
    expect(batches + dropped).toBe(300)
    const times = timesOf(spool)
    expect(times).toEqual(Array.from({ length: batches }, (_, i) => noon + dropped + 1 + i))
    expect(spool.gaps()).toEqual([
      { from_seq: 2, to_seq: dropped + 1, from: noon + 1, to: noon + dropped, reason: 'spool full' },
    ])
  })

  it('remembers the last 16 gaps over a restart', () => {
    const spool = test.spool
    spool.append(Array.from({ length: 60 }, (_, i) => batchAt(i + 1)))
    for (let seq = 1; seq <= 60; seq += 2) spool.settle([], [[seq, 'no reason']])
    const gaps = test.reopen().gaps()
    expect(gaps).toHaveLength(16)
    expect(gaps.map(({ from_seq }) => from_seq)).toEqual(Array.from({ length: 16 }, (_, i) => 29 + 2 * i))
    expect(test.spool.stats().refused).toBe(30)
  })

  it('joins gaps that touch', () => {
    test.spool.append([1, 2, 3, 4].map(batchAt))
    for (const seq of [1, 2, 3]) test.spool.settle([], [[seq, 'no reason']])
    expect(test.spool.gaps()).toMatchObject([{ from_seq: 1, to_seq: 3, from: 1, to: 3 }])
  })
})

describe('a spool that cannot be written', () => {
  it('holds what is measured in memory, loses the oldest above 2,000, and says so once', () => {
    test.spool.append([batchAt(1)])
    // As a backup does that copies the file.
    const other = new DatabaseSync(test.file)
    other.exec('begin immediate')
    const made = Array.from({ length: 2_100 }, (_, i) => batchAt(noon + i))
    test.spool.append(made.slice(0, 1_000))
    expect(timesOf(test.spool)).toEqual([1])
    expect(test.spool.settle([1], [])).toBe(false)
    test.spool.append(made.slice(1_000))
    expect(test.spool.stats()).toMatchObject({ batches: 2_001, dropped: 100 })
    expect(test.warnings()).toEqual([
      'The spool cannot be written; measurements are held in memory.',
      'Memory is full as well; the oldest measurements are lost.',
    ])

    other.exec('rollback')
    other.close()
    test.spool.append([batchAt(noon + 5_000)])
    expect(timesOf(test.spool)).toEqual([1, ...made.slice(100).map(({ times: [time] }) => time), noon + 5_000])
    expect(test.spool.stats()).toMatchObject({ batches: 2_002, dropped: 100 })
    expect(test.spool.gaps()).toMatchObject([{ from: noon, to: noon + 99, reason: 'neither disk nor memory had room' }])
    expect(test.lines.at(-1)?.msg).toBe('The spool writes as before.')
  })
})

describe('times that were wrong', () => {
  it('are moved for the batches of this process only, whose clock it was', () => {
    test.spool.append([batchAt(noon), batchAt(noon + 10)])
    const spool = test.reopen({ boot: 'boot-2' })
    spool.append([batchAt(noon + 3_600_000)])
    expect(spool.restamp(-3_600_000)).toBe(1)
    expect(waiting(spool)).toEqual([
      [1, noon],
      [2, noon + 10],
      [3, noon],
    ])
    expect(decodeBatch(spool.read(2, 3, 1)[0]?.payload as Buffer).envelope.seq).toBe(3)
    expect(spool.stats().bytes).toBe(spool.read(...all).reduce((sum, { payload }) => sum + payload.length, 0))
  })

  it('are never before 1970', () => {
    test.spool.append([batchAt(1_000)])
    test.spool.restamp(-5_000)
    expect(timesOf(test.spool)).toEqual([0])
  })
})

describe('any use of a spool', () => {
  type Model = { waiting: Map<number, number>; next: number }
  const time = fc.integer({ min: 1, max: noon })
  const seqs = fc.array(fc.nat({ max: 60 }), { maxLength: 8 })
  const step = fc.oneof(
    fc.record({ does: fc.constant('append' as const), times: fc.array(time, { maxLength: 6 }) }),
    fc.record({ does: fc.constant('settle' as const), stored: seqs, refused: seqs }),
    fc.record({ does: fc.constant('reopen' as const) }),
  )

  it('is that of a queue with numbers', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const own = createSpool()
        const { stream } = own.spool
        const model: Model = { waiting: new Map(), next: 1 }
        let refused = 0
        try {
          for (const { does, ...rest } of steps) {
            if (does === 'append') {
              const { times } = rest as { times: number[] }
              own.spool.append(times.map(batchAt))
              for (const each of times) model.waiting.set(model.next++, each)
            } else if (does === 'settle') {
              const given = rest as { stored: number[]; refused: number[] }
              own.spool.settle(
                given.stored,
                given.refused.map((seq) => [seq, 'r']),
              )
              for (const seq of given.stored) model.waiting.delete(seq)
              for (const seq of given.refused) if (model.waiting.delete(seq)) refused++
            } else own.reopen()
            expect(waiting(own.spool)).toEqual([...model.waiting])
            expect(own.spool.lastSeq()).toBe(model.next - 1)
            expect(own.spool.stats()).toMatchObject({ batches: model.waiting.size, refused, dropped: 0 })
            expect(own.spool.stats().oldest).toBe([...model.waiting.values()][0])
            expect(own.spool.stream).toBe(stream)
          }
        } finally {
          own.remove()
        }
      }),
      { numRuns: 30 },
    )
  })
})
