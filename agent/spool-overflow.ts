/** Batches in memory while the disk takes none. Bounded: the oldest are given up, and counted until that is on record. */
import type { Batch } from '../core/batch.ts'

export type Lost = { batches: number; from: number; to: number }

export class Overflow {
  readonly #limit: number
  #batches: readonly Batch[] = []
  #lost: Lost | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get batches(): readonly Batch[] {
    return this.#batches
  }

  get lost(): Lost | undefined {
    return this.#lost
  }

  /** Replaces what is held. True when batches are lost for the first time since `clear`. */
  hold(batches: readonly Batch[]): boolean {
    const lost = batches.slice(0, -this.#limit)
    this.#batches = batches.slice(-this.#limit)
    if (lost.length === 0) return false
    const isFirst = this.#lost === undefined
    const { batches: before, from, to } = this.#lost ?? { batches: 0, from: Number.POSITIVE_INFINITY, to: 0 }
    this.#lost = {
      batches: before + lost.length,
      from: Math.min(from, ...lost.map(({ times }) => times[0] ?? from)),
      to: Math.max(to, ...lost.map(({ times }) => times.at(-1) ?? to)),
    }
    return isFirst
  }

  /** All of it is on disk. */
  clear(): void {
    this.#batches = []
    this.#lost = undefined
  }
}
