import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Outbox } from '../../agent/outbox.ts'
import {
  batchAt,
  bulkyBatchAt,
  createSpool,
  damage,
  noon,
  spoilPayload,
  type TemporarySpool,
} from './temporary-spool.ts'

const second = 1_000
const minute = 60 * second

describe('the outbox', () => {
  let test: TemporarySpool
  let now: number
  let sent: number[]
  let newStreams: number
  let outbox: Outbox
  beforeEach(() => {
    test = createSpool()
    now = 0
    sent = []
    newStreams = 0
    outbox = new Outbox({
      spool: test.spool,
      log: test.log,
      monotonic: () => now,
      send: ({ seq }) => sent.push(seq),
      onNewStream: () => newStreams++,
    })
  })
  afterEach(() => test.remove())

  const append = (count: number) => {
    test.spool.append(Array.from({ length: count }, (_, i) => batchAt(noon + i)))
    outbox.pump()
  }
  /** A collector acknowledges: out of the spool, then out of the window. */
  const acknowledge = (...seqs: number[]) => {
    test.spool.settle(seqs, [])
    outbox.answered(seqs)
  }
  const take = () => sent.splice(0)
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= second) {
      now += Math.min(left, second)
      outbox.tick()
    }
  }

  it('sends nothing before it is opened, and nothing once it is closed', () => {
    append(3)
    pass(5 * minute)
    expect(take()).toEqual([])
    outbox.restart()
    expect(take()).toEqual([1, 2, 3])
    outbox.close()
    append(1)
    pass(10 * minute)
    outbox.answered([1])
    expect(take()).toEqual([])
    expect(outbox.open).toBe(false)
  })

  it('has twelve of the backlog under way, oldest first, and the next for each that is answered', () => {
    append(30)
    outbox.restart()
    expect(take()).toEqual(range(1, 12))
    acknowledge(3, 1)
    expect(take()).toEqual([13, 14])
    acknowledge(2, ...range(4, 14))
    expect(take()).toEqual(range(15, 26))
  })

  it('has four live ones under way beside the backlog, which live ones never wait for', () => {
    append(100)
    outbox.restart()
    take()
    append(6)
    expect(take()).toEqual([101, 102, 103, 104])
    acknowledge(102)
    expect(take()).toEqual([105])
    acknowledge(1)
    expect(take()).toEqual([13])
  })

  it('sends again what nobody answers, with growing pauses, each within a tenth', () => {
    outbox.restart()
    append(1)
    const pauses: number[] = []
    let last = now
    take()
    for (let resends = 0; resends < 5; resends++) {
      while (sent.length === 0) pass(second)
      pauses.push((now - last) / minute)
      last = now
      expect(take()).toEqual([1])
    }
    for (const [i, expected] of [1, 2, 4, 5, 5].entries()) {
      expect(pauses[i]).toBeGreaterThan(expected * 0.9 - 0.02)
      expect(pauses[i]).toBeLessThan(expected * 1.1 + 0.04)
    }
  })

  it('says once that nobody answers, and once that somebody does again', () => {
    outbox.restart()
    append(3)
    pass(20 * minute)
    const unanswered = 'The broker takes batches, but no collector acknowledges them; they are kept and sent again.'
    expect(test.warnings()).toEqual([unanswered])
    acknowledge(1)
    acknowledge(2)
    expect(test.lines.map(({ msg }) => msg)).toEqual([unanswered, 'A collector acknowledges batches again.'])
  })

  it('does not send what was answered, also when the answer came late', () => {
    outbox.restart()
    append(2)
    pass(70 * second)
    expect(take().toSorted()).toEqual([1, 1, 2, 2])
    acknowledge(1, 2)
    pass(20 * minute)
    expect(take()).toEqual([])
  })

  it('does not send again what left the spool in another way', () => {
    outbox.restart()
    append(2)
    take()
    test.spool.settle([1], [])
    pass(70 * second)
    expect(take()).toEqual([2])
  })

  it('sends everything unanswered when it begins anew, oldest first', () => {
    outbox.restart()
    append(3)
    acknowledge(2)
    take()
    outbox.restart()
    expect(take()).toEqual([1, 3])
    append(1)
    expect(take()).toEqual([4])
  })

  it('makes a backlog of live ones that do not move for a minute, and sends none of them twice for it', () => {
    outbox.restart()
    append(40)
    expect(take()).toEqual([1, 2, 3, 4])
    pass(50 * second)
    expect(take()).toEqual([])
    pass(13 * second)
    const sentThen = take()
    // The first four are due for their own resend about then; nothing is sent that was not.
    expect(sentThen.filter((seq) => seq > 4)).toEqual(range(5, 12))
    expect(new Set(sentThen).size).toBe(sentThen.length)
    append(1)
    expect(take()).toEqual([41])
    acknowledge(...range(1, 12))
    expect(take()).toEqual(range(13, 24))
  })

  it('drains any backlog exactly once when all is answered', () => {
    append(150)
    outbox.restart()
    const all: number[] = []
    for (let round = 0; sent.length > 0; round++) {
      const under = take()
      all.push(...under)
      expect(under.length).toBeLessThanOrEqual(16)
      if (round % 3 === 0) append(2)
      all.push(...sent)
      const live = take()
      acknowledge(...under, ...live)
    }
    expect(all.toSorted((a, b) => a - b)).toEqual(range(1, test.spool.lastSeq()))
    expect(test.spool.stats().batches).toBe(0)
  })

  it('gives up a batch that the disk has changed, once it was unanswered three times, and counts it', () => {
    outbox.restart()
    append(2)
    spoilPayload(test.file, 1)
    pass(20 * minute)
    expect(sent.filter((seq) => seq === 1)).toHaveLength(3)
    expect(sent.filter((seq) => seq === 2).length).toBeGreaterThan(3)
    expect(test.spool.stats()).toMatchObject({ batches: 1, refused: 1 })
    expect(test.spool.gaps()).toMatchObject([{ from_seq: 1, reason: 'refused: damaged on the disk of the agent' }])
  })

  it('begins anew when the spool does, for what was saved has new numbers', () => {
    const { stream } = test.spool
    outbox.restart()
    test.spool.append(Array.from({ length: 300 }, (_, i) => bulkyBatchAt(noon + i)))
    outbox.pump()
    take()
    damage(test.file, { from: 0.5, to: 0.7 })
    // Some reading meets the damage.
    for (let seq = 1; test.spool.stream === stream && seq < 300; seq++) {
      take()
      acknowledge(seq)
    }
    expect(test.spool.stream).not.toBe(stream)
    expect(newStreams).toBe(1)
    for (let round = 0; round < 100 && test.spool.stats().batches > 0; round++) {
      acknowledge(...take())
      outbox.tick()
    }
    expect(test.spool.stats().batches).toBe(0)
    append(1)
    expect(take()).toEqual([test.spool.lastSeq()])
  })

  it('makes room for others by what a collector accepted, and sends it again when it is never stored', () => {
    append(40)
    outbox.restart()
    expect(take()).toEqual(range(1, 12))
    outbox.accepted(range(1, 12))
    expect(take()).toEqual(range(13, 24))
    append(6)
    expect(take()).toEqual(range(41, 44))
    acknowledge(...range(13, 24))
    expect(take()).toEqual(range(25, 36))
    acknowledge(...range(25, 44))
    pass(70 * second)
    const again = take().filter((seq) => seq <= 12)
    expect(again.toSorted((a, b) => a - b)).toEqual(range(1, 12))
  })

  it('has no more than 2,000 accepted batches with a collector', () => {
    append(2_100)
    outbox.restart()
    for (let from = 1; from <= 2_000; from += 12) outbox.accepted(range(from, from + 11))
    expect(Math.max(...take())).toBeLessThan(2_020)
  })
})
