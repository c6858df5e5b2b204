/** Any field of any measurement over time, bucketed and aggregated: the query model of the store, bounded. */
import { z } from 'zod'
import { idPattern } from '../../../core/batch.ts'
import {
  type Measurement,
  type MeasurementName,
  measurementNames,
  measurementOf,
  measurements,
  tagsOf,
} from '../../../core/catalog.ts'
import { type AppError, isAppError } from '../../../core/errors.ts'
import type { Aggregate, Series } from '../../../store/query.ts'
import { dayMs, utcOffsetSeconds } from '../../local-time.ts'
import { isoOf } from '../presence.ts'
import { defineRoute, HttpError } from '../route.ts'
import { timeSchema } from '../schemas.ts'
import { momentSchema } from './moment.ts'

const maxPoints = 2_000
const maxGroups = 500
/** The store answers one query after the other: a long one keeps everybody waiting. */
const maxQuerySeconds = 10
/** About as many points as a chart has room for, where no interval is asked for. */
const usualPoints = 360
/** From this width on, buckets are whole hours: roll-ups answer them, where others need every sample. */
const wholeHoursFromSeconds = 1_200
const maxSpanDays = 1_200

const allTags = [...new Set(measurementNames.flatMap(tagsOf))]
const idSchema = z.string().regex(idPattern, 'not an id')
const tagSchema = z
  .union([idSchema, z.array(idSchema).max(100)])
  .optional()
  .describe('Only series with this tag value; repeat it for any of several.')

const querySchema = z.strictObject({
  measurement: z.enum(measurementNames as [MeasurementName]).describe('Measurement; see docs/measurements.md.'),
  field: z.string().min(1).max(64).describe('One of its fields.'),
  from: momentSchema.optional().describe('Begin; default 24 hours before the end.'),
  to: momentSchema.optional().describe('End, exclusive; default now.'),
  every_seconds: z.coerce
    .number()
    .int()
    .min(1)
    .max(366 * 86_400)
    .optional()
    .describe(`Width of a bucket; default about ${usualPoints} buckets. At most ${maxPoints} in all.`),
  aggregate: z
    .string()
    .regex(/^(mean|min|max|sum|last|count|p\d{1,2}(\.\d{1,2})?)$/, 'give mean, min, max, sum, last, count or p1 to p99')
    .default('mean')
    .describe('mean, min, max, sum, last, count, or a percentile such as p95.'),
  by: z
    .union([z.string().max(200), z.array(z.string().max(64)).max(16)])
    .optional()
    .transform((tags) => (typeof tags === 'string' ? tags.split(',') : (tags ?? [])))
    .describe(`Tags to group by, separated by commas. At most ${maxGroups} groups.`),
  ...(Object.fromEntries(allTags.map((tag) => [tag, tagSchema])) as Record<string, typeof tagSchema>),
})
type Query = z.output<typeof querySchema>

export const series = defineRoute({
  path: '/api/v1/series',
  summary: 'One field over time, in buckets of local time; buckets without a value are left out.',
  query: querySchema,
  response: {
    name: 'SeriesList',
    schema: z.object({
      measurement: z.string(),
      field: z.string(),
      unit: z.string(),
      aggregate: z.string(),
      from: timeSchema,
      to: timeSchema,
      every_seconds: z.int(),
      series: z.array(
        z.object({
          tags: z.record(z.string(), z.string()),
          points: z
            .array(z.tuple([z.number(), z.number()]))
            .describe('[begin of the bucket in ms since 1970, value], in order of time.'),
        }),
      ),
    }),
  },
  handle: async ({ store, registry, now }, { query }) => {
    const definition: Measurement | undefined = measurementOf(query.measurement)
    const field = definition?.fields[query.field]
    if (definition === undefined || field === undefined) {
      throw wrong('field', `${query.measurement} has no field "${query.field}"; it has ${fieldsOf(query.measurement)}`)
    }
    const { from, to, everySeconds } = spanOf(query, definition, now())
    const { timezone } = registry().data.district
    const found = await store
      .range({
        measurement: query.measurement,
        field: query.field,
        match: matchOf(query),
        from,
        to,
        everySeconds,
        aggregate: aggregateOf(query.aggregate),
        by: byOf(query),
        utcOffsetSeconds: utcOffsetSeconds(from, timezone),
        maxGroups,
        maxSeconds: maxQuerySeconds,
      })
      .catch((error: unknown) => {
        throw isAppError(error, 'query_invalid') ? refusal(error) : error
      })
    const { measurement, aggregate } = query
    const asked = { measurement, field: query.field, unit: field.unit, aggregate, every_seconds: everySeconds }
    return { ...asked, from: isoOf(from), to: isoOf(to), series: inOrder(found) }
  },
})

/** Stores differ in the order of groups; those who read twice should find the same. */
function inOrder(found: readonly Series[]): Series[] {
  const key = ({ tags }: Series) => Object.values(tags).join(' ')
  return found.toSorted((a, b) => key(a).localeCompare(key(b), 'en', { numeric: true }))
}

function spanOf(query: Query, { intervalSeconds, keep }: Measurement, now: number) {
  const to = query.to ?? now
  const from = query.from ?? to - dayMs
  if (from >= to) throw wrong('from', 'it must be before "to"')
  if (to - from > maxSpanDays * dayMs) throw wrong('from', `more than ${maxSpanDays} days before "to"`)
  const seconds = (to - from) / 1000
  // Finer buckets than samples would be mostly empty; a test now and then keeps its own time as far as points allow.
  const finest = keep === 'evidence' ? 60 : intervalSeconds
  const everySeconds = query.every_seconds ?? Math.max(finest, usualSeconds(seconds / usualPoints))
  const points = Math.ceil(seconds / everySeconds)
  if (points > maxPoints) {
    const least = Math.ceil(seconds / maxPoints)
    throw wrong('every_seconds', `${points} points; at most ${maxPoints}: give ${least} or more, or a shorter time`)
  }
  return { from, to, everySeconds }
}

function usualSeconds(wanted: number): number {
  const step = wanted < wholeHoursFromSeconds ? 60 : 3_600
  return Math.ceil(wanted / step) * step
}

function matchOf(query: Query): Record<string, string | string[]> {
  const own = tagsOf(query.measurement)
  const given = allTags.flatMap((tag) => {
    const value = (query as Record<string, unknown>)[tag] as string | string[] | undefined
    if (value === undefined) return []
    if (!own.includes(tag)) throw wrong(tag, `${query.measurement} has no such tag; it has ${own.join(', ')}`)
    return [[tag, value] as const]
  })
  return Object.fromEntries(given)
}

function byOf({ by, measurement }: Query): string[] {
  const own = tagsOf(measurement)
  const foreign = by.find((tag) => !own.includes(tag))
  if (foreign !== undefined) throw wrong('by', `${measurement} has no tag "${foreign}"; it has ${own.join(', ')}`)
  return by
}

function aggregateOf(text: string): Aggregate {
  return text.startsWith('p') ? { quantile: Number(text.slice(1)) / 100 } : (text as Exclude<Aggregate, object>)
}

function fieldsOf(name: MeasurementName): string {
  return Object.keys(measurements[name].fields).join(', ')
}

function refusal({ message, facts: { parameter } }: AppError): HttpError {
  return new HttpError(400, 'query_invalid', message, typeof parameter === 'string' ? parameter : undefined)
}

function wrong(parameter: string, message: string): HttpError {
  return new HttpError(400, 'query_invalid', `Parameter "${parameter}": ${message}.`, parameter)
}
