import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { inPool } from '../../agent/pool.ts'

describe('a pool', () => {
  it('works on everything once, never on more than its size at a time', async () => {
    let running = 0
    let most = 0
    const done: number[] = []
    await inPool(
      Array.from({ length: 20 }, (_, i) => i),
      3,
      async (item) => {
        most = Math.max(most, ++running)
        await turn()
        done.push(item)
        running--
      },
    )
    expect(most).toBe(3)
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('has nothing to do with an empty list, and throws the first failure', async () => {
    await expect(inPool([], 3, () => Promise.reject(new Error('never')))).resolves.toBeUndefined()
    await expect(inPool([1, 2], 1, (item) => Promise.reject(new Error(`item ${item}`)))).rejects.toThrow('item 1')
  })
})
