import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { covers, filters, parseTopic, rights, topics } from '../../core/topics.ts'

const d = 'd1'
const agents = ['a-gw1', 'b-gw1']
const all = agents.flatMap((agent) => [
  topics.batch(d, agent, 'path'),
  topics.status(d, agent),
  topics.ack(d, agent),
  topics.config(d, agent),
  topics.cmd(d, agent),
])
const collectorStatus = topics.collectorStatus(d, 'c1')
const allowed = (list: readonly string[]) =>
  [...all, collectorStatus].filter((topic) => list.some((f) => covers(f, topic)))

describe('what a user of the broker may do', () => {
  it('is for an agent its own topics, and the statuses of collectors', () => {
    const { write, read } = rights(d, 'a-gw1')
    expect(allowed(write)).toEqual([topics.batch(d, 'a-gw1', 'path'), topics.status(d, 'a-gw1')])
    expect(allowed(read)).toEqual([
      topics.ack(d, 'a-gw1'),
      topics.config(d, 'a-gw1'),
      topics.cmd(d, 'a-gw1'),
      collectorStatus,
    ])
  })

  it('is for a collector to hear all agents and to answer them', () => {
    const { write, read } = rights(d, 'collector')
    expect(allowed(read)).toEqual([
      ...agents.flatMap((agent) => [topics.batch(d, agent, 'path'), topics.status(d, agent)]),
      collectorStatus,
    ])
    expect(allowed(write)).toEqual([
      ...agents.flatMap((agent) => [topics.ack(d, agent), topics.config(d, agent), topics.cmd(d, agent)]),
      collectorStatus,
    ])
  })

  it('is nothing in another district', () => {
    for (const user of ['a-gw1', 'collector']) {
      const { write, read } = rights(d, user)
      for (const topic of [topics.status('d2', 'a-gw1'), topics.ack('d2', 'a-gw1'), topics.collectorStatus('d2', 'c1')])
        expect([...write, ...read].some((filter) => covers(filter, topic))).toBe(false)
    }
  })
})

describe('whether a filter lies within another', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/+', true],
    ['a/b', 'a/+', false],
    ['a/+', 'a/#', false],
    ['a/+', '#', false],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['a/+', '$share/g/a/b', false],
    ['a/+', '/a/b', false],
  ])('%s covers %s: %s', (filter, topic, expected) => {
    expect(covers(filter, topic)).toBe(expected)
  })

  it('is told by every topic that both match', () => {
    const level = fc.constantFrom('a', 'b', '+')
    const matches = (filter: string, topic: string) => covers(filter, topic)
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 1, maxLength: 3 }),
        fc.array(level, { minLength: 1, maxLength: 3 }),
        (x, y) => {
          const words = ['a', 'b', 'c']
          const concrete = y.reduce<string[][]>(
            (lists, l) => lists.flatMap((list) => (l === '+' ? words : [l]).map((word) => [...list, word])),
            [[]],
          )
          const each = concrete.every((topic) => matches(x.join('/'), topic.join('/')))
          expect(covers(x.join('/'), y.join('/'))).toBe(each)
        },
      ),
    )
  })
})

describe('the parts of a topic', () => {
  it('are those it was made of', () => {
    expect(parseTopic(topics.batch(d, 'a-gw1', 'path'))).toEqual({
      district: d,
      agent: 'a-gw1',
      kind: 'batch',
      measurement: 'path',
    })
    for (const kind of ['status', 'ack', 'config', 'cmd'] as const)
      expect(parseTopic(topics[kind](d, 'a-gw1'))).toEqual({ district: d, agent: 'a-gw1', kind })
  })

  it.each([
    collectorStatus,
    'linkbell/v2/d1/a-gw1/status',
    'linkbell/v1/d1/a-gw1',
    'linkbell/v1/d1/a-gw1/other',
    'linkbell/v1/d1/a-gw1/batch',
    'linkbell/v1/d1/a-gw1/batch/path/more',
    'linkbell/v1/d1/a-gw1/batch/',
    'linkbell/v1/d1/a-gw1/status/more',
    'linkbell/v1//a-gw1/status',
    'linkbell/v1/d1/a gw/status',
    '/linkbell/v1/d1/a-gw1/status',
    '',
  ])('are none of %j', (topic) => {
    expect(parseTopic(topic)).toBeUndefined()
  })

  it('name a measurement that only a later version knows, so that its sender gets an answer', () => {
    expect(parseTopic('linkbell/v1/d1/a-gw1/batch/weather')?.measurement).toBe('weather')
  })
})

it('shares a filter among collectors of a group', () => {
  expect(filters.shared('g', filters.batches(d))).toBe('$share/g/linkbell/v1/d1/+/batch/+')
})
