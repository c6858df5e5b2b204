/** docs/protocol.md says what the code does: its examples are decoded, its tables compared. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeBatch, maxInflatedBytes, maxRows, maxSentBytes, tagAt } from '../../core/batch.ts'
import { messageOf } from '../../core/errors.ts'
import { sliceSchema } from '../../core/slice.ts'
import {
  ackSchema,
  agentStatusSchema,
  collectorStatusSchema,
  commandSchema,
  maxAckBytes,
  maxSliceBytes,
  maxStatusBytes,
} from '../../core/status.ts'
import { filters, parseTopic, rights, topics } from '../../core/topics.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'protocol.md'), 'utf8')

function example(name: string): string {
  const found = new RegExp(`^\`\`\`json ${name}\\n([^]*?)^\`\`\``, 'm').exec(page)
  if (found?.[1] === undefined) throw new Error(`docs/protocol.md has no example ${name}`)
  return found[1]
}

/** The rows of the table whose head has these cells. */
function table(...head: string[]): string[][] {
  const lines = page.split('\n')
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  const start = lines.findIndex((line) => head.every((cell, i) => cells(line)[i] === cell))
  if (start < 0) throw new Error(`docs/protocol.md has no table ${head.join(' | ')}`)
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map(cells)
}

describe('the example of a batch', () => {
  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', (text: string) => gzipSync(text)],
  ])('decodes to the rows beside it, %s', (_, pack) => {
    const { envelope, batch, ignored, badValues } = decodeBatch(pack(example('batch')))
    expect({ ignored, badValues }).toEqual({ ignored: [], badValues: 0 })
    expect(envelope).toEqual({ agent: 'liantang-ps-gw1', stream: '0b9f6c1e-6a55-4d0e-9f5a-2f6d3c7a9e10', seq: 4711 })
    const rows = batch.times.map((time, row) => [
      new Date(time).toISOString(),
      tagAt(batch, 'level', row),
      tagAt(batch, 'target', row),
      ...['rtt_mean_seconds', 'loss_ratio', 'sent_count', 'up'].map((name) => String(batch.fields[name]?.[row] ?? '')),
    ])
    expect(rows).toEqual(table('time', 'level', 'target'))
  })
})

describe('the example of', () => {
  it.each([
    ['ack', ackSchema],
    ['status', agentStatusSchema],
    ['collector-status', collectorStatusSchema],
    ['slice', sliceSchema],
    ['command', commandSchema],
  ])('%s is one, with no key too many', (name, schema) => {
    const value: unknown = JSON.parse(example(name))
    expect(schema.parse(value)).toEqual(value)
  })
})

describe('the topics', () => {
  const rows = table('topic', 'from', 'to')

  it('are those of the code', () => {
    expect(rows.map(([topic]) => topic)).toEqual(
      [
        topics.batch('<d>', '<a>', '<measurement>'),
        topics.status('<d>', '<a>'),
        topics.ack('<d>', '<a>'),
        topics.config('<d>', '<a>'),
        topics.cmd('<d>', '<a>'),
        topics.collectorStatus('<d>', '<c>'),
      ].map((topic) => `\`${topic}\``),
    )
  })

  it('are for whom the code allows them', () => {
    const filter = (topic: string, free: RegExp) => topic.replaceAll('`', '').replace(free, '+')
    const pick = (column: 1 | 2, who: string, free: RegExp) =>
      rows.filter((row) => row[column]?.includes(who)).map(([topic = '']) => filter(topic, free))
    const agentLevels = /<measurement>|<c>/g
    const allLevels = /<a>|<c>|<measurement>/g
    const collectorTopics = (column: 1 | 2) => pick(column, 'collector', allLevels)
    const all = (topic: string) => topic.replace(/<a>|<c>|<measurement>/g, '+')
    expect(new Set(rights('<d>', '<a>').write)).toEqual(new Set(pick(1, 'agent', agentLevels)))
    expect(new Set(rights('<d>', '<a>').read)).toEqual(new Set(pick(2, 'agent', agentLevels)))
    expect(new Set(rights('<d>', 'collector').write)).toEqual(new Set(collectorTopics(1).map(all)))
    expect(new Set(rights('<d>', 'collector').read)).toEqual(new Set(collectorTopics(2).map(all)))
    expect(page).toContain(`\`${filters.batches('<d>')}\``)
    expect(page).toContain(`\`${filters.agentStatus('<d>')}\``)
  })

  it('of a measurement that nobody knows are topics all the same, so that its sender gets a refusal', () => {
    expect(parseTopic(topics.batch('d1', 'school-gw1', 'telepathy'))).toMatchObject({ kind: 'batch' })
  })
})

describe('the limits', () => {
  it('are those of the code', () => {
    expect(table('limit', 'value').map(([, value]) => Number(value))).toEqual([
      maxSentBytes,
      maxInflatedBytes,
      maxRows,
      maxAckBytes,
      maxSliceBytes,
      maxStatusBytes,
    ])
  })
})

describe('the reasons of refusals', () => {
  const good = JSON.parse(example('batch')) as Record<string, unknown>
  const patterns = table('reason', 'when').flatMap(([reasons = '']) =>
    [...reasons.matchAll(/`([^`]+)`/g)].map(([, text = '']) => {
      const literal = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      return new RegExp(`^${literal.replaceAll('…', '.*')}$`)
    }),
  )
  const json = (change: Record<string, unknown>) => Buffer.from(JSON.stringify({ ...good, ...change }))

  it.each([
    ['too large', Buffer.alloc(maxSentBytes + 1)],
    ['a bomb', gzipSync(Buffer.alloc(maxInflatedBytes + 1))],
    ['no gzip', Buffer.from([0x1f, 0x8b, 0, 0])],
    ['no JSON', Buffer.from('{')],
    ['a list', Buffer.from('[]')],
    ['another version', json({ v: 2 })],
    ['a bad agent', json({ agent: 'a/b' })],
    ['a bad stream', json({ stream: '' })],
    ['a bad seq', json({ seq: 0 })],
    ['an unknown measurement', json({ measurement: 'telepathy' })],
    ['a measurement of the collector', json({ measurement: 'compliance' })],
    ['too many rows', json({ n: maxRows + 1 })],
    ['no begin', json({ t0: null })],
    ['a time that is none', json({ t: [0, 'now', 0] })],
    ['a short column', json({ t: [0] })],
    ['a tag that is none', json({ tags: { level: 'a b', target: 'x' } })],
    ['a short tag', json({ tags: { level: ['a'], target: 'x' } })],
    ['no field', json({ fields: {} })],
    ['no tags', json({ tags: null })],
  ])('tell what is wrong with %s', (_, payload) => {
    expectListed(() => decodeBatch(payload))
  })

  function expectListed(work: () => unknown): void {
    let reason = ''
    try {
      work()
    } catch (error) {
      reason = messageOf(error)
    }
    expect(
      patterns.filter((pattern) => pattern.test(reason)),
      reason,
    ).toHaveLength(1)
  }
})
