/** What every server does to a store, with real processes: `testFaults('influxdb', …)`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import type { Store } from '../../store/store.ts'
import { has } from '../services/capabilities.ts'
import type { Daemon } from '../services/daemon.ts'
import { createProxy } from '../services/proxy.ts'
import { createSmallDisk, type SmallDisk } from '../services/small-disk.ts'

export type Server = Daemon & { url: string; folder: string; flush: () => Promise<void>; stop: () => Promise<void> }
export type Subject = {
  create: (disk?: SmallDisk) => Promise<Server>
  open: (url: string, config?: { timeout_seconds?: number; settle_seconds?: number }) => Promise<Store>
  /** After a kill -9, what was accepted within it may be lost. */
  settleSeconds: number
  /**
   * VictoriaMetrics stops taking samples below 10 MB, and ends itself without a byte; InfluxDB 1.6 goes on to say that its
   * disk is full when it is no longer.
   */
  fullDisk: { leaveBytes: number; restart: boolean }
}

const minute = 60_000

/** One sample of a minute for each of `terminals`; `n` is its number and its value. */
export function numbered(n: number, time: number, terminals = 5): Batch {
  const rows = Array.from({ length: terminals }, (_, t) => t)
  return {
    measurement: 'terminal',
    times: rows.map((t) => time + t),
    tags: {
      district: 'd1',
      town: 't1',
      category: 'rural',
      site: 's1',
      agent: 'a1',
      terminal: rows.map((t) => `t-${t}`),
      kind: 'pc',
      room: 'r1',
    },
    fields: { up: rows.map(() => 1), rtt_seconds: rows.map(() => n / 1000) },
  }
}

/** Gives a batch again until it is durable. */
export async function insist(store: Store, batch: Batch, pauseMs = 100): Promise<number> {
  for (let tries = 1; ; tries++) {
    const { rejected, retry, durable } = await store.write([batch])
    if (rejected.size > 0) throw new Error([...rejected.values()][0])
    const kept = await durable.then(
      () => true,
      () => false,
    )
    if (retry.length === 0 && kept) return tries
    await sleep(pauseMs)
  }
}

async function countOf(store: Store, from: number, to: number): Promise<number> {
  const query = { measurement: 'terminal', field: 'up', from, to, everySeconds: 30 * 86_400 } as const
  const series = await store.range({ ...query, aggregate: 'count' })
  return series.flatMap(({ points }) => points).reduce((sum, [, count]) => sum + count, 0)
}

export function testFaults(name: string, { create, open, settleSeconds, fullDisk }: Subject): void {
  describe(`${name} at fault`, () => {
    const opened: (() => Promise<unknown>)[] = []
    const keep = <T>(thing: T, end: () => Promise<unknown>): T => {
      opened.unshift(end)
      return thing
    }
    const startServer = async (disk?: SmallDisk) => {
      const server = await create(disk)
      await server.start()
      return keep(server, server.stop)
    }
    const openStore = async (...args: Parameters<Subject['open']>) => {
      const store = await open(...args)
      return keep(store, store.close)
    }
    afterEach(async () => {
      for (const end of opened.splice(0)) await end()
    })

    it('asks for a batch again while the server is down, and takes it when it is back', async () => {
      const server = await startServer()
      await server.kill('SIGTERM')
      const store = await openStore(server.url)
      const time = Date.now() - minute
      for (let i = 0; i < 3; i++) expect((await store.write([numbered(1, time)])).retry).toEqual([0])
      expect((await store.health()).problems.join()).toMatch(/Nothing can be stored: .*ECONNREFUSED/)
      await server.start()
      await insist(store, numbered(1, time))
      await server.flush()
      expect(await countOf(store, time, time + minute)).toBe(5)
      expect((await store.health()).problems).toEqual([])
    })

    it('gives a slow server its time, and then asks for the batch again', async () => {
      const server = await startServer()
      const proxy = await createProxy(server.url)
      keep(proxy, proxy.close)
      const store = await openStore(`http://127.0.0.1:${proxy.port}`, { timeout_seconds: 1 })
      const time = Date.now() - minute
      await insist(store, numbered(1, time))
      proxy.delayMs = 3000
      expect((await store.write([numbered(2, time + 10)])).retry).toEqual([0])
      await expect(store.last({ measurement: 'terminal', from: 0, to: time })).rejects.toMatchObject({
        code: 'timeout',
      })
      proxy.delayMs = 0
      await insist(store, numbered(2, time + 10))
      await server.flush()
      expect(await countOf(store, time, time + minute)).toBe(10)
    })

    it('takes what is three days old and what is a minute ahead, and finds both', async () => {
      const server = await startServer()
      const store = await openStore(server.url)
      const [old, ahead] = [Date.now() - 3 * 86_400_000, Date.now() + minute]
      await insist(store, numbered(1, old))
      await insist(store, numbered(2, ahead))
      await server.flush()
      const rows = await store.rows({ measurement: 'terminal', from: old, to: ahead + minute, limit: 100 })
      expect([rows[0]?.time, rows.at(-1)?.time, rows.length]).toEqual([old, ahead + 4, 10])
      const last = await store.last({ measurement: 'terminal', from: old, to: ahead + minute })
      expect(last.map(({ time }) => time).toSorted()).toEqual([0, 1, 2, 3, 4].map((t) => ahead + t))
      const query = { measurement: 'terminal', field: 'rtt_seconds', from: old, to: ahead + minute } as const
      const [series] = await store.range({ ...query, everySeconds: 5, aggregate: 'max' })
      expect(series?.points.map(([, value]) => value)).toEqual(expect.arrayContaining([0.001, 0.002]))
    })

    it('rejects what no time can cure, each with its reason, and stores the others', async () => {
      const server = await startServer()
      const store = await openStore(server.url)
      const time = Date.now() - minute
      const good = numbered(1, time)
      const { rejected, retry, durable } = await store.write([
        { ...good, measurement: 'nope' as 'terminal' },
        good,
        numbered(2, Date.now() + 2 * 86_400_000),
        { ...good, tags: { ...good.tags, room: ['r1'] } },
      ])
      await durable
      expect(retry).toEqual([])
      expect([...rejected]).toEqual([
        [0, expect.stringContaining('not in the catalog')],
        [2, expect.stringContaining('ahead of the clock')],
        [3, expect.stringContaining('tag room')],
      ])
      await server.flush()
      expect(await countOf(store, time, time + minute)).toBe(5)
    })

    it('sends gzip across a network, and none on this host', async () => {
      const server = await startServer()
      const proxy = await createProxy(server.url)
      keep(proxy, proxy.close)
      const time = Date.now() - minute
      const bytes: number[] = []
      // 0.0.0.0 leads here as well, and is no loopback address by its name.
      for (const host of ['127.0.0.1', '0.0.0.0']) {
        const store = await openStore(`http://${host}:${proxy.port}`)
        await insist(store, numbered(1, time))
        const before = proxy.sentBytes
        await insist(store, numbered(1, time, 200))
        bytes.push(proxy.sentBytes - before)
        await server.flush()
        expect(await countOf(store, time, time + minute)).toBe(200)
      }
      const [plain = 0, packed = Infinity] = bytes
      expect(packed).toBeLessThan(plain / 4)
    })

    it.skipIf(!has('small-disk'))(
      'waits while the disk is full, and loses nothing',
      async () => {
        const disk = await createSmallDisk(120)
        keep(disk, disk.stop)
        const server = await startServer(disk)
        const store = await openStore(server.url)
        const time = Date.now() - 3_600_000
        await insist(store, numbered(0, time))
        await disk.fill(fullDisk.leaveBytes)
        let stalled = false
        // A server may look at its disk once a second only, and believe what it saw for two more.
        for (let n = 1; !stalled; n = (n % 199) + 1) {
          const { rejected, retry } = await store.write([numbered(n, time + n * 100, 50)])
          expect([...rejected]).toEqual([])
          stalled = retry.length > 0
          await sleep(20)
        }
        expect((await store.health()).ok).toBe(false)
        await disk.free()
        if (fullDisk.restart) {
          await server.kill('SIGTERM')
          await server.start()
        }
        const all = Array.from({ length: 199 }, (_, i) => numbered(i + 1, time + (i + 1) * 100, 50))
        await Promise.all(all.map((batch) => insist(store, batch)))
        await server.flush()
        expect(await countOf(store, time, time + 3_600_000)).toBe(5 + 199 * 50)
      },
      90_000,
    )

    it('stores all that was made, and nothing twice, over kill -9 in the middle of writing', async () => {
      const server = await startServer()
      const store = await openStore(server.url, { settle_seconds: settleSeconds })
      const time = Date.now() - 3_600_000
      const made = 600
      let written = 0
      const writing = Promise.all(
        Array.from({ length: made }, async (_, n) => {
          await sleep(n * 10)
          await insist(store, numbered(n, time + n * 100), 200)
          written++
        }),
      )
      for (let kill = 0; kill < 3; kill++) {
        await sleep(1700)
        await server.kill()
        await server.start()
      }
      await writing
      expect(written).toBe(made)
      await server.flush()
      const rows = await store.rows({ measurement: 'terminal', from: time, to: time + 3_600_000, limit: 1_000_000 })
      expect(rows).toHaveLength(5 * made)
      expect(new Set(rows.map((row) => `${row.time} ${row.tags['terminal']}`)).size).toBe(5 * made)
      expect(await countOf(store, time, time + 3_600_000)).toBe(5 * made)
    }, 120_000)
  })
}
