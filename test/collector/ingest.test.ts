import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Bench, createBench, noon, payloadOf, stored } from './ingest-bench.ts'

const within = { timeout: 10_000, interval: 5 }
const ackOf = (seqs: number[], refused: [number, string][] = []) => ({
  agent: 'a-gw1',
  ack: { v: 1, stream: 's', stored: seqs, refused, now: noon },
})

let bench: Bench
beforeEach(() => {
  bench = createBench()
})
afterEach(() => bench.remove())

describe('a batch that arrives', () => {
  it('is stored with its place, then acknowledged, in groups', async () => {
    for (const seq of [1, 2, 3]) bench.give(payloadOf(seq))
    expect(bench.pubacks).toEqual([])
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1, 2, 3])]), within)
    expect(bench.writes).toHaveLength(1)
    expect(bench.writes[0]?.[0]).toMatchObject({
      times: [noon - 999],
      tags: { site: 's1', town: 't1', agent: 'a-gw1' },
    })
    expect(bench.pubacks).toEqual([0, 1, 2])
    expect(bench.events.map(({ type }) => type)).toEqual(['stored', 'stored', 'stored'])
    expect(await bench.metric('linkbell_samples_stored_total')).toBe(3)
    expect(bench.fleet.state('a-gw1').presence).toBe('online')
  })

  it('is acknowledged by agent and stream', async () => {
    bench.give(payloadOf(1))
    bench.give(payloadOf(1, { stream: 'other' }))
    bench.give(payloadOf(7, { agent: 'b-gw1' }), 'b-gw1')
    bench.give(payloadOf(2))
    await vi.waitFor(() => expect(bench.acks).toHaveLength(3), within)
    expect(bench.acks.map(({ agent, ack }) => [agent, ack.stream, ack.stored])).toEqual([
      ['a-gw1', 's', [1, 2]],
      ['a-gw1', 'other', [1]],
      ['b-gw1', 's', [7]],
    ])
  })

  it('is acknowledged again when it comes again', async () => {
    bench.give(payloadOf(1))
    await vi.waitFor(() => expect(bench.acks).toHaveLength(1), within)
    bench.give(payloadOf(1))
    await vi.waitFor(() => expect(bench.acks).toHaveLength(2), within)
  })

  it('frees the window when it is accepted, and is acknowledged only when it is durable', async () => {
    const durable = Promise.withResolvers<void>()
    bench.answer(() => ({ ...stored, durable: durable.promise }))
    bench.give(payloadOf(1))
    await vi.waitFor(() => expect(bench.pubacks).toEqual([0]), within)
    expect(bench.acks).toEqual([])
    durable.resolve()
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1])]), within)
  })

  it('is called accepted when the store takes its time to be durable', async () => {
    const durable = Promise.withResolvers<void>()
    bench.answer(() => ({ ...stored, durable: durable.promise }))
    bench.give(payloadOf(1))
    bench.give(payloadOf(2))
    const accepted = { ...ackOf([]).ack, accepted: [1, 2] }
    await vi.waitFor(() => expect(bench.acks).toEqual([{ ...ackOf([]), ack: accepted }]), within)
    durable.resolve()
    await vi.waitFor(() => expect(bench.acks[1]).toEqual(ackOf([1, 2])), within)
  })

  it('is not acknowledged when the store may have lost it, and written again', async () => {
    bench.answer(() => ({ ...stored, durable: Promise.reject(new Error('killed')) }))
    bench.give(payloadOf(1))
    await vi.waitFor(() => expect(bench.warnings()).toHaveLength(1), within)
    expect(bench.acks).toEqual([])
    expect(bench.events).toEqual([])
    bench.answer(() => stored)
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1])]), within)
    expect([bench.writes.length, bench.pubacks]).toEqual([2, [0]])
  })
})

describe('a store that stalls', () => {
  it('is waited for, without an answer to anybody, and gets everything in order', async () => {
    const open = Promise.withResolvers<void>()
    bench.answer(async () => {
      await open.promise
      return stored
    })
    for (let seq = 1; seq <= 50; seq++) bench.give(payloadOf(seq))
    await vi.waitFor(() => expect(bench.writes).toHaveLength(1), within)
    for (let seq = 51; seq <= 700; seq++) bench.give(payloadOf(seq))
    expect([bench.pubacks, bench.acks]).toEqual([[], []])
    open.resolve()
    await vi.waitFor(() => expect(bench.acks.flatMap(({ ack }) => ack.stored)).toHaveLength(700), within)
    expect(bench.writes.map((batches) => batches.length)).toEqual([50, 500, 150])
    expect(bench.acks.flatMap(({ ack }) => ack.stored)).toEqual(Array.from({ length: 700 }, (_, i) => i + 1))
  })

  it('has no more than 4,000 batches waiting in memory: further ones stay with their agents', async () => {
    const open = Promise.withResolvers<void>()
    bench.answer(() => open.promise.then(() => stored))
    for (let seq = 1; seq <= 4_100; seq++) bench.give(payloadOf(seq))
    expect(await bench.metric('linkbell_batches_dropped_total')).toBe(100)
    // They leave the window of the broker, or it would be full for ever.
    expect(bench.pubacks).toHaveLength(100)
    open.resolve()
    await vi.waitFor(() => expect(bench.acks.flatMap(({ ack }) => ack.stored)).toHaveLength(4_000), within)
  })

  it('that throws is tried again, and told of once', async () => {
    let failures = 0
    bench.answer(() => {
      if (++failures <= 2) throw new Error('disk full')
      return stored
    })
    bench.give(payloadOf(1))
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1])]), within)
    expect(bench.writes).toHaveLength(3)
    const said = bench.lines.filter(({ level }) => level >= 30)
    expect(said).toMatchObject([
      { level: 50, msg: 'The store takes nothing; batches wait at the agents.', reason: 'disk full' },
      { level: 30, msg: 'The store takes batches again.' },
    ])
    expect(await bench.metric('linkbell_store_stalled')).toBe(0)
  })
})

describe('a store that takes a part', () => {
  it('gets the rest again, while what it took is acknowledged', async () => {
    bench.answer((batches) => {
      const retry = batches.flatMap(({ times: [time] }, i) =>
        time === noon - 998 && bench.writes.length === 1 ? i : [],
      )
      return { ...stored, retry }
    })
    for (const seq of [1, 2, 3]) bench.give(payloadOf(seq))
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1, 3]), ackOf([2])]), within)
    expect(bench.pubacks).toEqual([0, 2, 1])
  })

  it('has its reason passed on for what it will never store, which becomes a dead letter', async () => {
    bench.answer(() => ({ ...stored, rejected: new Map([[1, 'too old for this store']]) }))
    for (const seq of [1, 2, 3]) bench.give(payloadOf(seq))
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1, 3], [[2, 'too old for this store']])]), within)
    expect(bench.holding.deadLetters(10)).toMatchObject([{ agent: 'a-gw1', reason: 'too old for this store' }])
    expect(bench.events).toHaveLength(2)
    expect(bench.pubacks).toEqual([0, 1, 2])
  })

  it('gets both sides of a change of the registry, and only then is the batch acknowledged', async () => {
    bench.register({
      agents: [
        { id: 'a-gw1', site: 's1' },
        { id: 'a-gw1', site: 's2', valid_from: '2026-11-23T12:00:00Z' },
      ],
    })
    let first = true
    bench.answer((batches) => {
      const retry = first ? batches.flatMap(({ tags }, i) => (tags['site'] === 's2' ? i : [])) : []
      first = false
      return { ...stored, retry }
    })
    const text = {
      v: 1,
      agent: 'a-gw1',
      stream: 's',
      seq: 9,
      measurement: 'wan',
      n: 2,
      t0: noon,
      t: [-1, 0],
      tags: { link: 'wan' },
      fields: { rx_mean_bps: [1, 2] },
    }
    bench.give(Buffer.from(JSON.stringify(text)))
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([9])]), within)
    expect(bench.writes.map((batches) => batches.map(({ tags }) => tags['site']))).toEqual([
      ['s1', 's2'],
      ['s1', 's2'],
    ])
  })
})

describe('poison', () => {
  it.each<[string, Buffer, string | undefined]>([
    ['not JSON', Buffer.from('hello'), undefined],
    ['10 MB', Buffer.alloc(10e6), undefined],
    ['a gzip bomb', gzipSync(Buffer.alloc(200e6)), undefined],
    ['of another agent', payloadOf(5, { agent: 'b-gw1' }), 'the payload claims to be of agent b-gw1'],
    [
      'of an unknown measurement',
      gzipSync(JSON.stringify({ v: 1, agent: 'a-gw1', stream: 's', seq: 5, measurement: 'weather' })),
      'measurement "weather" is unknown',
    ],
  ])('that is %s is refused, kept as a dead letter, and blocks nothing', async (_, payload, reason) => {
    bench.give(payload)
    bench.give(payloadOf(6))
    await vi.waitFor(() => expect(bench.acks).toContainEqual(ackOf([6])), within)
    expect(bench.acks).toHaveLength(reason === undefined ? 1 : 2)
    if (reason !== undefined) expect(bench.acks).toContainEqual(ackOf([], [[5, reason]]))
    const [letter] = bench.holding.deadLetters(10)
    expect(letter).toMatchObject({ agent: 'a-gw1', bytes: payload.length })
    expect(letter?.reason.length).toBeGreaterThan(10)
    expect(bench.pubacks.toSorted()).toEqual([0, 1])
    expect(await bench.metric('linkbell_batches_refused_total')).toBe(1)
  })

  it('of which a part is not understood is stored in part, and counted', async () => {
    const text = {
      v: 1,
      agent: 'a-gw1',
      stream: 's',
      seq: 1,
      measurement: 'wan',
      n: 1,
      t0: noon,
      t: 0,
      tags: { link: 'wan' },
    }
    bench.give(Buffer.from(JSON.stringify({ ...text, fields: { up: 1, tx_mean_bps: 'x', later_count: 3 } })))
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1])]), within)
    expect(bench.writes[0]?.[0]?.fields).toEqual({ up: [1], tx_mean_bps: [null] })
    expect(await bench.metric('linkbell_bad_values_total')).toBe(1)
    expect(await bench.metric('linkbell_ignored_columns_total')).toBe(1)
  })
})

describe('a batch from the future', () => {
  it('is put off, not refused: its agent hears the time and sends it again', async () => {
    bench.give(payloadOf(1, { at: noon + 3_600_000 }))
    bench.give(payloadOf(2, { at: noon + 3_600_000 }))
    expect(bench.acks.map(({ ack }) => ack)).toEqual([
      { v: 1, stored: [], refused: [], now: noon },
      { v: 1, stored: [], refused: [], now: noon },
    ])
    expect(bench.pubacks).toEqual([0, 1])
    expect(bench.holding.deadLetters(10)).toEqual([])
    expect(bench.warnings()).toEqual(['A batch cannot be taken now; its agent sends it again.'])
  })
})

describe('an agent that is not registered', () => {
  const unknown = { agent: 'new-gw1' }

  it('is quarantined, acknowledged and shown, and stored once it is registered', async () => {
    for (const seq of [1, 2, 2]) bench.give(payloadOf(seq, unknown), 'new-gw1')
    expect(bench.acks.map(({ ack }) => ack.stored)).toEqual([[1], [2], [2]])
    expect(bench.holding.quarantined()).toMatchObject([{ agent: 'new-gw1', batches: 2 }])
    expect(bench.writes).toEqual([])
    await bench.ingest.releaseQuarantine()
    expect(bench.writes).toEqual([])

    bench.register({ agents: [{ id: 'new-gw1', site: 's2' }] })
    await bench.ingest.releaseQuarantine()
    expect(bench.holding.quarantined()).toEqual([])
    expect(bench.writes.flat().map(({ tags, times }) => [tags['site'], tags['agent'], times])).toEqual([
      ['s2', 'new-gw1', [noon - 999]],
      ['s2', 'new-gw1', [noon - 998]],
    ])
  })

  it('stays in quarantine while the store takes nothing', async () => {
    bench.give(payloadOf(1, unknown), 'new-gw1')
    bench.register({ agents: [{ id: 'new-gw1', site: 's2' }] })
    bench.answer(() => ({ ...stored, durable: Promise.reject(new Error('killed')) }))
    await bench.ingest.releaseQuarantine()
    expect(bench.holding.quarantined()).toMatchObject([{ batches: 1 }])
    bench.answer(() => stored)
    await bench.ingest.releaseQuarantine()
    expect(bench.holding.quarantined()).toEqual([])
  })

  it('is told nothing when there is no room: it keeps what it has', async () => {
    const small = createBench({ quarantineBytes: 2_000 })
    for (let seq = 1; seq <= 10; seq++) small.give(payloadOf(seq, unknown), 'new-gw1')
    const kept = small.acks.length
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThan(10)
    expect(small.pubacks).toHaveLength(10)
    expect(await small.metric('linkbell_batches_turned_away_total')).toBe(10 - kept)
    await small.remove()
  })

  it('keeps in quarantine what is too early yet, when it is registered', async () => {
    bench.give(payloadOf(1, { ...unknown, at: noon + 3_600_000 }), 'new-gw1')
    bench.give(payloadOf(2, unknown), 'new-gw1')
    bench.register({ agents: [{ id: 'new-gw1', site: 's2' }] })
    await bench.ingest.releaseQuarantine()
    expect(bench.holding.quarantined()).toMatchObject([{ batches: 1 }])
    expect(bench.holding.deadLetters(10)).toEqual([])
    expect(bench.writes.flat()).toHaveLength(1)
  })

  it('whose release is interrupted is released by the next start', async () => {
    for (let seq = 1; seq <= 5; seq++) bench.give(payloadOf(seq, unknown), 'new-gw1')
    bench.register({ agents: [{ id: 'new-gw1', site: 's2' }] })
    bench.answer(() => {
      throw new Error('no store')
    })
    const releasing = bench.ingest.releaseQuarantine()
    await vi.waitFor(() => expect(bench.writes).toHaveLength(1), within)
    await bench.ingest.stop()
    await releasing
    expect(bench.holding.quarantined()).toMatchObject([{ batches: 5 }])
  })
})

describe('a state file that takes nothing', () => {
  it('loses nothing that could be stored, and ends nothing', async () => {
    bench.holding.close()
    bench.give(payloadOf(1, { agent: 'new-gw1' }), 'new-gw1')
    bench.give(Buffer.from('poison'))
    bench.give(payloadOf(2))
    await vi.waitFor(() => expect(bench.acks).toContainEqual(ackOf([2])), within)
    // Not acknowledged: the agent has it.
    expect(bench.acks.filter(({ agent, ack }) => agent === 'new-gw1' && ack.stored.length > 0)).toEqual([])
    expect(bench.acks.flatMap(({ ack }) => ack.refused)).toEqual([])
  })
})

describe('stopping', () => {
  it('writes what has arrived, and acknowledges it', async () => {
    bench.give(payloadOf(1))
    await bench.ingest.stop()
    expect(bench.writes.flat()).toHaveLength(1)
    await vi.waitFor(() => expect(bench.acks).toEqual([ackOf([1])]), within)
  })

  it('takes nothing any more', async () => {
    await bench.ingest.stop()
    bench.give(payloadOf(1))
    expect(bench.writes).toEqual([])
    expect(bench.acks).toEqual([])
  })
})
