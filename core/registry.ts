/**
 * The registry: what the district has (`district.yaml`), and the slice of it that each agent gets.
 * Every row may carry `valid_from`: the same id again with a later date replaces the row from then on, so that a sample
 * is always told by the registry as it was at its own time.
 */
import { z } from 'zod'
import { serviceUrlSchema, testpointUrlSchema } from './address.ts'
import { idPattern } from './batch.ts'
import { calendarFields, scheduleSchema } from './calendar.ts'
import { categories, directions } from './standard.ts'
import { maxSliceBytes } from './status.ts'
import { rateSchema } from './units.ts'

export const idSchema = z
  .string()
  .regex(idPattern, 'an id has 1 to 64 letters, digits, or . _ : - and begins with a letter or digit')
/** Agents stand in MQTT topics, file names and certificates; the one stricter alphabet keeps them safe in all of them. */
export const agentIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{2,39}$/, 'an agent id has 3 to 40 lower-case letters, digits or hyphens')
  .refine((id) => id !== 'collector', 'the name "collector" is taken')

const textSchema = z
  .union([z.string().min(1), z.strictObject({ en: z.string(), zh: z.string() })])
  .transform((name) => (typeof name === 'string' ? { en: name, zh: name } : name))
  .describe('Name, or {en, zh}.')

/** A date or a time with zone. YAML 1.2 keeps both as strings. */
const momentSchema = z
  .string()
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text)),
    'not a date such as 2026-09-01 or 2026-09-01T08:00:00+08:00',
  )
  .transform((text) => Date.parse(text))

const row = {
  valid_from: momentSchema
    .optional()
    .describe('This row holds from then on (UTC midnight for a date); without it, always.'),
  retired: z.boolean().default(false).describe('Gone since valid_from.'),
}

/** Jobs of the agent are named after its links: `bandwidth-<link>` is an id as well. */
const linkIdSchema = idSchema.max(54, 'the id of a link has at most 54 characters')

export const levels = ['site', 'district', 'city', 'province', 'internet'] as const
export const terminalKinds = ['panel', 'pc', 'projector', 'printer', 'ap', 'switch', 'camera', 'server'] as const

/** Host, or host:port; an IPv6 address with a port stands in brackets. */
export const reflectorSchema = z
  .string()
  .max(259)
  .regex(
    /^(?:\[[0-9a-fA-F:.]+\](?::\d{1,5})?|[^\s:[\]]+(?::\d{1,5})?|[0-9a-fA-F:.]+)$/,
    'not a host such as 10.20.0.10 or 10.20.0.10:8422',
  )

/** Protocols that agents speak to testpoints. */
export const testpointTypes = ['librespeed', 'ndt7', 'iperf3'] as const
export const testpointFields = {
  id: idSchema.describe('Id of the testpoint.'),
  level: z.enum(levels).default('district').describe('Where it stands.'),
  type: z.enum(testpointTypes).default('librespeed').describe('Protocol it speaks.'),
  url: testpointUrlSchema.describe('Its address.'),
  priority: z.int().min(0).max(100).default(0).describe('Lowest first; the next one confirms a `below` or stands in.'),
}
const pathFields = {
  id: idSchema.describe('Id of the target.'),
  level: z.enum(levels).describe('The level that the target stands for.'),
  host: z.string().min(1).max(253).describe('Host name or address.'),
  reflector: reflectorSchema
    .optional()
    .describe('STAMP reflector there (host, or host:port; 862 unless told): a testpoint has one at its own port.'),
}
const serviceFields = {
  id: idSchema.describe('Id of the platform.'),
  url: serviceUrlSchema.describe('Page that is asked for.'),
}
const terminalFields = {
  id: idSchema.describe('Id of the device.'),
  kind: z.enum(terminalKinds).describe('What it is.'),
  room: idSchema.default('none').describe('Room it stands in.'),
  address: z.string().min(1).max(253).describe('Host name or address.'),
}
const targetSchema = rateSchema.refine((bps) => bps > 0, 'a target is more than 0')
const forSites = { sites: z.array(idSchema).optional().describe('Only for these sites; without it, for all.') }

const tables = {
  towns: z
    .array(z.strictObject({ id: idSchema.describe('Id of the township.'), name: textSchema, ...row }))
    .default([])
    .describe('Townships.'),
  sites: z
    .array(
      z.strictObject({
        id: idSchema.describe('Id of the site.'),
        name: textSchema,
        town: idSchema.describe('Id of its town.'),
        category: z.enum(categories).describe('Kind of school; decides the target.'),
        location: z
          .tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)])
          .optional()
          .describe('[latitude, longitude], WGS 84.'),
        ...row,
      }),
    )
    .default([])
    .describe('Schools.'),
  agents: z
    .array(
      z.strictObject({
        id: agentIdSchema.describe('Id of the agent: also its user name and certificate name.'),
        site: idSchema.describe('Site that it measures.'),
        ...row,
      }),
    )
    .default([])
    .describe('Agents. One that is not here is quarantined.'),
  links: z
    .array(
      z.strictObject({
        id: linkIdSchema.describe('Id of the link.'),
        site: idSchema.describe('Site that it connects.'),
        agent: agentIdSchema.optional().describe('Agent that measures it; without it, every agent of the site.'),
        name: textSchema.optional(),
        carrier: z.string().optional().describe('Who provides it.'),
        target_down_bps: targetSchema
          .optional()
          .describe('Contract of its own; the larger of it and the standard holds.'),
        target_up_bps: targetSchema.optional().describe('The same for upload; without it, the download target.'),
        ...row,
      }),
    )
    .default([])
    .describe('WAN links. A site without a row has one link named `wan`.'),
  testpoints: z
    .array(z.strictObject({ ...testpointFields, name: textSchema.optional(), ...forSites }))
    .default([])
    .describe('Servers to test bandwidth against.'),
  paths: z
    .array(z.strictObject({ ...pathFields, name: textSchema.optional(), ...forSites }))
    .default([])
    .describe('Targets of path quality, one or more a level.'),
  services: z
    .array(z.strictObject({ ...serviceFields, name: textSchema.optional(), ...forSites }))
    .default([])
    .describe('Teaching platforms to watch.'),
  calendars: z
    .array(
      z.strictObject({
        id: idSchema.describe('Id of the calendar.'),
        ...forSites,
        categories: z.array(z.enum(categories)).optional().describe('Only for these kinds of schools.'),
        ...calendarFields,
      }),
    )
    .default([])
    .describe('School calendars. One that names the site holds, else one that names its category, else one for all.'),
  rooms: z
    .array(
      z.strictObject({
        id: idSchema.describe('Id of the room.'),
        site: idSchema.describe('Site that it belongs to.'),
        name: textSchema,
        ...row,
      }),
    )
    .default([])
    .describe('Rooms.'),
  terminals: z
    .array(
      z.strictObject({
        ...terminalFields,
        site: idSchema.describe('Site that it stands in.'),
        name: textSchema.optional(),
        ...row,
      }),
    )
    .default([])
    .describe('Classroom devices.'),
}

export const registrySchema = z
  .strictObject({
    district: z
      .strictObject({
        id: idSchema.describe('Id of the district, a level of every topic.'),
        name: textSchema,
        timezone: z
          .string()
          .default('Asia/Shanghai')
          .refine(isTimeZone, 'not an IANA time zone such as Asia/Shanghai')
          .describe('Days and windows are counted in it.'),
        standard: idSchema.optional().describe('Standard to judge by; without it, the first of standards.yaml.'),
        trials_per_day: z.int().min(0).max(24).default(3).describe('Bandwidth tests a day and link.'),
        simulated: z.boolean().default(false).describe('Marks a made-up district wherever it shows.'),
      })
      .describe('The district itself.'),
    ...tables,
  })
  // Also when a row has faults of its own: all problems are told at once.
  .superRefine(checkReferences, { when: () => true })
export type RegistryData = z.output<typeof registrySchema>

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

type Raw = { [K in keyof typeof tables]: readonly Record<string, unknown>[] }

function checkReferences(data: Raw, context: z.RefinementCtx): void {
  const rowsOf = (table: keyof Raw): readonly Record<string, unknown>[] => {
    const rows: unknown = data[table]
    return Array.isArray(rows) ? rows.map((r: unknown) => (typeof r === 'object' && r !== null ? { ...r } : {})) : []
  }
  const ids = (table: keyof Raw) => new Set(rowsOf(table).map((r) => r['id']))
  const known = { town: ids('towns'), site: ids('sites'), agent: ids('agents'), room: ids('rooms') }
  for (const table of Object.keys(tables) as (keyof Raw)[]) {
    const seen = new Set<string>()
    rowsOf(table).forEach((r, index) => {
      const at = (key: string, message: string) =>
        context.addIssue({ code: 'custom', path: [table, index, key], message })
      const key = `${String(r['id'])} ${String(r['valid_from'])}`
      if (seen.has(key)) at('id', `"${String(r['id'])}" stands twice; give the later row a valid_from`)
      seen.add(key)
      for (const [reference, targets] of Object.entries(known)) {
        const value = r[reference]
        const free = reference === 'room' && (value === 'none' || known.room.size === 0)
        if (typeof value === 'string' && !free && !targets.has(value))
          at(reference, `no ${reference} "${value}" in this file`)
      }
      for (const site of Array.isArray(r['sites']) ? (r['sites'] as string[]) : [])
        if (!known.site.has(site)) at('sites', `no site "${site}" in this file`)
    })
  }
}

/** Most rows of a table that one agent takes. */
const sliceLimits = { links: 16, testpoints: 64, paths: 64, services: 64, terminals: 2000 } as const

/** What the collector publishes to one agent, retained. The agent checks it again: the network is not to be trusted. */
export const sliceSchema = z.object({
  v: z.literal(1),
  /** Digest of all the rest: equal slices have equal revisions, whichever collector made them. */
  revision: z.string().min(1).max(64),
  site: z.object({ id: idSchema, name: z.object({ en: z.string(), zh: z.string() }) }),
  /** For people. An agent goes by the offsets in `schedule`: to look a zone up costs it 8 MB of ICU data. */
  timezone: z.string().min(1).max(64),
  /** When no bandwidth test may run. Collectors of before leave it out. */
  schedule: scheduleSchema.optional(),
  threshold_ratio: z.number().min(0.5).max(1),
  trials_per_day: z.int().min(0).max(24),
  links: z
    .array(
      z.object({
        id: linkIdSchema,
        targets: z
          .array(z.object({ direction: z.enum(directions), target_bps: z.number().positive() }))
          .min(1)
          .max(2),
      }),
    )
    .max(sliceLimits.links),
  testpoints: z.array(z.object(testpointFields)).max(sliceLimits.testpoints),
  paths: z.array(z.object(pathFields)).max(sliceLimits.paths),
  services: z.array(z.object(serviceFields)).max(sliceLimits.services),
  terminals: z.array(z.object(terminalFields)).max(sliceLimits.terminals),
})
export type Slice = z.output<typeof sliceSchema>

/** Why an agent would refuse a slice, for whoever keeps the registry; undefined when it would take it. */
export function sliceProblem(slice: Slice): string | undefined {
  for (const table of Object.keys(sliceLimits) as (keyof typeof sliceLimits)[]) {
    const { length } = slice[table]
    if (length > sliceLimits[table]) return `${length} ${table}; an agent takes at most ${sliceLimits[table]}`
  }
  const bytes = Buffer.byteLength(JSON.stringify(slice))
  if (bytes > maxSliceBytes) return `its configuration has ${bytes} bytes; an agent takes at most ${maxSliceBytes}`
  const { error } = sliceSchema.safeParse(slice)
  return error && z.prettifyError(error)
}
