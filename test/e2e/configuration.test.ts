/** The registry's slice on its way to the school, and what the centre sees of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { embeddedBroker } from './brokers.ts'
import { useBroker } from './centre-and-school.ts'
import type { Centre, School } from './parts.ts'

const within = { timeout: 10_000, interval: 20 }
const path = (host: string) => ({ paths: [{ id: 'core', level: 'district', host }] })
const hostsOf = (from: School) => from.applied.map((slice) => slice?.paths[0]?.host)

describe('the configuration from the centre', () => {
  const { centre, school } = useBroker(embeddedBroker)
  const seen = (at: Centre) => at.fleet.state('a-gw1')
  const settled = (at: Centre) =>
    vi.waitFor(() => {
      expect(seen(at).wantedRevision).toBeDefined()
      expect(seen(at).status?.revision).toBe(seen(at).wantedRevision)
    }, within)

  it('is applied and reported, and applied anew when the registry changes, without a restart', async () => {
    const at = await centre({ rows: path('10.0.0.1') })
    const from = await school()
    await settled(at)
    expect(hostsOf(from)).toEqual([undefined, '10.0.0.1'])
    const { conn, revision } = seen(at).status ?? {}
    at.register(path('10.0.0.2'))
    await vi.waitFor(() => expect(seen(at).status?.revision).not.toBe(revision), within)
    await settled(at)
    expect(hostsOf(from)).toEqual([undefined, '10.0.0.1', '10.0.0.2'])
    expect(seen(at).status?.conn).toBe(conn)
    expect(seen(at).status?.refused).toBeUndefined()
  })

  it('is not sent again for a change that does not concern the school', async () => {
    const at = await centre({ rows: path('10.0.0.1') })
    const from = await school()
    await settled(at)
    at.register({ ...path('10.0.0.1'), services: [{ id: 'x', url: 'https://x.example/', sites: ['s2'] }] })
    at.register({ ...path('10.0.0.1') })
    from.make(1)
    await vi.waitFor(() => expect(from.spool.stats().batches).toBe(0), within)
    expect(from.applied).toHaveLength(2)
  })

  it('that cannot be used is refused with its reason, and the last good one stays, over a restart as well', async () => {
    const at = await centre({ rows: path('10.0.0.1') })
    const accept = ({ paths }: { paths: { host: string }[] }) => {
      if (paths[0]?.host === 'broken') throw new Error('paths.0.host: cannot be probed')
    }
    const from = await school({ accept })
    await settled(at)
    const good = seen(at).wantedRevision
    at.register(path('broken'))
    await vi.waitFor(() => expect(seen(at).status?.refused).toBeDefined(), within)
    expect(seen(at).status).toMatchObject({
      revision: good,
      refused: { revision: seen(at).wantedRevision, reason: 'paths.0.host: cannot be probed' },
    })
    expect(seen(at).wantedRevision).not.toBe(good)

    await from.stop()
    const again = await school({ accept, folder: from.folder })
    expect(hostsOf(again)[0]).toBe('10.0.0.1')
    await vi.waitFor(() => expect(seen(at).status).toMatchObject({ on: true, refused: {}, revision: good }), within)
    expect(hostsOf(again)).not.toContain('broken')

    at.register(path('10.0.0.3'))
    await settled(at)
    expect(seen(at).status?.refused).toBeUndefined()
    expect(JSON.parse(readFileSync(join(from.folder, 'slice.json'), 'utf8'))).toMatchObject({
      paths: [{ host: '10.0.0.3' }],
    })
  })

  it('reaches a school that was away when it changed', async () => {
    const at = await centre({ rows: path('10.0.0.1') })
    const from = await school()
    await settled(at)
    await from.stop()
    await vi.waitFor(() => expect(seen(at).status?.on).toBe(false), within)
    at.register(path('10.0.0.2'))
    const again = await school({ folder: from.folder })
    await settled(at)
    expect(hostsOf(again)).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  it('ends when the agent leaves the registry, and comes back with it', async () => {
    const at = await centre({ rows: path('10.0.0.1') })
    const from = await school()
    await settled(at)
    at.register({ agents: [{ id: 'b-gw1', site: 's2' }] })
    await vi.waitFor(() => expect(from.applied.at(-1)).toBeUndefined(), within)
    at.register(path('10.0.0.1'))
    await vi.waitFor(() => expect(hostsOf(from).at(-1)).toBe('10.0.0.1'), within)
    await settled(at)
  })
})

describe('the status of a school', () => {
  const { centre, school } = useBroker(embeddedBroker)

  it('arrives also when everything in it is as long as it may be', async () => {
    const at = await centre()
    const from = await school({
      accept: () => {
        throw new Error('不能使用'.repeat(400))
      },
    })
    const long = 'a reason that goes on and on, '.repeat(10)
    await vi.waitFor(() => expect(from.clock.offsetSeconds()).toBeDefined(), within)
    for (let i = 0; i < 40; i++) from.make(i)
    await vi.waitFor(() => expect(from.spool.stats().batches).toBe(0), within)
    await from.uplink.stop()
    for (let i = 0; i < 40; i++) from.make(i)
    const last = from.spool.lastSeq()
    for (let seq = last - 39; seq <= last; seq += 2) from.spool.settle([], [[seq, long]])
    expect(from.spool.gaps()).toHaveLength(16)
    await from.stop()
    await vi.waitFor(() => expect(at.fleet.state('a-gw1').status?.on).toBe(false), within)
    const again = await school({ folder: from.folder })
    await vi.waitFor(() => expect(at.fleet.state('a-gw1').status?.on).toBe(true), within)
    const { gaps = [] } = at.fleet.state('a-gw1').status ?? {}
    expect(gaps.length).toBeGreaterThan(5)
    expect(gaps.at(-1)).toMatchObject({ from_seq: last - 1 })
    await vi.waitFor(() => expect(again.clock.offsetSeconds()).toBeDefined(), within)
  })

  it('says goodbye', async () => {
    const at = await centre()
    const from = await school()
    await vi.waitFor(() => expect(at.fleet.state('a-gw1').presence).toBe('online'), within)
    await from.stop()
    await vi.waitFor(() => expect(at.fleet.state('a-gw1').status?.on).toBe(false), within)
    expect(at.fleet.state('a-gw1').presence).toBe('online')
  })
})
