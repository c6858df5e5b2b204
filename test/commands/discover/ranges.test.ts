import { describe, expect, it } from 'vitest'
import { addressesOf } from '../../../commands/discover/ranges.ts'

const allowed = ['192.168.0.0/16', '10.1.2.0/24']
const of = (...ranges: string[]) => addressesOf(ranges, allowed, 'agent.yaml')

describe('addressesOf', () => {
  it.each([
    ['192.168.1.0/30', ['192.168.1.1', '192.168.1.2']],
    ['192.168.1.7/30', ['192.168.1.5', '192.168.1.6']],
    ['192.168.1.4/31', ['192.168.1.4', '192.168.1.5']],
    ['192.168.1.4', ['192.168.1.4']],
  ])('%s is %o', (range, addresses) => {
    expect(of(range)).toEqual(addresses)
  })

  it('names an address once where ranges overlap', () => {
    expect(of('10.1.2.0/29', '10.1.2.2')).toHaveLength(6)
    expect(of('10.1.2.0/24')).toHaveLength(254)
  })

  it.each([['10.1.2.0/23'], ['10.0.0.0/8'], ['0.0.0.0/0'], ['8.8.8.8']])(
    'refuses %s, which the file does not allow',
    (range) => {
      expect(() => of('10.1.2.1', range)).toThrow(
        `${range}: not within limits.probe_ranges of agent.yaml (192.168.0.0/16, 10.1.2.0/24)`,
      )
    },
  )

  it.each(['fe80::/64', '10.1.2', '10.1.2.0/33', 'school', ''])('refuses "%s", which is no range of IPv4', (range) => {
    expect(() => of(range)).toThrow('not a range of IPv4 addresses')
  })

  it('refuses all where the file names nothing', () => {
    for (const none of [undefined, []])
      expect(() => addressesOf(['10.1.2.1'], none, 'agent.yaml')).toThrow('add limits.probe_ranges')
  })

  it('refuses more than a /16 at a time', () => {
    expect(() => addressesOf(['10.0.0.0/15'], ['10.0.0.0/8'], 'agent.yaml')).toThrow('131070 addresses; at most 65536')
  })
})
