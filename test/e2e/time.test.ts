/** Evidence needs true times: those of the collector, whatever the clock of the school's machine says. */
import { describe, expect, it, vi } from 'vitest'
import { embeddedBroker } from './brokers.ts'
import { useBroker } from './centre-and-school.ts'
import type { Centre, School } from './parts.ts'

const within = { timeout: 15_000, interval: 50 }
const hour = 3_600_000

describe('a school whose clock is wrong', () => {
  const { centre, school } = useBroker(embeddedBroker)

  async function everythingIsStoredAtItsTime(from: School, at: Centre, truth: number[]) {
    await vi.waitFor(() => expect(from.spool.stats().batches).toBe(0), within)
    const stored = await at.stored()
    expect(stored).toHaveLength(truth.length)
    for (const [i, { time, value }] of stored.entries()) {
      expect(value).toBe(i)
      expect(Math.abs(time - (truth[i] as number))).toBeLessThan(2_000)
    }
  }

  it.each([
    ['an hour ahead', hour],
    ['an hour behind', -hour],
    ['in 1970', 5 * 60_000 - Date.now()],
  ])('%s has samples with true times, also those from before the first contact', async (_, clockError) => {
    const truth: number[] = []
    const make = (from: School) => {
      from.make(truth.length)
      truth.push(Date.now())
    }
    const at = await centre()
    const from = await school({ clockError })
    for (let i = 0; i < 20; i++) make(from)
    await vi.waitFor(() => expect(from.clock.offsetSeconds()).toBeDefined(), within)
    for (let i = 0; i < 20; i++) make(from)
    await everythingIsStoredAtItsTime(from, at, truth)
    expect(from.clock.offsetSeconds()).toBeCloseTo(clockError / 1000, 0)
    expect(at.holding.deadLetters(10)).toEqual([])
  })

  it('and that came up before any collector has samples with true times, too', async () => {
    const truth: number[] = []
    const from = await school({ clockError: hour })
    await vi.waitFor(() => expect(from.uplink.stats().connected).toBe(true), within)
    for (let i = 0; i < 10; i++) {
      from.make(i)
      truth.push(Date.now())
    }
    await everythingIsStoredAtItsTime(from, await centre(), truth)
  })

  it('keeps what an earlier start measured by the time it knew then', async () => {
    const at = await centre()
    const first = await school()
    await vi.waitFor(() => expect(first.clock.offsetSeconds()).toBeDefined(), within)
    await first.stop()
    const offline = await school({ folder: first.folder, connection: { url: 'mqtt://127.0.0.1:9' } })
    const truth = [offline.make(0)]
    await offline.stop()
    const again = await school({ folder: first.folder, clockError: hour })
    again.make(1)
    truth.push(Date.now())
    await everythingIsStoredAtItsTime(again, at, truth)
  })
})
