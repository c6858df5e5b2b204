import { describe, expect, it } from 'vitest'
import { ackSchema, agentStatusSchema, maxStatusBytes, parseMessage } from '../../core/status.ts'

const status = { v: 1, on: true, boot: 'b', conn: 1, at: 5, version: '0.1.0', stream: 's' }
const parse = (value: unknown) => parseMessage(Buffer.from(JSON.stringify(value)), agentStatusSchema, maxStatusBytes)

describe('a small message from the network', () => {
  it('is taken, with keys that a later version may have added', () => {
    expect(parse({ ...status, later: 1 })).toEqual({ ...status, gaps: [] })
  })

  it.each<[string, unknown]>([
    ['of another version', { ...status, v: 2 }],
    ['without its boot', { ...status, boot: undefined }],
    ['with half a connection', { ...status, conn: 1.5 }],
    ['with a boot without end', { ...status, boot: 'b'.repeat(201) }],
    ['with too many gaps', { ...status, gaps: Array.from({ length: 17 }, () => ({})) }],
    ['that is a list', [status]],
    ['that is nothing', null],
    ['larger than its limit', { ...status, later: 'x'.repeat(maxStatusBytes) }],
  ])('is none %s', (_, value) => {
    expect(parse(value)).toBeUndefined()
  })

  it.each(['', '{', 'on', '\u0000', '{"v":1}{"v":1}'])('is none of %j', (text) => {
    expect(parseMessage(Buffer.from(text), agentStatusSchema, maxStatusBytes)).toBeUndefined()
  })

  it('may be an acknowledgement that acknowledges nothing and tells the time', () => {
    const ack = { v: 1, now: 7, re: 5 }
    expect(parseMessage(Buffer.from(JSON.stringify(ack)), ackSchema, 1_000)).toEqual({
      ...ack,
      stored: [],
      refused: [],
    })
  })
})
