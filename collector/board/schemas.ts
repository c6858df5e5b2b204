/** What the API answers with. Names are snake_case with their unit, times are ISO 8601 in UTC. */
import { z } from 'zod'
import { expectations } from '../../core/calendar.ts'
import { causes, methods, outcomes, triggers, verdicts } from '../../core/catalog.ts'
import { agentRoles, terminalKinds } from '../../core/kinds.ts'
import { readinessReasons, readinessStates } from '../../core/readiness.ts'
import { categories, clauses, directions, presetNames } from '../../core/standard.ts'
import { type DeviceState, deviceStates, faultReasons, roles, stretchReasons } from '../judge/terminals/states.ts'

const namesOf = <T extends Record<string, unknown>>(codes: T) =>
  z.enum(Object.keys(codes) as [Extract<keyof T, string>, ...Extract<keyof T, string>[]])

export const timeSchema = z.iso.datetime().describe('ISO 8601, UTC.')
const textSchema = z.object({ en: z.string(), zh: z.string() })
const placeSchema = z.object({ id: z.string(), name: textSchema })
const verdictSchema = namesOf(verdicts)
const directionSchema = z.enum(directions)

const reasonSchema = z
  .enum(['no_trials', 'too_few_trials', 'self_test_only', 'not_judged'])
  .nullable()
  .describe('Why a verdict is unknown; null otherwise.')

export const presenceSchema = z.object({
  state: z
    .enum(['online', 'silent', 'offline', 'never'])
    .describe(
      '`silent`: connected, as far as the broker knows, but nothing comes. `never`: not heard of since the collector started.',
    ),
  since: timeSchema.nullable(),
  last_batch_at: timeSchema.nullable(),
})

export const evidenceSchema = z.object({
  time: timeSchema,
  outcome: namesOf(outcomes),
  cause: namesOf(causes),
  method: namesOf(methods),
  trigger: namesOf(triggers),
  testpoint: z.string(),
  link_rate_bps: z.number().nullable(),
  goodput_bps: z.number().nullable(),
  target_bps: z.number().nullable().describe('Target that the test was held to.'),
  tests: z.int().describe('Tests in this trial: one, and its confirmations.'),
  counted: z.boolean(),
  left_out: z.enum(['self_test', 'inconclusive', 'target_changed']).nullable().describe('Why it does not count.'),
  self_test: z.boolean().describe('True: proves the chain, says nothing about a link.'),
})

export const directionVerdictSchema = z.object({
  verdict: verdictSchema,
  reason: reasonSchema,
  decides: z.boolean().describe('Whether the standard lets this direction count for the verdict of the site.'),
  target_bps: z.number(),
  trials_count: z.int(),
  met_count: z.int(),
  inconclusive_count: z.int(),
  met_ratio: z.number().nullable(),
  mean_ratio: z
    .number()
    .nullable()
    .describe('Mean of what the trials reached of their targets, as `contract-90` has it.'),
  failed: z.array(z.enum(clauses)).describe('Clauses of the rule that do not hold.'),
  median_bps: z.number().nullable(),
  worst_bps: z.number().nullable(),
  latest: evidenceSchema.nullable(),
})

export const linkSchema = z.object({
  id: z.string(),
  name: textSchema,
  carrier: z.string().nullable(),
  directions: z.object({ down: directionVerdictSchema, up: directionVerdictSchema }),
})

export const sampleSchema = z.object({
  time: timeSchema,
  tags: z.record(z.string(), z.string()).describe('Its own tags; the common ones are those of the site.'),
  fields: z.record(z.string(), z.number().nullable()).describe('Fields of the measurement; see docs/measurements.md.'),
})

export const bandwidthSampleSchema = sampleSchema.extend({
  outcome: namesOf(outcomes).nullable(),
  cause: namesOf(causes).nullable(),
  method: namesOf(methods).nullable(),
  trigger: namesOf(triggers).nullable(),
  self_test: z.boolean(),
})

const latestSchema = z.object({
  host: z.array(sampleSchema),
  path: z.array(sampleSchema).describe('One per level and target.'),
  wan: z.array(sampleSchema).describe('One per link.'),
  bandwidth: z.array(bandwidthSampleSchema).describe('One per link and direction.'),
})

export const siteSchema = z.object({
  id: z.string(),
  name: textSchema,
  town: placeSchema,
  category: z.enum(categories),
  location: z.tuple([z.number(), z.number()]).nullable().describe('[latitude, longitude], WGS 84.'),
  presence: presenceSchema,
  verdict: verdictSchema,
  reason: reasonSchema,
  self_test: z.boolean().describe('All results in the window are self-tests.'),
  asked_ratio: z.number().describe('Part of the target that a trial must reach by the rule of this school.'),
  links: z.array(linkSchema),
  latest: latestSchema.nullable(),
})

const countsSchema = z.object({
  sites: z.int(),
  met: z.int(),
  below: z.int(),
  unknown: z.int(),
  compliance_ratio: z.number().nullable().describe('met ÷ (met + below); null when no site has a verdict.'),
  online: z.int(),
  silent: z.int(),
  offline: z.int().describe('Offline, or never heard of.'),
})

export const summarySchema = countsSchema.extend({
  by_category: z.array(countsSchema.extend({ category: z.enum(categories) })),
  by_town: z.array(countsSchema.extend({ town: placeSchema })),
})

const districtSchema = placeSchema.extend({ timezone: z.string() })
const figureSchema = (says: string) => z.number().nullable().describe(`${says}; null where the preset has none.`)
const ruleSchema = z.object({
  preset: z.enum(presetNames),
  clauses: z.array(z.enum(clauses)).describe('What the preset demands; all must hold.'),
  demand: textSchema.describe('The rule in words, with its figures.'),
  source: textSchema.describe('Where the preset comes from.'),
  window_days: z.int().describe('Whole local days that a verdict looks back, besides the day itself.'),
  min_trials: z.int().describe('Conclusive trials below which the verdict is unknown.'),
  min_share: figureSchema('Share of the trials that must reach what is asked'),
  at_ratio: figureSchema('Part of the target that a trial, or their mean, must reach instead of the threshold'),
  daily_ratio: figureSchema('Part of the target to be reached once on each day'),
  least_ratio: figureSchema('Part of the target below which no trials of two days may be'),
})
export const standardSchema = z.object({
  id: z.string(),
  title: textSchema,
  source: textSchema.describe('The document that the figures come from.'),
  threshold_ratio: z.number().describe('Part of the target at which a test meets it.'),
  asked_ratio: z.number().describe('Part of the target that the rule wants of a trial, or of their mean.'),
  directions: z.array(directionSchema),
  rule: ruleSchema,
})

export const siteListSchema = z.object({
  district: districtSchema,
  simulated: z.boolean().describe('True: all data are made up.'),
  standard: standardSchema,
  generated_at: timeSchema,
  total: z.int().describe('Sites that pass the filter, on all pages.'),
  summary: summarySchema.describe('Over all sites that pass the filter.'),
  sites: z.array(siteSchema),
})

export const agentSchema = z.object({
  id: z.string(),
  site: z.string().nullable(),
  role: z.enum(agentRoles).nullable().describe('`terminal`: runs on a device; it does not speak for its site.'),
  registered: z.boolean(),
  presence: presenceSchema,
  version: z.string().nullable(),
  boot: z.string().nullable(),
  revision: z.string().nullable().describe('Revision of the configuration that it runs.'),
  wanted_revision: z.string().nullable().describe('Revision that the registry holds for it.'),
  refused: z.object({ revision: z.string(), reason: z.string() }).nullable().describe('Configuration it did not take.'),
  gaps: z
    .array(z.object({ from: timeSchema, to: timeSchema, batches_count: z.int(), reason: z.string() }))
    .describe('Measurements that were dropped before they could be delivered.'),
  quarantined: z
    .object({ batches_count: z.int(), bytes: z.int(), since: timeSchema })
    .nullable()
    .describe('What is kept of an agent that is not registered.'),
})

const ratioSchema = z.number().nullable().describe('Share of the expected time; null when nothing was expected.')
const sinceSchema = timeSchema.nullable()

const deviceSchema = placeSchema.extend({
  kind: z.enum(terminalKinds),
  expectation: z.enum(expectations).describe('When it should be on.'),
  expected: z.boolean().describe('Whether it should be on now, by the calendar of the school.'),
  state: z
    .enum(deviceStates)
    .describe(
      '`off`: silent when nobody expects it. `unknown`: nothing can be said, as with a gateway that is cut off.',
    ),
  reason: z.enum([...stretchReasons, 'never_seen', 'no_address']).describe('What the state comes from.'),
  since: sinceSchema,
  since_at_least: z.boolean().describe('True: since then or longer; nothing is known before.'),
  answered_at: sinceSchema.describe('When it answered last, as far as was looked back.'),
  fault: z
    .object({ reason: z.enum(faultReasons), since: timeSchema })
    .nullable()
    .describe('Lasts until it answers again, through nights and holidays too.'),
  availability_ratio: ratioSchema,
  latest: sampleSchema.nullable(),
  tells: z
    .object({ time: timeSchema, fields: z.record(z.string(), z.number().nullable()) })
    .nullable()
    .describe('Newest of what it tells of itself by SNMP, PJLink or an agent of its own (measurement `device`).'),
  care: z
    .object({
      severity: z.enum(['error', 'warning']),
      told_at: timeSchema,
      fault_part: z.int().nullable().describe('Code of `fault_part` of the measurement `device`.'),
      supply_left_ratio: z.number().nullable(),
      lamp_seconds: z.number().nullable(),
    })
    .nullable()
    .describe('What it asks for itself: a lamp, a filter, toner. Of one that is off, what it told last.'),
})

const deviceCounts = Object.fromEntries(
  ['terminals', ...deviceStates, 'faults'].map((name) => [`${name}_count`, z.int()]),
) as Record<`${'terminals' | DeviceState | 'faults'}_count`, z.ZodInt>

const roomSchema = placeSchema.extend({
  ...deviceCounts,
  state: z.enum([...deviceStates, 'none']).describe('`up`: a display and a computer work. `none`: not a classroom.'),
  reason: z.enum(['works', 'devices', 'not_equipped', 'not_judged']),
  roles: z.array(z.enum(roles)).describe('What the state comes from where it is not `up`.'),
  causes: z.array(z.string()).describe('Ids of the devices that it comes from.'),
  since: sinceSchema,
  availability_ratio: ratioSchema,
  terminals: z.array(deviceSchema),
})

const terminalsSchema = z.object({
  ...deviceCounts,
  day: z.enum(['school', 'exam', 'free']).describe('What today is by the calendar of the school.'),
  availability_ratio: ratioSchema,
  availability_window: z.object({ from: timeSchema, to: timeSchema }),
  rooms: z.array(roomSchema),
})

const readinessSchema = z.object({
  state: z.enum(readinessStates).describe('Whether a live class can be held now, by the standard’s `live_class`.'),
  level: z.string().nullable().describe('The level that it was judged with: the farthest that is measured.'),
  reasons: z.array(z.enum(readinessReasons)).describe('What is wrong; empty when nothing is.'),
  degraded_level: z.string().nullable().describe('The first level that adds more delay, jitter or loss than it may.'),
  free_down_bps: z.number().nullable().describe('Link rate of the last test less what passes now.'),
  free_up_bps: z.number().nullable(),
  window_seconds: z.int().describe('How far back the path is looked at.'),
})

export const siteDetailSchema = siteSchema.omit({ latest: true, links: true, asked_ratio: true }).extend({
  district: districtSchema,
  simulated: z.boolean(),
  generated_at: timeSchema,
  standard: standardSchema,
  window: z.object({ from: timeSchema, to: timeSchema }).nullable(),
  readiness: readinessSchema,
  links: z.array(
    linkSchema.extend({ evidence: z.object({ down: z.array(evidenceSchema), up: z.array(evidenceSchema) }) }),
  ),
  latest: latestSchema.extend({
    service: z.array(sampleSchema),
    agent: z.array(sampleSchema),
    probe: z.array(sampleSchema),
  }),
  agents: z.array(agentSchema),
  services: z.array(placeSchema.extend({ url: z.string(), latest: sampleSchema.nullable() })),
  terminals: terminalsSchema,
})

export const healthSchema = z.object({
  ok: z.boolean(),
  version: z.string(),
  started_at: timeSchema,
  simulated: z.boolean(),
  parts: z.record(
    z.string(),
    z.object({
      ok: z.boolean(),
      problems: z.array(z.string()),
      facts: z.record(z.string(), z.union([z.number(), z.string()])),
    }),
  ),
})

/** Schemas that have a name of their own in the OpenAPI document, beside the answers. */
export const components: Readonly<Record<string, z.ZodType>> = {
  Text: textSchema,
  Place: placeSchema,
  Presence: presenceSchema,
  Evidence: evidenceSchema,
  DirectionVerdict: directionVerdictSchema,
  Link: linkSchema,
  Sample: sampleSchema,
  BandwidthSample: bandwidthSampleSchema,
  Site: siteSchema,
  Counts: countsSchema,
  Standard: standardSchema,
  Readiness: readinessSchema,
  Agent: agentSchema,
  Device: deviceSchema,
  Room: roomSchema,
  Terminals: terminalsSchema,
}

export type SiteDocument = z.input<typeof siteSchema>
export type SiteList = z.input<typeof siteListSchema>
export type SiteDetail = z.input<typeof siteDetailSchema>
export type DeviceDocument = z.input<typeof deviceSchema>
export type RoomDocument = z.input<typeof roomSchema>
export type TerminalsDocument = z.input<typeof terminalsSchema>
export type ReadinessDocument = z.input<typeof readinessSchema>
export type Summary = z.input<typeof summarySchema>
export type AgentDocument = z.input<typeof agentSchema>
export type EvidenceDocument = z.input<typeof evidenceSchema>
export type SampleDocument = z.input<typeof sampleSchema>
export type BandwidthSample = z.input<typeof bandwidthSampleSchema>
export type LinkDocument = z.input<typeof linkSchema>
export type DirectionDocument = z.input<typeof directionVerdictSchema>
export type PresenceDocument = z.input<typeof presenceSchema>
export type StandardDocument = z.input<typeof standardSchema>
export type HealthDocument = z.input<typeof healthSchema>
