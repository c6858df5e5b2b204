import { once } from 'node:events'
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createExec } from '../../../agent/exec.ts'
import type { Job } from '../../../agent/probe.ts'
import { terminals } from '../../../agent/probes/terminals.ts'
import { createScheduler } from '../../../agent/scheduler.ts'
import { batchOf, decodeBatch, encodeBatch } from '../../../core/batch.ts'
import { failures, type Sample } from '../../../core/catalog.ts'
import { has, pathOf } from '../../services/capabilities.ts'
import { contextOf } from './context.ts'

type Row = { host: string; tcp_ports?: number[] }
const configOf = (rows: (Row | string)[], more = {}) =>
  terminals.config.parse({
    terminals: rows.map((row, i) => ({ id: `t${i}`, kind: 'pc', ...(typeof row === 'string' ? { host: row } : row) })),
    spacing_seconds: 0.2,
    timeout_seconds: 1,
    ...more,
  })
const fieldsOf = (samples: Sample[]) =>
  Object.fromEntries(
    samples.flatMap(({ measurement, tags, fields }) => (measurement === 'terminal' ? [[tags.terminal, fields]] : [])),
  )

/** Programs of our own in place of the installed ones. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'linkbell-terminals-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function program(name: string, text: string): Promise<string> {
  const programs = await mkdtemp(join(folder, 'bin-'))
  await writeFile(join(programs, name), `#!/bin/sh\n${text}\n`)
  await chmod(join(programs, name), 0o755)
  return programs
}
/** What fping 5.1 without cap_net_raw does: no error, and everything lost. */
const blind = 'while read -r address || [ -n "$address" ]; do echo "$address : - - -" >&2; done; exit 1'
const execIn = (path: string) => createExec({ env: { PATH: `${path}:/nowhere`, HOME: folder } })

describe.skipIf(!has('fping'))('terminals', () => {
  it('are swept by one process, each with its median round trip and loss', async () => {
    const { context, spawned } = contextOf()
    const samples = await terminals.run(configOf(['127.1.0.1', '127.1.0.2', 'localhost', '::1']), context)
    expect(spawned()).toBe(1)
    expect(samples.map(({ tags }) => tags)).toEqual(
      ['t0', 't1', 't2', 't3'].map((terminal) => ({ terminal, kind: 'pc', room: 'none' })),
    )
    for (const { fields } of samples) {
      expect(fields).toEqual({ up: 1, loss_ratio: 0, answered_by: 1, rtt_seconds: expect.any(Number) })
      expect((fields as { rtt_seconds: number }).rtt_seconds).toBeGreaterThan(0)
    }
  })

  it('whose name has no address are told once and have no sample: they are not down', async () => {
    const { context, lines } = contextOf()
    const settings = configOf(['no.such.host.invalid', '127.1.0.1'])
    for (let run = 0; run < 2; run++) {
      expect(fieldsOf(await terminals.run(settings, context))).toEqual({ t1: expect.objectContaining({ up: 1 }) })
    }
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      level: 40,
      count: 1,
      which: [{ terminal: 't0', host: 'no.such.host.invalid', reason: expect.stringMatching(/./) }],
    })
  })

  it('outside the allowed ranges are not asked; a list of nothing else is refused', async () => {
    const { context, lines } = contextOf()
    const ranges = { allowed_ranges: ['127.1.0.0/30'] }
    const samples = await terminals.run(configOf(['127.1.0.1', { host: '127.1.0.4', tcp_ports: [1] }], ranges), context)
    expect(Object.keys(fieldsOf(samples))).toEqual(['t0'])
    expect(lines[0]).toMatchObject({ level: 40, which: [{ terminal: 't1', address: '127.1.0.4' }] })
    await expect(terminals.run(configOf(['127.1.0.4', '::1'], ranges), context)).rejects.toMatchObject({
      code: 'range_refused',
      message: expect.stringContaining('t0 (127.1.0.4), t1 (::1)'),
    })
  })

  it('with one address are asked once, both get the answer, and it is told once', async () => {
    const { context, lines } = contextOf()
    const settings = configOf(['127.1.0.1', '127.1.0.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.1.0.1'])
    const addresses: string[] = []
    const exec: typeof context.exec = async (command, args, options) => {
      addresses.push(...(options.input ?? '').split('\n'))
      return await context.exec(command, args, options)
    }
    for (let run = 0; run < 2; run++) {
      const fields = fieldsOf(await terminals.run(settings, { ...context, exec }))
      for (const id of ['t0', 't1', 't2', 't3', 't4']) expect(fields[id]).toMatchObject({ up: 1 })
    }
    expect(addresses).toEqual(['127.1.0.1', '::1', '127.1.0.1', '::1'])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      which: [
        { address: '127.1.0.1', terminals: 't0, t1, t4' },
        { address: '::1', terminals: 't2, t3' },
      ],
    })
  })

  it('of a full site fit into batches', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => `127.1.${i >> 8}.${i & 255}`)
    const { context } = contextOf()
    const samples = await terminals.run(configOf(rows, { packet_count: 1 }), context)
    const payload = encodeBatch({ agent: 'a-gw1', stream: 's', seq: 1 }, batchOf(samples, Date.now()))
    expect(decodeBatch(payload).batch.times).toHaveLength(1000)
  })

  it('whose sweep is longer than its interval miss a turn, and that is said', async () => {
    const { context, lines } = contextOf()
    const config = configOf(['127.1.0.1'], { spacing_seconds: 0.4, packet_count: 4 })
    const job: Job = { id: 'terminals', probe: terminals, config, intervalSeconds: 0.3, timeoutSeconds: 10 }
    const samples: Sample[] = []
    const swept = Promise.withResolvers<void>()
    const scheduler = createScheduler({
      agent: 'a-gw1',
      context,
      onSamples: (more) => {
        samples.push(...more)
        if (more.some(({ measurement }) => measurement === 'terminal')) swept.resolve()
      },
    })
    scheduler.apply([job])
    await swept.promise
    await scheduler.stop()
    expect(samples[0]).toMatchObject({ measurement: 'probe', fields: { up: 0, failure: failures.skipped } })
    expect(lines).toContainEqual(expect.objectContaining({ level: 40, probe: 'terminals', failure: 'skipped' }))
  })
})

describe('a list of terminals', () => {
  it('holds each id once, and at least one', () => {
    const twice = { terminals: ['127.1.0.1', '127.1.0.2'].map((host) => ({ id: 'same', kind: 'pc', host })) }
    expect(terminals.config.safeParse(twice).success).toBe(false)
    expect(terminals.config.safeParse({ terminals: [] }).success).toBe(false)
  })
})

describe('terminals that do not answer ICMP', () => {
  const server = createServer((socket) => socket.destroy())
  let open: number
  let closed: number
  beforeAll(async () => {
    server.listen(0, '127.1.0.1')
    await once(server, 'listening')
    open = (server.address() as AddressInfo).port
    const other = createServer().listen(0, '127.1.0.2')
    await once(other, 'listening')
    closed = (other.address() as AddressInfo).port
    other.close()
    await once(other, 'close')
  })
  afterAll(() => server.close())

  /** Silent but for this host's own addresses: ICMP is filtered, and the tool works. */
  const filtered = `while read -r address || [ -n "$address" ]; do
    case $address in 127.0.0.1|::1) echo "$address : 0.1" >&2;; *) echo "$address : - - -" >&2;; esac
  done; exit 1`

  it('are on when they take a connection or refuse it, and only then', async () => {
    const exec = execIn(await program('fping', filtered))
    const { context, lines } = contextOf({ exec })
    const settings = configOf([
      { host: '127.1.0.1', tcp_ports: [closed, open] },
      { host: '127.1.0.2', tcp_ports: [closed] },
      { host: '127.1.0.3' },
      // Two devices of one address: the ports of both count.
      { host: '127.1.0.3', tcp_ports: [] },
    ])
    const fields = fieldsOf(await terminals.run(settings, context))
    for (const id of ['t0', 't1']) {
      expect(fields[id]).toEqual({ up: 1, answered_by: 2, rtt_seconds: expect.any(Number) })
    }
    expect(fields['t2']).toEqual({ up: 0, loss_ratio: 1 })
    expect(fields['t3']).toEqual({ up: 0, loss_ratio: 1 })
    expect(lines.filter(({ level }) => level > 20)).toHaveLength(1)
  })
})

describe('an fping without its right', () => {
  it.skipIf(!has('ping'))('is not believed: ping stands in', async () => {
    const programs = await program('fping', blind)
    await symlink(pathOf('ping'), join(programs, 'ping'))
    const { context } = contextOf({ exec: execIn(programs) })
    const fields = fieldsOf(await terminals.run(configOf(['127.1.0.1', '127.1.0.2']), context))
    expect(fields).toMatchObject({ t0: { up: 1, loss_ratio: 0, answered_by: 1 }, t1: { up: 1 } })
  })

  it('fails the run where there is no ping: no terminal is called down', async () => {
    const { context } = contextOf({ exec: execIn(await program('fping', blind)) })
    await expect(terminals.run(configOf(['127.1.0.1']), context)).rejects.toMatchObject({
      code: 'probe_failed',
      message: expect.stringMatching(/fping gets no answer even from 127\.0\.0\.1.*cap_net_raw/),
    })
  })

  it('fails the run as a missing tool where there is neither', async () => {
    const { context } = contextOf({ exec: execIn(join(folder, 'empty')) })
    await expect(terminals.run(configOf(['127.1.0.1']), context)).rejects.toMatchObject({ code: 'tool_missing' })
  })
})

describe.skipIf(!has('ping'))('terminals without fping', () => {
  it('are pinged by a pool of processes', async () => {
    const programs = await mkdtemp(join(folder, 'bin-'))
    await symlink(pathOf('ping'), join(programs, 'ping'))
    const { context } = contextOf({ exec: execIn(programs) })
    const rows = Array.from({ length: 80 }, (_, i) => `127.1.0.${i}`)
    const fields = fieldsOf(await terminals.run(configOf(rows, { packet_count: 1 }), context))
    expect(Object.values(fields)).toHaveLength(80)
    for (const row of Object.values(fields)) expect(row).toMatchObject({ up: 1, answered_by: 1 })
  })
})
