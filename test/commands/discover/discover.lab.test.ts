/** A school's network in namespaces: a gateway and three devices behind a switch, one of them deaf to echo requests. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readInventory } from '../../../commands/inventory/rows.ts'
import { createNamespaces, type Namespaces, sh } from '../../lab/namespaces.ts'
import { has } from '../../services/capabilities.ts'
import { type Ended, linkbell, repository } from '../linkbell.ts'
import type { DevicePlan } from './devices-child.ts'

const hosts = ['gw', 'projector', 'pc', 'switch'] as const
type Host = (typeof hosts)[number]
const script = join(repository, 'bin', 'linkbell.js')
const range = '10.77.0.0/26'
const macs = { projector: '00:26:ab:00:00:01', pc: '00:21:cc:00:00:02', switch: '00:e0:fc:00:00:03' }
const plans: Partial<Record<Host, DevicePlan>> = {
  projector: { host: '10.77.0.10', ports: { 80: '', 4352: 'PJLINK 0\r' } },
  pc: { host: '10.77.0.11', ports: { 445: '' } },
  switch: {
    host: '10.77.0.12',
    ports: { 22: 'SSH-2.0-x\r\n' },
    snmp: 'S5720-28P\r\nHuawei Versatile Routing Platform Software',
  },
}
const district = `district: { id: lab, name: 实验区 }
towns: [{ id: t, name: 镇 }]
sites: [{ id: east, name: 城东小学, town: t, category: town }, { id: west, name: 城西小学, town: t, category: town }]
terminals:
  - { id: beamer, kind: projector, site: east, address: 10.77.0.40, mac: 00:26:ab:00:00:01 }
  - { id: desk, kind: pc, site: east, address: 10.77.0.11 }
  - { id: printer, kind: printer, site: east, address: 10.77.0.13 }
  - { id: far, kind: pc, site: west, address: 10.77.0.14 }
`

describe.skipIf(!has('netns') || !has('fping'))('linkbell discover in a school', () => {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-discover-'))
  const config = join(folder, 'agent.yaml')
  const registry = join(folder, 'district.yaml')
  let namespaces: Namespaces<Host>
  const children: ChildProcess[] = []
  const ip = (host: Host, ...args: string[]) => sh('ip', '-n', namespaces.name(host), ...args)

  beforeAll(async () => {
    writeFileSync(registry, district)
    writeFileSync(
      config,
      `agent: east-gw1\ndistrict: lab\nbroker: { url: mqtt://127.0.0.1:1 }\nlimits: { probe_ranges: [10.77.0.0/24, 127.0.9.0/24] }\nsnmp:\n  school: { community: '\${COMMUNITY}' }\n`,
    )
    namespaces = createNamespaces(hosts)
    ip('gw', 'link', 'add', 'br0', 'type', 'bridge')
    ip('gw', 'addr', 'add', '10.77.0.1/24', 'dev', 'br0')
    ip('gw', 'link', 'set', 'br0', 'up')
    for (const [n, host] of (['projector', 'pc', 'switch'] as const).entries()) {
      ip('gw', 'link', 'add', `lan${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespaces.name(host))
      ip('gw', 'link', 'set', `lan${n}`, 'master', 'br0', 'up')
      ip(host, 'link', 'set', 'eth0', 'address', macs[host], 'up')
      ip(host, 'addr', 'add', `${plans[host]?.host}/24`, 'dev', 'eth0')
    }
    sh('ip', 'netns', 'exec', namespaces.name('pc'), 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1')
    for (const [host, plan] of Object.entries(plans)) {
      const program = join(import.meta.dirname, 'devices-child.ts')
      const args = ['netns', 'exec', namespaces.name(host as Host), process.execPath, program, JSON.stringify([plan])]
      const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      await once(child.stdout, 'data')
    }
  }, 60_000)
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    namespaces?.remove()
    rmSync(folder, { recursive: true })
  })

  const discover = (...flags: string[]): Promise<Ended> => {
    const args = [
      'netns',
      'exec',
      namespaces.name('gw'),
      process.execPath,
      script,
      'discover',
      range,
      '--config',
      config,
      ...flags,
    ]
    const env = { ...process.env, LC_ALL: 'C', COMMUNITY: 'school-read' }
    return new Promise((resolve) => {
      execFile('ip', args, { env, timeout: 60_000 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  }

  it('finds what answers, and what answers to ARP alone; says what each is, and compares with the inventory', async () => {
    const { code, stdout, stderr } = await discover(
      '--registry',
      registry,
      '--site',
      'east',
      '--snmp',
      'school',
      '--rate',
      '400',
      '--json',
    )
    expect(stderr.replace(/^\d+ of \d+ .*\n/gm, '')).toBe('')
    expect(code).toBe(0)
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({
      addresses: 62,
      moved: [
        {
          id: 'beamer',
          from: '10.77.0.40',
          device: {
            address: '10.77.0.10',
            kind: 'projector',
            ports: [80, 4352],
            pjlink: 'open',
            vendor: 'Epson',
            by: 'icmp',
          },
        },
      ],
      same: [{ id: 'desk', device: { address: '10.77.0.11', mac: macs.pc, kind: 'pc', by: 'arp' } }],
      added: [
        { address: '10.77.0.12', mac: macs.switch, kind: 'switch', vendor: 'Huawei', snmp: 'school', name: 'core-1' },
      ],
      missing: [{ id: 'printer', address: '10.77.0.13' }],
      replaced: [],
    })
    expect(stdout).not.toContain('school-read')
  }, 60_000)

  it('writes a sheet that imports, keeps what people wrote into it, and follows a device that has moved', async () => {
    const out = join(folder, 'devices.xlsx')
    const flags = ['--registry', registry, '--site', 'east', '--snmp', 'school', '--rate', '400', '--out', out]
    expect(await discover(...flags)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('at another address than before (1):'),
    })
    const first = await readInventory(out)
    expect(first.rows.map(({ cells }) => cells.find(({ column }) => column.key === 'address')?.cell.value)).toEqual(
      ['10.77.0.40', '10.77.0.11', '10.77.0.13', '10.77.0.12'].with(0, '10.77.0.10'),
    )
    const dry = await linkbell(['inventory', 'import', out, '--registry', registry, '--json', '--yes'])
    expect(JSON.parse(dry.stdout)).toMatchObject({
      written: true,
      counts: { terminals: { added: 1, changed: 2, unchanged: 1, bad: 0, missing: 0 } },
      changes: [
        { id: 'beamer', values: { address: '10.77.0.10' } },
        { id: 'desk', values: { mac: macs.pc } },
        { id: 'east-switch-1', values: { address: '10.77.0.12', vendor: 'Huawei', snmp: 'school', name: 'core-1' } },
      ],
    })
    ip('switch', 'addr', 'del', '10.77.0.12/24', 'dev', 'eth0')
    ip('switch', 'addr', 'add', '10.77.0.15/24', 'dev', 'eth0')
    expect(await discover(...flags)).toMatchObject({ code: 0 })
    expect(existsSync(`${out}.bak`)).toBe(true)
    const again = await readInventory(out)
    expect(again.rows).toHaveLength(4)
    expect(again.rows.at(-1)?.cells.find(({ column }) => column.key === 'address')?.cell.value).toBe('10.77.0.15')
  }, 60_000)

  it('writes .yaml with the reasons as comments', async () => {
    const out = join(folder, 'devices.yaml')
    await discover('--rate', '400', '--out', out, '--lang', 'en')
    expect(readFileSync(out, 'utf8')).toMatch(/address: 10\.77\.0\.10.*\} # TCP 4352 greets as PJLink/)
  }, 60_000)

  it.each([
    ['a range that the file does not allow', ['10.78.0.0/24', '--config', config], 'not within limits.probe_ranges'],
    ['credentials that are not there', ['10.77.0.1', '--config', config, '--snmp', 'nobody'], 'it has: school'],
    ['no file at all', ['10.77.0.1'], "required option '--config"],
    ['a rate that is none', ['10.77.0.1', '--config', config, '--rate', '0'], 'from 1 to 1000'],
  ])('refuses %s before it sends anything', async (_, args, message) => {
    const { code, stderr } = await linkbell(['discover', ...args], { COMMUNITY: 'x' })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
  })
})
