import { describe, expect, it } from 'vitest'
import { rangeCheck, resolveAll } from '../../agent/resolve.ts'

describe('address ranges', () => {
  it.each([
    ['10.1.2.3', true],
    ['11.0.0.1', false],
    ['192.168.7.255', true],
    ['fd00::1', true],
    ['2001:db8::1', false],
    ['::ffff:10.1.2.3', true],
    ['::ffff:11.1.2.3', false],
  ])('of 10.0.0.0/8, 192.168.7.0/24 and fd00::/8: %s is %s', (address, allowed) => {
    expect(rangeCheck(['10.0.0.0/8', '192.168.7.0/24', 'fd00::/8'])(address)).toBe(allowed)
  })

  it('are everything when none are given', () => {
    expect(rangeCheck(undefined)('192.0.2.1')).toBe(true)
    expect(rangeCheck([])('192.0.2.1')).toBe(false)
  })
})

describe('names and addresses', () => {
  const never = new AbortController().signal
  const resolve = (hosts: string[], ranges?: string[]) =>
    resolveAll(
      hosts.map((host) => ({ host })),
      ranges,
      never,
    )

  it('come out in one spelling, so that equal ones are found', async () => {
    const { found } = await resolve(['10.0.0.1', '::ffff:10.0.0.1', '2001:DB8:0:0::5', 'FE80::1%lo', 'localhost'])
    expect(found.map(({ address }) => address)).toEqual([
      '10.0.0.1',
      '10.0.0.1',
      '2001:db8::5',
      'fe80::1%lo',
      '127.0.0.1',
    ])
  })

  it('are told apart: without an address, and outside the ranges', async () => {
    const { found, unresolved, refused } = await resolve(
      ['no.such.host.invalid', '::ffff:11.0.0.1', '10.0.0.1', 'localhost'],
      ['10.0.0.0/8'],
    )
    expect(found).toEqual([{ target: { host: '10.0.0.1' }, address: '10.0.0.1' }])
    expect(unresolved).toEqual([{ target: { host: 'no.such.host.invalid' }, reason: expect.stringMatching(/./) }])
    expect(refused.map(({ address }) => address)).toEqual(['11.0.0.1', '127.0.0.1'])
  })

  it('are looked up once for all targets that share a name, many of them within the bound', async () => {
    const hosts = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? 'localhost' : `127.1.0.${i % 250}`))
    expect((await resolve(hosts)).found).toHaveLength(300)
  })

  it('end with the run', async () => {
    await expect(resolveAll([{ host: 'no.such.host.invalid' }], undefined, AbortSignal.abort())).rejects.toThrow()
  })
})
