import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  type Batch,
  batchOf,
  decodeBatch,
  encodeBatch,
  filterBatch,
  maxInflatedBytes,
  maxRows,
  maxSentBytes,
  peekEnvelope,
  splitBatch,
  tagAt,
} from '../../core/batch.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Sample } from '../../core/catalog.ts'

const envelope = { agent: 'liantang-ps-gw1', stream: 'stream-1', seq: 7 }
const time = Date.parse('2026-11-23T00:30:00Z')

/** A payload that decodes, before a test spoils it. */
const good = () => ({
  v: 1,
  ...envelope,
  measurement: 'path',
  n: 2,
  t0: time,
  t: [0, 60_000] as unknown,
  tags: { level: 'city', target: ['a', 'b'] } as Record<string, unknown>,
  fields: { rtt_mean_seconds: [0.001, null], up: 1 } as Record<string, unknown>,
})
const pack = (value: unknown) => gzipSync(JSON.stringify(value))
const spoilt = (change: object) => pack({ ...good(), ...change })
const thrownBy = (payload: Buffer) => {
  try {
    decodeBatch(payload)
  } catch (error) {
    const { code, message } = error as { code: ErrorCode; message: string }
    return `${code}: ${message}`
  }
  return 'nothing'
}

describe('the wire form', () => {
  const sample = (target: string, at: number, fields: Record<string, number | null>): Sample => ({
    measurement: 'path',
    time: at,
    tags: { level: 'city', target },
    fields,
  })

  it('is columns, one value for a column of equal ones, and times as offsets', () => {
    const batch = batchOf(
      [
        sample('a', time, { rtt_mean_seconds: 0.0012345678, loss_ratio: 0, up: 1 }),
        sample('b', time + 60_000, { rtt_mean_seconds: null, loss_ratio: 1 / 3, up: 1 }),
      ],
      time,
    )
    const payload = encodeBatch(envelope, batch)
    expect(payload.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]))
    expect(decodeBatch(payload)).toEqual({ envelope, batch, ignored: [], badValues: 0 })
    expect(batch).toEqual({
      measurement: 'path',
      times: [time, time + 60_000],
      tags: { level: 'city', target: ['a', 'b'] },
      fields: { rtt_mean_seconds: [0.00123, null], loss_ratio: [0, 0.3333], up: [1, 1] },
    })
  })

  it('takes the time of the run for a sample without one, and leaves out columns without a value', () => {
    const batch = batchOf([{ measurement: 'host', tags: {}, fields: { cpu_ratio: 0.5, temperature_celsius: null } }], 5)
    expect(batch).toEqual({ measurement: 'host', times: [5], tags: {}, fields: { cpu_ratio: [0.5] } })
  })

  it('has whole milliseconds, whatever clock a probe goes by', () => {
    const sample = { measurement: 'host' as const, tags: {}, fields: { cpu_ratio: 0.5 } }
    const batch = batchOf([{ ...sample, time: time + 0.4 }, sample], time + 0.6)
    expect(decodeBatch(encodeBatch(envelope, batch)).batch.times).toEqual([time, time + 1])
  })

  it('has no batch of nothing', () => {
    expect(() => batchOf([], 5)).toThrow('at least one sample')
  })

  it.each([
    ['gzip', pack],
    ['plain JSON', (value: unknown) => Buffer.from(JSON.stringify(value))],
  ])('is read as %s', (_, packed) => {
    const { batch, badValues } = decodeBatch(packed(good()))
    expect(batch.fields).toEqual({ rtt_mean_seconds: [0.001, null], up: [1, 1] })
    expect([tagAt(batch, 'level', 1), tagAt(batch, 'target', 1), tagAt(batch, 'room', 1)]).toEqual([
      'city',
      'b',
      undefined,
    ])
    expect(badValues).toBe(0)
  })

  it('keeps what it knows when there are fields from a later version, and counts values that are no numbers', () => {
    const { batch, ignored, badValues } = decodeBatch(
      spoilt({ fields: { up: [1, '1'], rtt_min_seconds: true, later_count: [1, 2] } }),
    )
    expect(batch.fields).toEqual({ up: [1, null], rtt_min_seconds: [null, null] })
    expect({ ignored, badValues }).toEqual({ ignored: ['later_count'], badValues: 3 })
  })

  it('does not let a payload reach the prototype of anything', () => {
    const text = JSON.stringify(good()).replace('"fields":{', '"fields":{"__proto__":[7,7],"constructor":1,')
    const { batch, ignored } = decodeBatch(Buffer.from(text))
    expect(ignored).toEqual(['__proto__', 'constructor'])
    expect(Object.keys(batch.fields)).toEqual(['rtt_mean_seconds', 'up'])
  })
})

describe('a payload that is refused', () => {
  const { tags, fields } = good()
  it.each<[string, object, string]>([
    ['another version', { v: 2 }, 'version 2 is not 1'],
    ['no agent', { agent: undefined }, 'agent undefined is not an id'],
    ['an agent that could be a topic', { agent: 'a/b' }, 'agent "a/b" is not an id'],
    ['a stream that is no id', { stream: '' }, 'stream "" is not an id'],
    ['a seq of 0', { seq: 0 }, 'seq 0 is not a positive integer'],
    ['a seq beyond integers', { seq: 2 ** 60 }, `seq ${2 ** 60} is not a positive integer`],
    ['an unknown measurement', { measurement: 'weather' }, 'measurement "weather" is unknown'],
    ['a measurement named like a method', { measurement: 'toString' }, 'measurement "toString" is unknown'],
    ['one of the collector', { measurement: 'compliance' }, 'measurement "compliance" is not an agent\'s to send'],
    ['no rows', { n: 0, t: [] }, 'n 0 is not within 1..20000'],
    ['too many rows', { n: maxRows + 1 }, 'n 20001 is not within 1..20000'],
    ['n beside the columns', { n: 3 }, 'column t has 2 values instead of 3'],
    ['half a time', { t0: time + 0.5 }, `t0 ${time + 0.5} is not a time in ms`],
    ['a time before 1970', { t: [0, -time - 1] }, `t[1] ${-time - 1} is not an offset in ms`],
    ['a time that is text', { t: ['0', 60_000] }, 't[0] "0" is not an offset in ms'],
    ['a missing tag', { tags: { level: 'city' } }, 'tag target: undefined is not an id'],
    ['a tag that is no id', { tags: { ...tags, level: 'a b' } }, 'tag level: "a b" is not an id'],
    ['tags short of rows', { tags: { ...tags, target: ['a'] } }, 'tag target has 1 values instead of 2'],
    ['tags in a list', { tags: [] }, 'tags is not an object'],
    ['no fields', { fields: null }, 'fields is not an object'],
    ['no known field', { fields: { later_count: 1 } }, 'no known field in it'],
    ['a column short of rows', { fields: { ...fields, up: [1] } }, 'column up has 1 values instead of 2'],
  ])('%s', (_, change, reason) => {
    expect(thrownBy(spoilt(change))).toBe(`batch_invalid: ${reason}`)
  })

  it.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /^batch_invalid: payload is not JSON: /],
    ['text', Buffer.from('hello'), /^batch_invalid: payload is not JSON: /],
    ['half of gzip', pack(good()).subarray(0, 60), /^batch_invalid: payload is not gzip: /],
    ['gzip of something else', gzipSync('hello'), /^batch_invalid: payload is not JSON: /],
    ['a list', Buffer.from('[]'), /^batch_invalid: payload is not an object$/],
    ['null', Buffer.from('null'), /^batch_invalid: payload is not an object$/],
    ['10 MB', Buffer.alloc(10e6, ' '), /^batch_too_large: payload of 10000000 bytes is above 262144$/],
    [
      'a gzip bomb of 1:1000',
      gzipSync(Buffer.alloc(200 * 1024 * 1024)),
      /^batch_too_large: payload inflates to more than 4194304 bytes$/,
    ],
  ])('%s', (_, payload, reason) => {
    expect(thrownBy(payload)).toMatch(reason)
  })

  it.each(['v', 'agent', 'n', 't0'])('nesting without end at %s is a reason, not a crash', (key) => {
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`
    const text = JSON.stringify({ ...good(), [key]: 'HERE' }).replace('"HERE"', deep)
    expect(thrownBy(gzipSync(text))).toMatch(/^batch_invalid: /)
  })

  it('has a name for its refusal as far as one can be told', () => {
    expect(peekEnvelope(spoilt({ v: 9 }))).toEqual({ stream: 'stream-1', seq: 7 })
    expect(peekEnvelope(spoilt({ seq: 'x' }))).toBeUndefined()
    expect(peekEnvelope(spoilt({ stream: 'a b' }))).toBeUndefined()
    expect(peekEnvelope(Buffer.from('{'))).toBeUndefined()
    expect(peekEnvelope(gzipSync(Buffer.alloc(maxInflatedBytes + 1)))).toBeUndefined()
  })

  it('is not given a name that no spool can have', () => {
    expect(peekEnvelope(spoilt({ seq: -1 }))).toBeUndefined()
  })
})

describe('a batch that is too large to send', () => {
  /** Values that do not compress. */
  const noisy = (rows: number): Batch => ({
    measurement: 'wan',
    times: Array.from({ length: rows }, (_, row) => time + row),
    tags: { link: 'wan' },
    fields: { rx_mean_bps: Array.from({ length: rows }, (_, row) => Math.round((Math.sin(row) + 1) * 1e15)) },
  })

  it('is said to be, and its halves have all its rows', () => {
    const whole = noisy(maxRows)
    whole.fields['tx_mean_bps'] = (whole.fields['rx_mean_bps'] as number[]).map((value) => (value * 7919) % 1e15)
    expect(() => encodeBatch(envelope, whole)).toThrow(
      /^A batch of 20000 samples takes \d+ bytes, \d+ inflated; the limits are /,
    )
    const [first, second] = splitBatch(whole)
    expect([...first.times, ...second.times]).toEqual(whole.times)
    expect(first.tags).toEqual({ link: 'wan' })
    expect(encodeBatch(envelope, first).length).toBeLessThanOrEqual(maxSentBytes)
  })

  it('is said to be when only its number of rows or its inflated form is above the limit', () => {
    const flat = (rows: number, id: string): Batch => ({
      measurement: 'terminal',
      times: Array.from({ length: rows }, (_, row) => time + row),
      tags: { terminal: Array.from({ length: rows }, (_, row) => `${id}${row}`), kind: 'pc', room: 'r' },
      fields: {
        up: Array.from({ length: rows }, (_, row) => row % 2),
        rtt_seconds: Array.from({ length: rows }, (_, row) => row / 1e5),
      },
    })
    expect(() => encodeBatch(envelope, flat(maxRows + 1, ''))).toThrow(
      expect.objectContaining({ code: 'batch_too_large' }),
    )
    const wide = flat(maxRows, 'x'.repeat(59))
    wide.tags['kind'] = wide.tags['room'] = wide.tags['terminal'] as string[]
    wide.tags['room'] = (wide.tags['room'] as string[]).map((id) => `y${id.slice(1)}`)
    expect(() => encodeBatch(envelope, wide)).toThrow(expect.objectContaining({ code: 'batch_too_large' }))
  })
})

describe('rows of a batch', () => {
  const batch = decodeBatch(spoilt({})).batch

  it('are chosen with their columns', () => {
    expect(filterBatch(batch, (row) => row === 1)).toEqual({
      measurement: 'path',
      times: [time + 60_000],
      tags: { level: 'city', target: ['b'] },
      fields: { rtt_mean_seconds: [null], up: [1] },
    })
    expect(filterBatch(batch, () => false).times).toEqual([])
  })

  it('are halved with their columns', () => {
    const [first, second] = splitBatch(batch)
    expect([first.tags['target'], second.tags['target']]).toEqual([['a'], ['b']])
  })
})
