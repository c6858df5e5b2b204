/** What the plan asks of the inventory: of the district with each of its schools, and of one school. */
import { z } from 'zod'
import { idSchema, terminalKinds } from '../../../core/registry.ts'
import { type Ages, type InventoryFacts, inventoryOf, type Seen, unseen, usualServiceYears } from '../../inventory.ts'
import { dayMs } from '../../local-time.ts'
import type { BoardContext } from '../context.ts'
import { districtDocument } from '../documents.ts'
import { isoOf } from '../presence.ts'
import { defineRoute } from '../route.ts'
import { timeSchema } from '../schemas.ts'
import { knownSite } from './sites.ts'

/** A device that has not answered in so long counts as never seen. */
const lookBackDays = 30
/** The same of `snmp` and `pjlink` (core/catalog.ts). */
const noAnswer = 1

const agesSchema = z.object({
  devices_count: z.int(),
  year_known_count: z.int().describe('Devices with a purchase year; ages and service life are of these.'),
  mean_age_years: z.number().nullable(),
  past_service_count: z.int().describe('Devices past their service life.'),
  past_service_ratio: z.number().nullable(),
  never_seen_count: z
    .int()
    .nullable()
    .describe(`Devices that could be reached and have not answered in ${lookBackDays} days; null over all schools.`),
})
const factsSchema = agesSchema.extend({
  kinds: z.array(agesSchema.extend({ kind: z.enum(terminalKinds) })),
  classrooms_count: z.int(),
  equipped_classrooms_count: z.int().describe('Classrooms with a panel, or a projector and a computer.'),
  equipped_ratio: z.number().nullable(),
  teacher_terminals_count: z.int(),
  teachers_count: z.int().nullable().describe('Null where no school tells how many it has.'),
  teacher_terminals_ratio: z
    .number()
    .nullable()
    .describe('Teacher terminals ÷ teachers, of the schools that tell how many they have.'),
})
const serviceYearsSchema = z
  .record(z.enum(terminalKinds), z.int())
  .describe('Service life of a kind where a device does not say.')
const siteInventorySchema = z.object({
  site: z.string(),
  generated_at: timeSchema,
  service_years: serviceYearsSchema,
  inventory: factsSchema,
  never_seen: z.array(z.object({ id: z.string(), kind: z.enum(terminalKinds), room: z.string() })),
})
export type SiteInventory = z.input<typeof siteInventorySchema>

export const inventory = defineRoute({
  path: '/api/v1/inventory',
  summary: 'Inventory of the district and of each school: kinds, ages, service life, classrooms, teacher terminals.',
  response: {
    name: 'Inventory',
    schema: z.object({
      district: z.object({ id: z.string(), name: z.object({ en: z.string(), zh: z.string() }), timezone: z.string() }),
      simulated: z.boolean(),
      generated_at: timeSchema,
      service_years: serviceYearsSchema,
      inventory: factsSchema,
      sites: z.array(z.object({ id: z.string(), inventory: factsSchema })),
    }),
  },
  handle: (context) => {
    const time = context.now()
    const registry = context.registry()
    const sites = registry.sites(time)
    return {
      district: districtDocument(registry),
      simulated: context.simulated(),
      generated_at: isoOf(time),
      service_years: usualServiceYears,
      inventory: factsDocument(inventoryOf(registry, sites, time)),
      sites: sites.map((site) => ({ id: site.id, inventory: factsDocument(inventoryOf(registry, [site], time)) })),
    }
  },
})

export const siteInventory = defineRoute({
  path: '/api/v1/sites/{id}/inventory',
  summary: 'Inventory of one school, and its devices that were never seen.',
  params: z.object({ id: idSchema.describe('Id of the site.') }),
  response: { name: 'SiteInventory', schema: siteInventorySchema },
  errors: { 404: 'There is no such site.' },
  handle: async (context, { params }) => {
    const time = context.now()
    const registry = context.registry()
    const site = knownSite(registry, params.id, time)
    const seen = await seenAt(context, site.id, time)
    return {
      site: site.id,
      generated_at: isoOf(time),
      service_years: usualServiceYears,
      inventory: factsDocument(inventoryOf(registry, [site], time, seen)),
      never_seen: unseen(registry.terminalsOf(site.id, time), seen).map(({ id, kind, room }) => ({ id, kind, room })),
    }
  },
})

/** What in the store shows that a device answered somebody. One that refuses a key or a password is there. */
const signs = [
  { measurement: 'terminal', field: 'up', aggregate: 'max', shows: (up: number) => up === 1 },
  { measurement: 'device', field: 'snmp', aggregate: 'min', shows: (code: number) => code === 0 },
  { measurement: 'device', field: 'snmp', aggregate: 'max', shows: (code: number) => code > noAnswer },
  { measurement: 'device', field: 'pjlink', aggregate: 'min', shows: (code: number) => code === 0 },
  { measurement: 'device', field: 'pjlink', aggregate: 'max', shows: (code: number) => code > noAnswer },
  // Told by its own agent.
  { measurement: 'device', field: 'uptime_seconds', aggregate: 'max', shows: () => true },
] as const

async function seenAt({ store, fleet }: BoardContext, site: string, time: number): Promise<Seen> {
  const wide = { match: { site }, from: time - lookBackDays * dayMs, to: time + 1, by: ['terminal'] }
  const everySeconds = (lookBackDays * dayMs) / 1000
  const found = await Promise.all(
    signs.map(async ({ shows, ...asked }) => {
      const series = await store.range({ ...wide, ...asked, everySeconds })
      return series.flatMap(({ tags, points }) => (points.some(([, value]) => shows(value)) ? tags['terminal'] : []))
    }),
  )
  const answered = new Set(found.flat())
  return ({ id, agent }) => answered.has(id) || (agent !== undefined && fleet.state(agent).lastBatchAt !== undefined)
}

function agesDocument({ devices, yearKnown, meanAgeYears, pastService, pastServiceRatio, neverSeen }: Ages) {
  return {
    devices_count: devices,
    year_known_count: yearKnown,
    mean_age_years: meanAgeYears ?? null,
    past_service_count: pastService,
    past_service_ratio: pastServiceRatio ?? null,
    never_seen_count: neverSeen ?? null,
  }
}

function factsDocument(facts: InventoryFacts): z.input<typeof factsSchema> {
  return {
    ...agesDocument(facts),
    kinds: facts.kinds.map(({ kind, ...ages }) => ({ kind, ...agesDocument(ages) })),
    classrooms_count: facts.classrooms,
    equipped_classrooms_count: facts.equippedClassrooms,
    equipped_ratio: facts.equippedRatio ?? null,
    teacher_terminals_count: facts.teacherTerminals,
    teachers_count: facts.teachers ?? null,
    teacher_terminals_ratio: facts.teacherTerminalsRatio ?? null,
  }
}
