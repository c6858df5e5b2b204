/** Batches are checked before they reach an engine. */
import type { Batch } from '../core/batch.ts'
import { measurementOf, tagsOf } from '../core/catalog.ts'

/** Samples further in the future come from a wrong clock; stored, they would hide the newest true ones. */
export const maxAheadMs = 86_400_000

/** Why a batch can never be stored, or undefined. */
export function structureFault({ measurement, times, tags, fields }: Batch): string | undefined {
  const definition = measurementOf(measurement)
  if (definition === undefined) return `measurement ${measurement} is not in the catalog`
  if (times.length === 0) return 'it has no rows'
  const badTime = times.find((time) => !Number.isSafeInteger(time))
  if (badTime !== undefined) return `time ${badTime} is not a whole number of milliseconds`
  const known = tagsOf(measurement)
  for (const [name, column] of Object.entries(tags)) {
    if (!known.includes(name)) return `tag ${name} is not in the catalog`
    if (!Array.isArray(column)) {
      if (typeof column !== 'string') return `tag ${name} is not a text`
    } else if (column.length !== times.length || !column.every((value) => typeof value === 'string')) {
      return `tag ${name} does not have a text for each of ${times.length} rows`
    }
  }
  for (const [name, column] of Object.entries(fields)) {
    if (!Object.hasOwn(definition.fields, name)) return `field ${name} is not in the catalog`
    if (column.length !== times.length) return `field ${name} has ${column.length} values for ${times.length} rows`
  }
  return undefined
}
