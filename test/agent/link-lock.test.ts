import { describe, expect, it } from 'vitest'
import { createLinkLock } from '../../agent/link-lock.ts'

const never = new AbortController().signal

/** Whether a promise has settled by the time that all pending microtasks ran. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  await new Promise((resolve) => setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}

describe('link lock', () => {
  it('lets quiet users in together', async () => {
    const lock = createLinkLock()
    await lock.acquire('quiet', never)
    expect(await isPending(lock.acquire('quiet', never))).toBe(false)
  })

  it('lets `any` in beside everything', async () => {
    const lock = createLinkLock()
    await lock.acquire('exclusive', never)
    expect(await isPending(lock.acquire('any', never))).toBe(false)
  })

  it('keeps an exclusive user waiting until the last quiet one has left', async () => {
    const lock = createLinkLock()
    const first = await lock.acquire('quiet', never)
    const second = await lock.acquire('quiet', never)
    const exclusive = lock.acquire('exclusive', never)
    first()
    expect(await isPending(exclusive)).toBe(true)
    second()
    expect(await isPending(exclusive)).toBe(false)
  })

  it('keeps quiet and exclusive users waiting while an exclusive one is in', async () => {
    const lock = createLinkLock()
    const release = await lock.acquire('exclusive', never)
    const quiet = lock.acquire('quiet', never)
    const exclusive = lock.acquire('exclusive', never)
    expect(await isPending(quiet)).toBe(true)
    release()
    ;(await quiet)()
    expect(await isPending(exclusive)).toBe(false)
  })

  it('does not let newcomers pass an exclusive user that waits', async () => {
    const lock = createLinkLock()
    const running = await lock.acquire('quiet', never)
    const exclusive = lock.acquire('exclusive', never)
    const late = lock.acquire('quiet', never)
    running()
    const release = await exclusive
    expect(await isPending(late)).toBe(true)
    release()
    expect(await isPending(late)).toBe(false)
  })

  it('tells when the link was last loaded', async () => {
    const lock = createLinkLock()
    ;(await lock.acquire('quiet', never))()
    expect(lock.lastLoaded()).toBe(Number.NEGATIVE_INFINITY)
    const release = await lock.acquire('exclusive', never)
    const during = performance.now()
    expect(lock.lastLoaded()).toBeGreaterThanOrEqual(during)
    release()
    const after = performance.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, 5)
    await promise
    expect(lock.lastLoaded()).toBeLessThanOrEqual(after)
    expect(lock.lastLoaded()).toBeGreaterThanOrEqual(during)
  })

  it('counts a release once, however often it is called', async () => {
    const lock = createLinkLock()
    const first = await lock.acquire('quiet', never)
    await lock.acquire('quiet', never)
    first()
    first()
    expect(await isPending(lock.acquire('exclusive', never))).toBe(true)
  })

  it('lets those behind go in when the one that waited in front gives up', async () => {
    const lock = createLinkLock()
    await lock.acquire('quiet', never)
    const controller = new AbortController()
    const exclusive = lock.acquire('exclusive', controller.signal)
    const behind = lock.acquire('quiet', never)
    controller.abort()
    await expect(exclusive).rejects.toMatchObject({ code: 'aborted' })
    expect(await isPending(behind)).toBe(false)
  })

  it('says timeout when the wait had a deadline', async () => {
    const lock = createLinkLock()
    await lock.acquire('exclusive', never)
    await expect(lock.acquire('quiet', AbortSignal.timeout(20))).rejects.toMatchObject({ code: 'timeout' })
    await expect(lock.acquire('quiet', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
  })
})
