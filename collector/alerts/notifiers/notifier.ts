/** The seam: what takes alerts elsewhere. One file each; index.ts is the only list. */
import type { Letter, Message } from '../letter.ts'

/**
 * `delivered`: to whom it could be; `partly` says who was left out. `retry`: it may go well later; `afterSeconds` when the other side says so, or when a person must change something.
 * `refused`: this message will never be taken.
 */
export type Outcome =
  | { kind: 'delivered'; partly?: string }
  | { kind: 'retry'; reason: string; afterSeconds?: number }
  | { kind: 'refused'; reason: string }

export type Notifier = {
  /** What would be sent now, to be read by people. Addresses are without their secrets. */
  preview: (message: Message) => string
  /** Throws only when `signal` aborts; whether the message arrived is then open. */
  send: (message: Message, signal: AbortSignal) => Promise<Outcome>
}

export type NotifierDeps = {
  now: () => number
  /** The message in words, with at most `shown` of its notices. */
  compose: (message: Message, shown: number) => Letter
}

/** What a group of people reads of one message. */
export const shownToPeople = 10

export const retry = (reason: string, afterSeconds?: number): Outcome => ({
  kind: 'retry',
  reason,
  ...(afterSeconds !== undefined && { afterSeconds }),
})
export const refused = (reason: string): Outcome => ({ kind: 'refused', reason })
export const delivered: Outcome = { kind: 'delivered' }

/** Wrong tokens, signatures, addresses: they stay wrong until somebody changes them. */
export const afterConfigurationSeconds = 600
