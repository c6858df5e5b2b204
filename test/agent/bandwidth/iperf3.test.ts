import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openIperf3 } from '../../../agent/bandwidth/iperf3.ts'
import { now, type TransferOptions } from '../../../agent/bandwidth/transfer.ts'
import { createExec } from '../../../agent/exec.ts'
import { isAppError } from '../../../core/errors.ts'
import { has, pathOf } from '../../services/capabilities.ts'

const { signal } = new AbortController()
const exec = createExec()
const target = (port: number) =>
  ({ id: 'tp', type: 'iperf3', url: `iperf3://127.0.0.1:${port}`, level: 'district', priority: 0 }) as const
const options = (given: Partial<TransferOptions> = {}): TransferOptions => ({
  streams: 2,
  maxBytes: 20e6,
  deadlineSeconds: now() + 10,
  inFlightBytes: 1e6,
  signal,
  ...given,
})
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function serve(): Promise<number> {
  const port = await freePort()
  const child = spawn(pathOf('iperf3'), ['-s', '-p', String(port), '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  closers.push(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  await once(child.stdout, 'data')
  return port
}

describe.skipIf(!has('iperf3'))('iperf3', () => {
  it('counts an upload by what the server has received', async () => {
    const session = await openIperf3(target(await serve()), exec, signal)
    expect(session).toMatchObject({ self: true, interface: 'lo', capacityBps: undefined })
    const transfer = session.start('up', options({ paceBps: 80e6 }))
    expect(await transfer.done).toBeUndefined()
    const last = transfer.marks().at(-1)
    // The cap of 20 MB comes before the 4 s at 80 Mbit/s.
    expect(last?.bytes).toBeGreaterThan(15e6)
    expect(transfer.marks().length).toBeGreaterThan(8)
  })

  it('ends a download at its cap, and when told to', async () => {
    const session = await openIperf3(target(await serve()), exec, signal)
    expect(await session.start('down', options()).done).toBeUndefined()
    const endless = session.start('down', options({ maxBytes: 1e12 }))
    setTimeout(() => endless.stop(), 300)
    expect(await endless.done).toBeUndefined()
  })

  it('fails with what the program says', async () => {
    const session = await openIperf3(target(await freePort()), exec, signal)
    const failure = await session.start('down', options()).done
    expect(isAppError(failure, 'testpoint_failed')).toBe(true)
    expect(failure?.message).toContain('Connection refused')
  })

  it('times round trips without fping, and tests all the same', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linkbell-iperf3-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    symlinkSync(pathOf('iperf3'), join(folder, 'iperf3'))
    const bare = createExec({ env: { PATH: folder } })
    const session = await openIperf3(target(await serve()), bare, signal)
    for (let i = 0; i < 6; i++) expect(await session.ping(signal)).toBeGreaterThan(0)
    const transfer = session.start('up', options({ paceBps: 80e6, maxBytes: 5e6 }))
    expect(await transfer.done).toBeUndefined()
    expect(transfer.marks().at(-1)?.bytes).toBeGreaterThan(3e6)
    expect(transfer.usedBytes() ?? 0).toBeLessThanOrEqual(5e6)
  })

  it('says when it is not installed', async () => {
    const bare = createExec({ env: { PATH: '/nowhere' } })
    await expect(openIperf3(target(5201), bare, signal)).rejects.toSatisfy((error) => isAppError(error, 'tool_missing'))
  })
})
