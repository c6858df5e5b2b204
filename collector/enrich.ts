/**
 * What only the centre knows: where the sender stood, by the registry as it was at each sample's own time, and whether a
 * device was expected to be on.
 */
import { type Batch, filterBatch, tagAt } from '../core/batch.ts'
import type { Expectation } from '../core/calendar.ts'
import { AppError } from '../core/errors.ts'
import type { ExpectedTimes } from './expected-times.ts'
import type { Place, Registry } from './registry.ts'

/** A sample from further ahead is a wrong clock, not a measurement; agents correct theirs by ours (agent/clock.ts). */
const maxAheadMs = 10 * 60_000

/**
 * The batch with its place, cut where the registry changes; undefined for an agent that is not registered.
 * A batch with a row too far ahead of `now` is put off whole: throws `batch_early`, which time cures.
 */
export function placeBatch(registry: Registry, agent: string, batch: Batch, now: number): Batch[] | undefined {
  if (registry.placeOf(agent, now) === undefined && registry.placeOf(agent, batch.times[0] ?? now) === undefined)
    return undefined
  refuseFuture(batch, now)
  const changes = registry.changesOf(agent)
  const epochOf = (time: number) => changes.findLastIndex((change) => change <= time)
  const epochs = changes.length === 0 ? [-1] : [...new Set(batch.times.map(epochOf))]
  const parts = epochs.flatMap((epoch) => {
    const part =
      epochs.length === 1 ? batch : filterBatch(batch, (row) => epochOf(batch.times[row] as number) === epoch)
    const place = registry.placeOf(agent, part.times[0] as number)
    if (place === undefined) return []
    const placed = { ...part, tags: { ...place, agent, ...part.tags } }
    return part.measurement === 'terminal' ? withExpected(placed, registry, place) : placed
  })
  return parts.length === 0 ? undefined : parts
}

/** By the calendar of today; whoever judges asks the calendar again (docs/decisions/011). */
function withExpected(batch: Batch, { calendars, expectationOf }: Registry, { site, category }: Place): Batch {
  const times: Partial<Record<Expectation, ExpectedTimes>> = {}
  const expected = batch.times.map((time, row) => {
    const expectation = expectationOf(site, tagAt(batch, 'terminal', row) ?? '', tagAt(batch, 'kind', row) ?? '', time)
    return (times[expectation] ??= calendars.expectedOf(site, category, expectation)).at(time) ? 1 : 0
  })
  return { ...batch, fields: { ...batch.fields, expected } }
}

function refuseFuture(batch: Batch, now: number): void {
  const ahead = Math.max(...batch.times) - now
  if (ahead <= maxAheadMs) return
  throw new AppError(
    'batch_early',
    `its time is ${Math.round(ahead / 60_000)} minutes ahead; check the clock of the agent`,
  )
}
