/** A testpoint as this host reaches it: what every protocol offers to a measurement. */
import type { Direction } from '../../core/standard.ts'
import type { Transfer, TransferOptions } from './transfer.ts'

export type LeaseWish = {
  direction: Direction
  rateBps: number
  seconds: number
  maxWaitSeconds: number
  signal: AbortSignal
}
/** The right to test, given by the testpoint for a while. */
export type Lease = { id: string; release: () => Promise<void> }

/** Share of the time in which the testpoint could have run but did not get a core; null where it does not say. */
export type TestpointStrain = { testpointWaitedRatio: number | null }

export type Session = {
  /** Id of the testpoint. */
  id: string
  address: string
  /** Interface whose address the connection got; undefined when the system does not tell. */
  interface: string | undefined
  /** The testpoint runs on this very host. */
  self: boolean
  /** What it can carry, where it says so. */
  capacityBps: number | undefined
  /** Port of its STAMP reflector, where it has one. */
  reflectorPort: number | undefined
  /** Asks to be admitted; undefined where the testpoint knows no leases. Throws `testpoint_busy` when the wait is too long. */
  admit: (wish: LeaseWish) => Promise<Lease | undefined>
  /** Round trip of a small request on a connection of its own, in seconds. */
  ping: (signal: AbortSignal) => Promise<number>
  /** Between two of them under load. */
  pingGapMs: number
  start: (direction: Direction, options: TransferOptions) => Transfer
  /** How hard the testpoint had to fight during the transfer, as it says itself. */
  strain: () => TestpointStrain
  close: () => void
}
