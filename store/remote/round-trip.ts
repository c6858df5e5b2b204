/** Writes a sample and reads it back: what no setting tells (rights, mapping, precision) shows. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sender } from './sender.ts'

/** Of a measurement that no query asks for. */
export const checkMeasurement = 'linkbell_check'
const visibleWithinMs = 30_000

export type RoundTripDeps = {
  server: string
  /** Until a new sample is seen. */
  firstLookMs: number
  sender: Sender
  /** Whether the sample is there at exactly this time. */
  find: (time: number) => Promise<boolean>
}

/** What went wrong, or undefined. Throws when the server cannot be asked. */
export async function roundTrip(
  { server, firstLookMs, sender, find }: RoundTripDeps,
  now: number,
): Promise<string | undefined> {
  // No whole second: a server that cuts times would go unseen.
  const time = Math.floor(now / 1000) * 1000 + 123
  const answer = await sender.send(`${checkMeasurement} value=1 ${time}\n`)
  if (answer.kind !== 'stored') return `${server} does not take a sample: ${answer.reason}.`
  await sleep(firstLookMs)
  for (const end = performance.now() + visibleWithinMs; performance.now() < end; await sleep(500)) {
    if (await find(time)) return undefined
  }
  return `${server} took a sample, and does not give it back with its time: it writes and reads different places (database, retention policy, DBRP mapping, tenant), or keeps times coarser than a millisecond.`
}
