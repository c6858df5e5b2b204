/** Classroom devices behind a gateway of two interfaces, in network namespaces: cables are pulled and packets dropped. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sample } from '../../../core/catalog.ts'
import { createNamespaces, type Namespaces, sh } from '../../lab/namespaces.ts'
import { has, pathOf } from '../../services/capabilities.ts'

const hosts = ['gw', 'lan', 'isp'] as const
type Fields = Record<string, Record<string, number> | undefined>

describe.skipIf(!has('netns') || !has('fping'))('terminals seen from a gateway', () => {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-terminals-'))
  let namespaces: Namespaces<(typeof hosts)[number]>
  let stateFile: string
  const ip = (host: (typeof hosts)[number], ...args: string[]) => sh('ip', '-n', namespaces.name(host), ...args)

  beforeEach(() => {
    stateFile = join(mkdtempSync(join(folder, 'state-')), 'terminals.json')
    namespaces = createNamespaces(hosts)
    for (const [host, near, far, own] of [
      ['lan', 'lan0', 'lan1', '10.77.0.1/16'],
      ['isp', 'wan0', 'wan1', '10.88.0.1/24'],
    ] as const) {
      ip('gw', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', namespaces.name(host))
      ip('gw', 'addr', 'add', own, 'dev', near)
      ip('gw', 'link', 'set', near, 'up')
      ip(host, 'link', 'set', far, 'up')
    }
    ip('gw', 'addr', 'add', 'fd77::1/64', 'dev', 'lan0', 'nodad')
    for (const address of ['10.77.1.1/16', '10.77.1.3/16']) ip('lan', 'addr', 'add', address, 'dev', 'lan1')
    ip('lan', 'addr', 'add', 'fd77::2/64', 'dev', 'lan1', 'nodad')
    // The other side drops what it is not meant for.
    ip('isp', 'addr', 'add', '10.88.0.2/24', 'dev', 'wan1')
    ip('gw', 'route', 'add', 'default', 'via', '10.88.0.2')
  })
  afterEach(() => namespaces.remove())
  afterAll(() => rmSync(folder, { recursive: true }))

  function run(rows: { host: string; tcp_ports?: number[] }[], more = {}) {
    const config = {
      terminals: rows.map((row, i) => ({ id: `t${i}`, kind: 'pc', ...row })),
      packet_count: 2,
      spacing_seconds: 0.2,
      timeout_seconds: 0.3,
      ...more,
    }
    const argument = JSON.stringify({ type: 'terminals', config, path: dirname(pathOf('fping')) })
    const child = join(import.meta.dirname, 'probe-child.ts')
    const inside = ['netns', 'exec', namespaces.name('gw'), process.execPath, child, argument]
    const samples = JSON.parse(execFileSync('ip', inside, { encoding: 'utf8' })) as Sample[]
    const fields = samples.flatMap((sample) =>
      sample.measurement === 'terminal' ? [[sample.tags.terminal, sample.fields]] : [],
    )
    return Object.fromEntries(fields) as Fields
  }
  const drop = (rule: string) =>
    execFileSync('ip', ['netns', 'exec', namespaces.name('lan'), 'nft', '-f', '-'], {
      input: `table inet school {\nchain input {\ntype filter hook input priority 0\n${rule} drop\n}\n}\n`,
    })
  const up = { up: 1, rtt_seconds: expect.any(Number), loss_ratio: 0, answered_by: 1 }
  const down = { up: 0, loss_ratio: 1 }

  it('are up, down, or on by what TCP says where ICMP is filtered', () => {
    drop('ip daddr 10.77.1.3 icmp type echo-request')
    const fields = run([
      { host: '10.77.1.1' },
      { host: 'fd77::2' },
      { host: '10.77.1.2', tcp_ports: [80, 443] },
      { host: '10.77.1.3', tcp_ports: [445] },
      { host: '10.77.1.4' },
      { host: 'fd77::5', tcp_ports: [80] },
    ])
    expect(fields).toEqual({
      t0: up,
      t1: up,
      t2: down,
      // Nobody listens there: it refuses.
      t3: { up: 1, rtt_seconds: expect.any(Number), answered_by: 2 },
      t4: down,
      t5: down,
    })
  })

  it('are all off at night: a silent school is not a gateway that is cut off', () => {
    ip('lan', 'addr', 'flush', 'dev', 'lan1')
    expect(run([{ host: '10.77.1.1' }, { host: '10.77.1.3' }])).toEqual({ t0: down, t1: down })
  })

  it('are unknown, not down, behind a cable that is pulled; those behind another are what they are', () => {
    ip('lan', 'link', 'set', 'lan1', 'down')
    expect(run([{ host: '10.77.1.1', tcp_ports: [80] }, { host: 'fd77::2' }, { host: '10.88.0.2' }])).toEqual({
      t0: { cut_off: 1 },
      t1: { cut_off: 1 },
      t2: up,
    })
  })

  it('are unknown where there is no route', () => {
    ip('gw', 'route', 'del', 'default')
    expect(run([{ host: '10.99.0.1' }, { host: '10.77.1.1' }])).toEqual({ t0: { cut_off: 1 }, t1: up })
  })

  it('are unknown behind a router that is dead, and down behind one that lives', () => {
    ip('gw', 'route', 'add', '10.99.0.0/24', 'via', '10.77.9.9')
    ip('gw', 'route', 'add', '10.99.1.0/24', 'via', '10.77.1.1')
    expect(run([{ host: '10.99.0.1', tcp_ports: [80] }, { host: '10.99.1.1' }])).toEqual({
      t0: { cut_off: 1 },
      t1: down,
    })
  })

  it('are unknown when the interface of their network is gone and the default route seems to lead there', () => {
    const memory = { state_file: stateFile }
    expect(run([{ host: '10.77.1.1' }], memory)).toEqual({ t0: up })
    expect(JSON.parse(readFileSync(stateFile, 'utf8'))).toEqual({
      v: 1,
      networks: [{ interface: 'lan0', cidr: '10.77.0.1/16' }],
    })
    ip('gw', 'link', 'set', 'lan0', 'down')
    expect(run([{ host: '10.77.1.1' }, { host: '10.99.0.1' }], memory)).toEqual({ t0: { cut_off: 1 }, t1: down })
  })

  it('are asked by the new way when their network has moved', () => {
    const memory = { state_file: stateFile }
    writeFileSync(stateFile, JSON.stringify({ v: 1, networks: [{ interface: 'old0', cidr: '10.99.0.1/16' }] }))
    // A router has it now.
    ip('isp', 'addr', 'add', '10.99.0.7/32', 'dev', 'lo')
    expect(run([{ host: '10.99.0.7' }, { host: '10.99.0.8' }], memory)).toEqual({ t0: up, t1: { cut_off: 1 } })
    expect(run([{ host: '10.99.0.7' }, { host: '10.99.0.8' }], memory)).toEqual({ t0: up, t1: down })
  })

  it('of IPv6 are unknown on a host without it, and the others are measured', () => {
    sh('ip', 'netns', 'exec', namespaces.name('gw'), 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
    expect(run([{ host: '10.77.1.1' }, { host: 'fd77::2' }])).toEqual({ t0: up, t1: { cut_off: 1 } })
  })
})
