/** What was just stored, for those who watch: the board's event stream. Nothing waits for a slow listener. */
import type { Batch } from '../core/batch.ts'

/** `stored`: batches the store took; `fleet`: an agent came, went or changed; `judged`: verdicts were written. */
export type LiveEvent = { type: 'stored'; batch: Batch } | { type: 'fleet'; agent: string } | { type: 'judged' }

export type Live = {
  publish: (event: LiveEvent) => void
  /** Returns what ends the subscription. */
  subscribe: (listener: (event: LiveEvent) => void) => () => void
}

export function createLive(): Live {
  const listeners = new Set<(event: LiveEvent) => void>()
  return {
    publish: (event) => {
      for (const listener of listeners) listener(event)
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
