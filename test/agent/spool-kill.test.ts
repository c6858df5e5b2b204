import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSpool, type TemporarySpool, waiting } from './temporary-spool.ts'

describe('a spool whose agent is killed', () => {
  let test: TemporarySpool
  beforeEach(() => {
    test = createSpool()
    test.spool.close()
  })
  afterEach(() => test.remove())

  /** Runs until it has confirmed so many; returns the last number confirmed. */
  async function appendAndKill(count: number): Promise<number> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'appending-child.ts'), test.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = once(child, 'exit')
    let last = 0
    let lines = 0
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line)
      if (++lines === count) child.kill('SIGKILL')
    }
    await gone
    return last
  }

  it('has every batch that was confirmed, and at most one more, after each of four kills', {
    timeout: 60_000,
  }, async () => {
    const { stream } = test.spool
    for (const count of [1, 30, 100, 200]) {
      const confirmed = await appendAndKill(count)
      const spool = test.reopen()
      const found = spool.lastSeq()
      expect(found).toBeGreaterThanOrEqual(confirmed)
      expect(found).toBeLessThanOrEqual(confirmed + 1)
      const seqs = new Set(waiting(spool).map(([seq]) => seq))
      // The last settling may or may not have happened.
      for (let seq = 1; seq <= confirmed; seq++) if (seq % 10 !== 5) expect(seqs.has(seq)).toBe(true)
      for (let seq = 5; seq < confirmed - 10; seq += 10) expect(seqs.has(seq)).toBe(false)
      expect(spool.stats().batches).toBe(seqs.size)
      expect(spool.stream).toBe(stream)
      expect(test.warnings()).toEqual([])
      spool.close()
    }
  })
})
