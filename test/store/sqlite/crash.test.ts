import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { killedBatch, rowsOfBatch } from './killed-batch.ts'
import { noon, openTestStore, temporaryFolder } from './sqlite-store.ts'

const child = join(import.meta.dirname, 'writing-child.ts')
const all = { measurement: 'path', from: 0, to: noon + 86_400_000 } as const

describe('a store whose process ends without notice', () => {
  let directory: string
  const children: ChildProcess[] = []

  beforeEach(async () => {
    directory = await temporaryFolder()
  })
  afterEach(async () => {
    for (const one of children.splice(0)) one.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  /** Starts a writer and gives its lines; ends with the process. */
  function startWriter(first: number, limit = '') {
    const command = `${limit} exec "$0" "$@"`
    const process_ = spawn('/bin/sh', ['-c', command, process.execPath, child, directory, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(process_)
    return { process: process_, lines: createInterface({ input: process_.stdout }) }
  }

  it('has everything that was acknowledged, once, after each of three kills', { timeout: 60_000 }, async () => {
    const acknowledged: number[] = []
    for (const afterLines of [40, 400, 1000]) {
      const writer = startWriter((acknowledged.at(-1) ?? -1) + 1)
      let lines = 0
      for await (const line of writer.lines) {
        acknowledged.push(Number(line.split(' ')[1]))
        if (++lines === afterLines) writer.process.kill('SIGKILL')
      }
      const test = await openTestStore({ directory })
      const rows = await test.store.rows({ ...all, limit: 1_000_000 })
      const counts = Map.groupBy(rows, (row) => row.fields['sent_count'])
      for (const n of acknowledged) expect(counts.get(n)).toHaveLength(rowsOfBatch)

      const count = { ...all, field: 'up', everySeconds: 3600, aggregate: 'count', by: ['target'] } as const
      const total = (series: Awaited<ReturnType<typeof test.store.range>>) =>
        series.flatMap(({ points }) => points).reduce((sum, [, n]) => sum + n, 0)
      expect(total(await test.store.range(count))).toBe(rows.length)
      await test.store.rollUp()
      expect(total(await test.store.range(count))).toBe(rows.length)
      expect(test.errors()).toEqual([])
      await test.store.close()
    }
  })

  it('refuses a second process while the first lives, and not once it is killed', { timeout: 30_000 }, async () => {
    const writer = startWriter(0)
    await once(writer.lines, 'line')
    await expect(openTestStore({ directory })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: `The store in ${directory} is in use by another process; stop that one first.`,
    })
    writer.process.kill('SIGKILL')
    await once(writer.process, 'exit')
    const test = await openTestStore({ directory })
    await test.store.close()
  })

  // The limit on the size of a file stands in for a full disk; the system refuses the write in both cases.
  const limits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0
  describe.skipIf(!limits)('on a disk that is full', () => {
    it('asks for the batch again, and takes it when there is room', { timeout: 60_000 }, async () => {
      const writer = startWriter(0, 'ulimit -S -f 256;')
      let written = -1
      let refused = 0
      for await (const line of writer.lines) {
        if (line !== 'retry') written = Number(line.split(' ')[1])
        else if (++refused === 3) {
          spawnSync('prlimit', ['--pid', String(writer.process.pid), '--fsize=unlimited'])
        }
        if (refused >= 3 && line !== 'retry') writer.process.kill('SIGKILL')
      }
      expect(refused).toBeGreaterThanOrEqual(3)
      const test = await openTestStore({ directory })
      const rows = await test.store.rows({ ...all, match: { site: `s-${written % 5}` }, limit: rowsOfBatch })
      expect(rows.map((row) => row.fields['sent_count'])).toEqual(killedBatch(written).fields['sent_count'])
      await test.store.close()
    })
  })
})
