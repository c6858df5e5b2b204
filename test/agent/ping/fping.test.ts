import { describe, expect, it } from 'vitest'
import { parseFping } from '../../../agent/ping/fping.ts'

describe('output of fping', () => {
  it('gives times in seconds, null for a lost one, and nothing for what lies between', () => {
    const output = [
      'ICMP Host Unreachable from 192.0.2.1 for ICMP Echo sent to 192.0.2.9',
      '192.0.2.1 : 0.5 - 12.5',
      '2001:db8::1   : - - -',
      '192.0.2.9 : duplicate for [0], 64 bytes, 0.03 ms',
      '',
    ]
    expect([...parseFping(output.join('\n'))]).toEqual([
      ['192.0.2.1', [0.0005, null, 0.0125]],
      ['2001:db8::1', [null, null, null]],
    ])
  })
})
