/** Tags that only the centre knows: where the sender stood, by the registry as it was at each sample's own time. */
import { type Batch, filterBatch } from '../core/batch.ts'
import { AppError } from '../core/errors.ts'
import type { Registry } from './registry.ts'

/** A sample from further ahead is a wrong clock, not a measurement; agents correct theirs by ours (agent/clock.ts). */
const maxAheadMs = 10 * 60_000

/**
 * The batch with its place, cut where the registry changes; undefined for an agent that is not registered.
 * Rows too far ahead of `now` are left out; throws `batch_invalid` when nothing else is in it.
 */
export function placeBatch(registry: Registry, agent: string, batch: Batch, now: number): Batch[] | undefined {
  if (registry.placeOf(agent, now) === undefined && registry.placeOf(agent, batch.times[0] ?? now) === undefined)
    return undefined
  const timely = withoutFuture(batch, now + maxAheadMs)
  const changes = registry.changesOf(agent)
  const epochOf = (time: number) => changes.findLastIndex((change) => change <= time)
  const epochs = changes.length === 0 ? [-1] : [...new Set(timely.times.map(epochOf))]
  const parts = epochs.flatMap((epoch) => {
    const part =
      epochs.length === 1 ? timely : filterBatch(timely, (row) => epochOf(timely.times[row] as number) === epoch)
    const place = registry.placeOf(agent, part.times[0] as number)
    return place === undefined ? [] : [{ ...part, tags: { ...place, agent, ...part.tags } }]
  })
  return parts.length === 0 ? undefined : parts
}

function withoutFuture(batch: Batch, latest: number): Batch {
  if (batch.times.every((time) => time <= latest)) return batch
  const timely = filterBatch(batch, (row) => (batch.times[row] as number) <= latest)
  if (timely.times.length > 0) return timely
  const ahead = Math.round(((batch.times[0] as number) - latest + maxAheadMs) / 60_000)
  throw new AppError('batch_invalid', `its time is ${ahead} minutes ahead; check the clock of the agent`)
}
