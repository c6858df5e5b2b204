import { createSocket } from 'node:dgram'
import { describe, expect, it } from 'vitest'
import { machine } from '../../../agent/probes/machine.ts'
import { contextOf } from './context.ts'

type Fields = Record<string, number | null>
const itself = { terminal: 'panel-101', kind: 'panel' }

async function run(more: object = {}) {
  const { context, spawned } = contextOf()
  const samples = await machine.run(machine.config.parse({ ...itself, ...more }), context)
  expect(spawned()).toBe(0)
  return samples.map(({ measurement, tags, fields }) => ({ measurement, tags, fields: fields as Fields }))
}

describe('machine', () => {
  it('tells of the device that it runs on, under its id', async () => {
    const [device, port, ...more] = await run({ interface: 'lo' })
    expect(more).toEqual([])
    expect(device).toMatchObject({ measurement: 'device', tags: itself })
    for (const name of ['cpu_ratio', 'memory_used_ratio', 'storage_used_ratio']) {
      expect(device?.fields[name], name).toBeGreaterThanOrEqual(0)
      expect(device?.fields[name], name).toBeLessThanOrEqual(1)
    }
    expect(device?.fields['uptime_seconds']).toBeGreaterThan(0)
    expect(port).toMatchObject({
      measurement: 'interface',
      tags: { terminal: 'panel-101', port: 'lo' },
      fields: { up: 1 },
    })
  })

  it.skipIf(process.platform !== 'linux')('counts what passed since the run before', async () => {
    await run({ interface: 'lo' })
    const socket = createSocket('udp4')
    const send = () => new Promise((resolve) => socket.send(Buffer.alloc(10_000), 9, '127.0.0.1', resolve))
    for (let i = 0; i < 20; i++) await send()
    socket.close()
    const [, port] = await run({ interface: 'lo' })
    expect(port?.fields['tx_bps']).toBeGreaterThan(0)
    expect(port?.fields['rx_bps']).toBeGreaterThan(0)
    expect(port?.fields).toMatchObject({ rx_errors_count: 0, tx_errors_count: 0 })
  })

  it('knows no rate of an interface that it did not watch before', async () => {
    await run({ interface: 'lo' })
    const [, port] = await run({ interface: 'no-such0' })
    expect(port).toMatchObject({ tags: { port: 'no-such0' }, fields: { up: 0, rx_bps: null, rx_errors_count: null } })
    const [, back] = await run({ interface: 'lo' })
    expect(back?.fields).toMatchObject({ up: 1, rx_bps: null, rx_errors_count: null })
  })

  it('gives an interface whose name is no id a name that is one', async () => {
    const [, port] = await run({ interface: '以太网' })
    expect(port?.tags).toMatchObject({ port: 'uplink' })
  })

  it('tells the fullest of several disks', async () => {
    const of = async (...disk_paths: string[]) => (await run({ disk_paths }))[0]?.fields['storage_used_ratio'] as number
    const [root, proc] = [await of('/'), await of('/dev/shm')]
    expect(await of('/', '/dev/shm')).toBeCloseTo(Math.max(root, proc), 2)
  })
})
