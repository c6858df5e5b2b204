/** Devices of a school, from their own protocols to the page: agent and collector as the programs that they are. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { siteDetailSchema } from '../../collector/board/schemas.ts'
import { setUser } from '../../collector/users.ts'
import { createProjector, type Projector } from '../agent/probes/projector.ts'
import { districtData } from '../collector/district.ts'
import { has, pathOf } from '../services/capabilities.ts'
import { freePort } from '../services/mosquitto.ts'
import { type Snmpsim, startSnmpsim } from '../services/snmpsim.ts'

const script = join(import.meta.dirname, '..', '..', 'bin', 'linkbell.js')
const walk = readFileSync(join(import.meta.dirname, '..', 'agent', 'snmp', 'counting-switch.snmprec'), 'utf8')
const pjlinkPort = 4352
const within = { timeout: 60_000, interval: 200 }

const at = { panel: '127.7.0.1', dead: '127.7.0.2', filtered: '127.7.0.3', switch: '127.7.0.4', projector: '127.7.0.5' }
/** Expected at any hour: the test runs at any hour. */
const device = (id: string, kind: string, room: string, address: string, more = {}) => {
  return { id, kind, room, site: 's1', address, expected: 'always', ...more }
}
const rows = {
  rooms: [
    { id: 'r1', site: 's1', name: 'One' },
    { id: 'r2', site: 's1', name: 'Two' },
  ],
  terminals: [
    device('panel-1', 'panel', 'r1', at.panel),
    // Nobody listens there: the refusal shows that it is on.
    device('pc-1', 'pc', 'r1', at.filtered, { tcp_ports: [9] }),
    device('projector-2', 'projector', 'r2', at.projector, { pjlink: 'hall', snmp: 'school' }),
    device('pc-2', 'pc', 'r2', at.dead),
    device('switch-1', 'switch', 'none', at.switch, { snmp: 'school' }),
    device('printer-1', 'printer', 'none', at.switch, { snmp: 'unknown' }),
  ],
}

describe.skipIf(!has('fping') || !has('snmpsim'))('classroom devices', { timeout: 120_000 }, () => {
  let folder: string
  let snmpsim: Snmpsim
  let projector: Projector
  const children: ChildProcess[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-classrooms-'))
    projector = await createProjector({ host: at.projector, port: pjlinkPort, password: 'secret' })
    snmpsim = await startSnmpsim({ public: walk }, [at.switch, at.projector])
  })
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const gone = child.exitCode === null && child.signalCode === null && once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    }
    await snmpsim.stop()
    await projector.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const put = (name: string, content: unknown) => {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content))
    return join(folder, name)
  }
  function run(name: 'agent' | 'collector', config: object, path: readonly string[] = []) {
    const env = { ...process.env, PATH: [...path, process.env['PATH']].join(delimiter) }
    const file = put(`${name}.yaml`, config)
    children.push(spawn(process.execPath, [script, name, '--config', file], { stdio: 'ignore', env }))
  }

  /** Every address of the loopback network answers: echo requests to two of them are dropped on their way to fping. */
  function filter(): string {
    const programs = join(folder, 'bin')
    mkdirSync(programs)
    const dropped = `^(${[at.dead, at.filtered].join('|')})$`
    const lines = [
      '#!/bin/sh',
      'all=$(cat)',
      `echo "$all" | grep -Ev '${dropped}' | '${pathOf('fping')}' "$@"`,
      `echo "$all" | grep -E '${dropped}' | sed 's/$/ : - - -/' >&2`,
    ]
    chmodSync(put('bin/fping', `${lines.join('\n')}\n`), 0o755)
    return programs
  }

  /** What the board tells once both run. */
  async function start(): Promise<(path: string) => Promise<unknown>> {
    const [broker, http] = [await freePort(), await freePort()]
    const users = join(folder, 'users')
    put('password', setUser(users, 'a-gw1'))
    put('community', 'public')
    put('hall', 'secret')
    const fast = { interval_seconds: 2 }
    run('collector', {
      data_dir: join(folder, 'centre'),
      registry_file: put('district.yaml', districtData(rows)),
      broker: { type: 'embedded', port: broker, users_file: users },
      http: { port: http },
    })
    const school = {
      agent: 'a-gw1',
      district: 'd1',
      data_dir: join(folder, 'school'),
      broker: { url: `mqtt://127.0.0.1:${broker}`, password_file: 'password' },
      snmp: { school: { community_file: 'community', port: snmpsim.port } },
      pjlink: { hall: { password_file: 'hall' } },
      probes: { terminals: fast, snmp: fast, pjlink: fast, wan: { enabled: false }, host: { enabled: false } },
    }
    run('agent', school, [filter()])
    return async (path) => {
      const response = await fetch(`http://127.0.0.1:${http}/api/v1/${path}`)
      expect(response.status).toBe(200)
      return response.json()
    }
  }

  it('are told with state, reason and what they say of themselves, and rooms with what takes them away', async () => {
    const board = await start()
    const site = async () => siteDetailSchema.parse(await board('sites/s1')).terminals
    await vi.waitFor(async () => {
      const { rooms } = await site()
      const devices = new Map(rooms.flatMap((room) => room.terminals).map((each) => [each.id, each]))
      const states = [...devices].map(([id, { state, reason }]) => [id, state, reason])
      expect(states.toSorted()).toEqual([
        ['panel-1', 'up', 'answers'],
        ['pc-1', 'up', 'answers'],
        ['pc-2', 'down', 'no_answer'],
        ['printer-1', 'up', 'answers'],
        ['projector-2', 'up', 'answers'],
        ['switch-1', 'up', 'answers'],
      ])
      expect(devices.get('panel-1')?.latest?.fields).toMatchObject({ up: 1, answered_by: 1, expected: 1 })
      expect(devices.get('pc-1')?.latest?.fields).toMatchObject({ up: 1, answered_by: 2 })
      expect(devices.get('pc-2')?.fault).toMatchObject({ reason: 'no_answer' })
      expect(devices.get('switch-1')?.tells?.fields).toMatchObject({ snmp: 0, ports_up_count: expect.any(Number) })
      expect(devices.get('projector-2')?.tells?.fields).toMatchObject({
        snmp: 0,
        uptime_seconds: expect.any(Number),
        pjlink: 0,
        power: 1,
        lamp_seconds: 1234 * 3600,
        fault: 0,
      })
      expect(devices.get('panel-1')?.tells).toBeNull()
      expect(rooms.map(({ id, state, causes }) => [id, state, causes])).toEqual([
        ['none', 'none', []],
        ['r1', 'up', []],
        ['r2', 'down', ['pc-2']],
      ])
    }, within)
    const interfaces = 'series?measurement=interface&field=rx_bps&aggregate=max&by=terminal&every_seconds=3600'
    const { series } = (await board(interfaces)) as { series: { tags: { terminal: string } }[] }
    expect(series.map(({ tags }) => tags.terminal).toSorted()).toEqual(['projector-2', 'switch-1'])
    const seen = (await board('sites/s1/inventory')) as { never_seen: { id: string }[] }
    expect(seen.never_seen.map(({ id }) => id)).toEqual(['pc-2'])
  })
})
