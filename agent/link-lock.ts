/**
 * Shares the link between probes: one that loads it runs alone, those that measure latency run together but never
 * beside it. First come, first served, so that neither kind starves the other.
 */
import { AppError } from '../core/errors.ts'
import type { Probe } from './probe.ts'

export type LinkUse = Probe['link']
export type LinkLock = {
  /** Waits for its turn and resolves to the function that ends it. Throws `timeout` or `aborted` by its signal. */
  acquire: (use: LinkUse, signal: AbortSignal) => Promise<() => void>
  /** When one that loads the link last ran, by performance.now(): now while it does, -Infinity when none ever did. */
  lastLoaded: () => number
}
type Waiter = { use: LinkUse; enter: () => void }

export function createLinkLock(): LinkLock {
  const queue: Waiter[] = []
  let exclusive = false
  let quiet = 0
  let loadedUntil = Number.NEGATIVE_INFINITY

  function isFree(use: LinkUse): boolean {
    return !exclusive && (use === 'quiet' || quiet === 0)
  }

  function take(use: LinkUse): () => void {
    if (use === 'exclusive') exclusive = true
    else quiet++
    let released = false
    return () => {
      if (released) return
      released = true
      if (use === 'exclusive') {
        exclusive = false
        loadedUntil = performance.now()
      } else quiet--
      admit()
    }
  }

  function admit(): void {
    for (let next = queue[0]; next !== undefined && isFree(next.use); next = queue[0]) {
      queue.shift()
      next.enter()
    }
  }

  return {
    lastLoaded: () => (exclusive ? performance.now() : loadedUntil),
    acquire: async (use, signal) => {
      if (use === 'any') return () => {}
      if (signal.aborted) throw gaveUp(signal)
      if (queue.length === 0 && isFree(use)) return take(use)
      return await new Promise((resolve, reject) => {
        const waiter = { use, enter }
        function enter() {
          signal.removeEventListener('abort', leave)
          resolve(take(use))
        }
        function leave() {
          queue.splice(queue.indexOf(waiter), 1)
          reject(gaveUp(signal))
          // Whoever stood behind an exclusive that left may go in beside those that are running.
          admit()
        }
        signal.addEventListener('abort', leave, { once: true })
        queue.push(waiter)
      })
    },
  }
}

function gaveUp(signal: AbortSignal): AppError {
  const timeout = (signal.reason as Error | undefined)?.name === 'TimeoutError'
  return timeout
    ? new AppError('timeout', 'The link was in use by another measurement for too long.')
    : new AppError('aborted', 'Stopped while waiting for the link.')
}
