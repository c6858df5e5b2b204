import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createSendQueues } from '../../../agent/bandwidth/acked.ts'
import type { Mark } from '../../../agent/bandwidth/curve.ts'
import { now, type TransferOptions } from '../../../agent/bandwidth/transfer.ts'
import { startEndlessUpload } from '../../../agent/bandwidth/upload.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** A TCP server that does `take` with each connection; `received` counts what it has read. */
async function serve(take: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const count = { bytes: 0 }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => (count.bytes += chunk.length))
    take(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { count, peer: { url: new URL(`http://127.0.0.1:${port}/`), address: '127.0.0.1', port } }
}

function options(given: Partial<TransferOptions> = {}): TransferOptions {
  return {
    streams: 2,
    maxBytes: 8e6,
    deadlineSeconds: now() + 5,
    signal: new AbortController().signal,
    inFlightBytes: 200_000,
    ...given,
  }
}

describe.skipIf(process.platform !== 'linux')('an upload that is counted by the kernel', () => {
  it('counts what was acknowledged, never more than was handed over', async () => {
    const { count, peer } = await serve(() => undefined)
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told: () => [], lagSeconds: () => 0 },
      options({ paceBps: 80e6 }),
    )
    await sleep(400)
    const acked = transfer.marks().at(-1)?.bytes ?? 0
    const used = transfer.usedBytes() ?? 0
    transfer.stop()
    expect(await transfer.done).toBeUndefined()
    expect(acked).toBeGreaterThan(80e6 / 8 / 5)
    expect(acked).toBeLessThanOrEqual(used)
    expect(acked).toBeLessThanOrEqual(count.bytes)
    const curve = transfer.marks().map(({ bytes }) => bytes)
    expect(curve).toEqual(curve.toSorted((a, b) => a - b))
  })

  it('does not count what the other end leaves in the queue', async () => {
    const { peer } = await serve((socket) => socket.pause())
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told: () => [], lagSeconds: () => 0 },
      options({ maxBytes: 64e6 }),
    )
    await sleep(300)
    const before = transfer.marks().at(-1)?.bytes ?? 0
    await sleep(200)
    expect(transfer.marks().at(-1)?.bytes).toBe(before)
    expect(transfer.usedBytes()).toBeGreaterThan(before)
    transfer.stop()
    await transfer.done
  })

  it('never hands over more than its cap', async () => {
    const { count, peer } = await serve(() => undefined)
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told: () => [], lagSeconds: () => 0 },
      options({ maxBytes: 1e6 }),
    )
    expect(await transfer.done).toBeUndefined()
    expect(transfer.usedBytes()).toBeLessThanOrEqual(1e6)
    // The heads of two requests beside it.
    expect(count.bytes).toBeLessThanOrEqual(1e6 + 2 * 300)
  })

  it('goes by the testpoint when something on the way acknowledges for it', async () => {
    const { peer } = await serve(() => undefined)
    const begun = now()
    const told = (): Mark[] => [
      { seconds: begun, bytes: 0 },
      { seconds: now() - 0.05, bytes: (now() - begun) * 1e6 },
    ]
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told, lagSeconds: () => 0 },
      options({ paceBps: 80e6, maxBytes: 64e6 }),
    )
    for (let readings = 0; readings < 30; readings++) {
      transfer.marks()
      await sleep(50)
    }
    const last = transfer.marks().at(-1) as Mark
    const seconds = now() - begun
    transfer.stop()
    await transfer.done
    // 1 MB/s by the testpoint, 10 MB/s by whoever acknowledges.
    expect(last.bytes).toBeLessThan(2e6 * seconds)
  })

  it('does not take a testpoint that reads late for a proxy', async () => {
    const { peer } = await serve(() => undefined)
    const begun = now()
    const told = (): Mark[] => [
      { seconds: begun, bytes: 0 },
      { seconds: now(), bytes: Math.max(0, now() - begun - 0.4) * 10e6 },
    ]
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told, lagSeconds: () => 0.4 },
      options({ paceBps: 80e6, maxBytes: 64e6 }),
    )
    for (let readings = 0; readings < 26; readings++) {
      transfer.marks()
      await sleep(50)
    }
    const seconds = now() - begun
    const last = transfer.marks().at(-1) as Mark
    transfer.stop()
    await transfer.done
    expect(last.bytes).toBeGreaterThan(0.8 * seconds * 10e6)
  })

  it.each([
    ['HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n', /answered 413/],
    ['SSH-2.0-x\r\n', /no HTTP/],
  ])('fails when it is answered %j in the middle', async (answer, message) => {
    const { peer } = await serve((socket) => socket.once('data', () => socket.write(answer)))
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told: () => [], lagSeconds: () => 0 },
      options({ paceBps: 8e6 }),
    )
    expect((await transfer.done)?.message).toMatch(message)
  })

  it('fails when connections are cut again and again', async () => {
    const { peer } = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const transfer = startEndlessUpload(
      { name: 'tp', peer, path: '/up', told: () => [], lagSeconds: () => 0 },
      options({ paceBps: 8e6 }),
    )
    expect((await transfer.done)?.message).toMatch(/tp failed in the middle of a test/)
  })
})

describe('send queues', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const row = (local: string, remote: string, queue: string) =>
    `   0: ${local} ${remote} 01 ${queue}:00000000 01:00000014 00000000     0        0 12345 2 0000 20 4 30 10 -1\n`

  function tableOf(file: string, text: string): string {
    const root = mkdtempSync(join(tmpdir(), 'linkbell-proc-'))
    closers.push(() => rmSync(root, { recursive: true }))
    mkdirSync(join(root, 'proc/net'), { recursive: true })
    writeFileSync(join(root, 'proc/net', file), text)
    return root
  }

  it('are those of connections to the port, by their own port', () => {
    const text =
      head +
      row('0100007F:C001', '0100007F:20E5', '00012345') +
      row('0100007F:C002', '0100007F:0050', '00000777') +
      row('0100007F:20E5', '0100007F:C001', '00000001')
    expect(createSendQueues('127.0.0.1', 0x20e5, tableOf('tcp', text)).read()).toEqual(new Map([[0xc001, 0x12345]]))
  })

  it('are read from the table of the address family', () => {
    const text = head + row(`${'0'.repeat(31)}1:C001`, `${'0'.repeat(31)}1:20E5`, '0000000A')
    expect(createSendQueues('::1', 0x20e5, tableOf('tcp6', text)).read()).toEqual(new Map([[0xc001, 10]]))
  })

  it('are unknown where there is no table', () => {
    expect(createSendQueues('127.0.0.1', 80, '/nowhere').read()).toBeNull()
  })
})
