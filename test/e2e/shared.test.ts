import { describe, expect, it, vi } from 'vitest'
import { has } from '../services/capabilities.ts'
import { mosquitto } from './brokers.ts'
import { useBroker } from './centre-and-school.ts'

const within = { timeout: 15_000, interval: 50 }

describe.skipIf(!has('mosquitto'))('several collectors', () => {
  const { centre, school } = useBroker(mosquitto)

  it('share the work, and each goes on when the others are gone', async () => {
    const both = [await centre({ id: 'c1', sharedGroup: 'g' }), await centre({ id: 'c2', sharedGroup: 'g' })]
    const from = await school()
    await vi.waitFor(() => expect(both.map(({ mqtt: side }) => side.connected())).toEqual([true, true]), within)
    const made = Array.from({ length: 60 }, (_, i) => from.make(i))
    await vi.waitFor(() => expect(from.spool.stats().batches).toBe(0), within)
    const shared = await Promise.all(both.map((each) => each.stored()))
    expect(shared.map((rows) => rows.length > 0)).toEqual([true, true])
    expect(
      shared
        .flat()
        .map(({ time }) => time)
        .toSorted(),
    ).toEqual(made)

    await both[1]?.stop()
    const later = Array.from({ length: 20 }, (_, i) => from.make(i))
    await vi.waitFor(() => expect(from.spool.stats().batches).toBe(0), within)
    expect((await both[0]?.stored())?.map(({ time }) => time)).toEqual(expect.arrayContaining(later))
  })
})
