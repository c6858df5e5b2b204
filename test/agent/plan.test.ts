import { describe, expect, it } from 'vitest'
import { agentConfigSchema } from '../../agent/config.ts'
import { planJobs } from '../../agent/plan.ts'
import { defineProbe } from '../../agent/probe.ts'
import { createRegistry } from '../../collector/registry.ts'
import { idPattern } from '../../core/batch.ts'
import { registrySchema } from '../../core/registry.ts'
import { type Slice, sliceProblem } from '../../core/slice.ts'
import { z } from 'zod'
import { districtData, standard } from '../collector/district.ts'

const config = agentConfigSchema.parse({
  agent: 'a-gw1',
  district: 'd1',
  broker: { url: 'mqtt://127.0.0.1' },
  limits: { probe_ranges: ['10.0.0.0/8', 'fd00::/8'] },
})
const deps = {
  config,
  defaultInterface: async () => 'eth0',
  self: defineProbe({ type: 'self', description: 'x', config: z.object({}), link: 'any', run: async () => [] }),
}
const times = <T>(count: number, row: (id: string) => T) =>
  Array.from({ length: count }, (_, index) => row(`${index}`.padStart(54, 'x')))
const sliceOf = (rows: object) =>
  createRegistry(registrySchema.parse(districtData(rows)), standard).slice('a-gw1', Date.now())

describe('the plan of an agent', () => {
  it('has jobs for the fullest slice that a registry can give, with ids that are ids', async () => {
    const slice = sliceOf({
      links: times(16, (id) => ({ id, site: 's1', target_down_bps: 1 })),
      testpoints: [
        ...times(61, (id) => ({ id, url: 'http://10.0.0.1/' })),
        { id: 'n', type: 'ndt7', url: 'wss://10.0.0.1/' },
        { id: 'i', type: 'iperf3', url: 'iperf3://10.0.0.1:5201' },
      ],
      paths: times(64, (id) => ({ id, level: 'city', host: 'h'.repeat(253), reflector: '[fd00::1]:862' })),
      services: times(64, (id) => ({ id, url: 'https://platform.example/' })),
      terminals: times(1_500, (id) => ({ id, kind: 'pc', address: '10.0.0.9', site: 's1' })),
    })
    if (slice === undefined) throw new Error('no slice')
    expect(sliceProblem(slice)).toBeUndefined()
    const ids = (await planJobs(slice, deps)).map(({ id }) => id)
    expect(ids).toHaveLength(16 + 16 + 6)
    for (const id of ids) expect(id).toMatch(idPattern)
  })

  it('watches this machine and its line without a slice', async () => {
    expect((await planJobs(undefined, deps)).map(({ id }) => id)).toEqual(['host', 'wan-wan', 'self'])
  })
})

describe('terminals in the plan', () => {
  it('are one job for all, with the ranges that only the agent’s own file can widen', async () => {
    const terminals = [
      { id: 'p1', kind: 'panel', room: 'r1', address: 'panel-1.lan', site: 's1', tcp_ports: [80] },
      { id: 'p2', kind: 'pc', address: '10.0.0.10', site: 's1' },
      { id: 'p3', kind: 'pc', site: 's1' },
    ]
    const rooms = [{ id: 'r1', site: 's1', name: 'Room 1' }]
    const jobs = await planJobs(sliceOf({ rooms, terminals: terminals.slice(0, 1) }), deps)
    expect(jobs.find(({ id }) => id === 'terminals')).toMatchObject({
      intervalSeconds: 60,
      config: {
        allowed_ranges: config.limits.probe_ranges,
        state_file: `${config.data_dir}/terminals.json`,
        terminals: [{ id: 'p1', kind: 'panel', room: 'r1', host: 'panel-1.lan', tcp_ports: [80] }],
      },
    })
    const more = (await planJobs(sliceOf({ rooms, terminals }), deps)).find(({ id }) => id === 'terminals')
    expect(more).toHaveProperty('config.terminals.length', 2)
  })
})

describe('projectors in the plan', () => {
  const terminals = [
    { id: 'p1', kind: 'projector', address: '10.0.0.9', site: 's1', pjlink: 'hall' },
    { id: 'p2', kind: 'panel', address: '10.0.0.10', site: 's1', pjlink: 'open' },
    { id: 'p3', kind: 'projector', address: '10.0.0.11', site: 's1', pjlink: 'elsewhere' },
    { id: 'p4', kind: 'projector', address: '10.0.0.12', site: 's1' },
  ]
  const passwords = { pjlink: { hall: { password: 'secret' }, open: { password: 'never sent' } } }

  it('get the password of their name from the agent’s own file, and its ranges', async () => {
    const jobs = await planJobs(sliceOf({ terminals }), { ...deps, config: { ...config, ...passwords } })
    expect(jobs.find(({ id }) => id === 'pjlink')).toMatchObject({
      intervalSeconds: 300,
      config: {
        allowed_ranges: config.limits.probe_ranges,
        projectors: [
          { id: 'p1', kind: 'projector', host: '10.0.0.9', password: 'secret' },
          { id: 'p2', kind: 'panel', host: '10.0.0.10' },
          { id: 'p3', kind: 'projector', host: '10.0.0.11' },
        ],
      },
    })
    expect(JSON.stringify(jobs)).not.toContain('never sent')
  })

  it('are no job where there are none', async () => {
    const jobs = await planJobs(sliceOf({ terminals: terminals.slice(3) }), deps)
    expect(jobs.map(({ id }) => id)).not.toContain('pjlink')
  })
})

describe('the plan of an agent on a classroom device', () => {
  const own = { ...config, role: 'terminal' as const }
  const plan = async (slice: ReturnType<typeof sliceOf>, more = {}) =>
    planJobs(slice, { ...deps, config: { ...own, ...more } })
  const full = () =>
    sliceOf({
      testpoints: [{ id: 't', url: 'http://10.0.0.1/' }],
      paths: [{ id: 'p', level: 'city', host: '10.0.0.1', reflector: '10.0.0.1' }],
      services: [{ id: 'w', url: 'https://platform.example/' }],
      terminals: [{ id: 'p1', kind: 'projector', address: '10.0.0.9', site: 's1', pjlink: 'open' }],
    }) as Slice

  it('is that device only, whatever the slice says', async () => {
    const jobs = await plan({ ...full(), terminal: { id: 'panel-1', kind: 'panel' } })
    expect(jobs.map(({ id }) => id)).toEqual(['machine', 'self'])
    expect(jobs[0]?.config).toMatchObject({
      terminal: 'panel-1',
      kind: 'panel',
      disk_paths: ['/var/lib/linkbell', '/'],
    })
  })

  it('is that device only also where the file was left as it came', async () => {
    const slice = { ...full(), terminal: { id: 'panel-1', kind: 'panel' as const } }
    expect((await planJobs(slice, deps)).map(({ id }) => id)).toEqual(['machine', 'self'])
  })

  it('is the agent itself until the registry says which device it is', async () => {
    expect((await plan(full())).map(({ id }) => id)).toEqual(['self'])
    expect((await plan(undefined)).map(({ id }) => id)).toEqual(['self'])
  })
})

describe('a slice that an agent would refuse', () => {
  it.each([
    ['17 links; an agent takes at most 16', { links: times(17, (id) => ({ id, site: 's1' })) }],
    ['65 paths; an agent takes at most 64', { paths: times(65, (id) => ({ id, level: 'city', host: 'a' })) }],
    [
      'its configuration has',
      { terminals: times(1_500, (id) => ({ id, kind: 'pc', address: 'h'.repeat(253), site: 's1' })) },
    ],
  ])('is told: %s', (problem, rows) => {
    const slice = sliceOf(rows)
    expect(slice && sliceProblem(slice)).toContain(problem)
  })
})

describe('SNMP in the plan', () => {
  const terminals = [
    { id: 'sw1', kind: 'switch', address: '10.0.0.2', site: 's1', snmp: 'school' },
    { id: 'sw2', kind: 'switch', address: '10.0.0.3', site: 's1', snmp: 'elsewhere' },
    { id: 'pc1', kind: 'pc', address: '10.0.0.4', site: 's1' },
  ]
  const file = { agent: 'a-gw1', district: 'd1', broker: { url: 'mqtt://127.0.0.1' } }
  const snmp = { school: { version: 3, user: 'monitor', auth_key: 'long enough' } }

  it('asks the devices that name credentials, with what the agent’s own file has', async () => {
    const local = agentConfigSchema.parse({ ...file, snmp, limits: { probe_ranges: ['10.0.0.0/8'] } })
    const jobs = await planJobs(sliceOf({ terminals }), { ...deps, config: local })
    expect(jobs.find(({ id }) => id === 'snmp')).toMatchObject({
      intervalSeconds: 300,
      config: {
        allowed_ranges: ['10.0.0.0/8'],
        terminals: [
          { id: 'sw1', kind: 'switch', address: '10.0.0.2', snmp: 'school' },
          { id: 'sw2', kind: 'switch', address: '10.0.0.3', snmp: 'elsewhere' },
        ],
        credentials: { school: { version: '3', user: 'monitor', port: 161 } },
      },
    })
    const without = await planJobs(sliceOf({ terminals: terminals.slice(2) }), { ...deps, config: local })
    expect(without.map(({ id }) => id)).not.toContain('snmp')
  })

  it('reads the counters of a gateway for links that have no interface of their own, and gives the tests more time', async () => {
    const gateway = { address: '10.0.0.1', interface: 'WAN1', snmp: 'school' }
    const local = agentConfigSchema.parse({ ...file, snmp, wan: { gateway, interfaces: { b: 'eth1' } } })
    const slice = sliceOf({
      links: ['a', 'b'].map((id) => ({ id, site: 's1', target_down_bps: 1e8 })),
      testpoints: [{ id: 't', url: 'http://10.0.0.1/' }],
    })
    const jobs = await planJobs(slice, { ...deps, config: local })
    const configOf = (id: string) => jobs.find((job) => job.id === `bandwidth-${id}`)?.config
    expect(configOf('a')).toMatchObject({ gateway: { interface: 'WAN1', credentials: { user: 'monitor' } } })
    expect(configOf('b')).not.toHaveProperty('gateway')
    expect(jobs.find(({ id }) => id === 'bandwidth-a')?.timeoutSeconds).toBe(450)
  })

  it.each([
    ['a community that is missing', { school: { version: '2c' } }, /community.*missing|missing.*community/s],
    ['a user that is missing', { school: { version: 3 } }, /missing; version 3 needs it/],
    ['a key that is too short', { school: { version: 3, user: 'm', auth_key: 'short' } }, /at least 8 characters/],
    ['a key of privacy alone', { school: { version: 3, user: 'm', priv_key: 'long enough' } }, /a priv_key needs it/],
  ])('is refused with %s', (_, credentials, message) => {
    const { error } = agentConfigSchema.safeParse({ ...file, snmp: credentials })
    expect(z.prettifyError(error as z.ZodError)).toMatch(message)
  })

  it('is refused with a gateway whose credentials the file does not have', () => {
    const gateway = { address: '10.0.0.1', interface: 'WAN1', snmp: 'other' }
    const { error } = agentConfigSchema.safeParse({ ...file, snmp, wan: { gateway } })
    expect(error?.issues[0]?.path).toEqual(['wan', 'gateway', 'snmp'])
    expect(error?.issues[0]?.message).toContain('add snmp.other')
  })
})
