/**
 * The registry: what the district has (`district.yaml`).
 * Every row may carry `valid_from`: the same id again with a later date replaces the row from then on, so that a sample
 * is always told by the registry as it was at its own time.
 */
import { z } from 'zod'
import { serviceUrlSchema, testpointUrlSchema } from './address.ts'
import { idPattern } from './batch.ts'
import { calendarFields, type Expectation, expectations } from './calendar.ts'
import { type AgentRole, agentRoles, type TerminalKind, terminalKinds } from './kinds.ts'
import { categories, ruleSchema } from './standard.ts'
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
export const linkIdSchema = idSchema.max(54, 'the id of a link has at most 54 characters')

export const levels = ['site', 'district', 'city', 'province', 'internet'] as const
export { type AgentRole, agentRoles, type TerminalKind, terminalKinds }

const alwaysOn: readonly string[] = ['switch', 'ap', 'camera', 'server'] satisfies TerminalKind[]
/** When a device of a kind should be on, unless its row says otherwise. */
export function usualExpectation(kind: string): Expectation {
  return alwaysOn.includes(kind) ? 'always' : 'lessons'
}
const roomUses = ['classroom', 'other'] as const
const terminalUsers = ['classroom', 'teacher', 'office'] as const

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
export const pathFields = {
  id: idSchema.describe('Id of the target.'),
  level: z.enum(levels).describe('The level that the target stands for.'),
  host: z.string().min(1).max(253).describe('Host name or address.'),
  reflector: reflectorSchema
    .optional()
    .describe('STAMP reflector there (host, or host:port; 862 unless told): a testpoint has one at its own port.'),
}
export const serviceFields = {
  id: idSchema.describe('Id of the platform.'),
  url: serviceUrlSchema.describe('Page that is asked for.'),
}
export const terminalFields = {
  id: idSchema.describe('Id of the device.'),
  kind: z.enum(terminalKinds).describe('What it is.'),
  room: idSchema.default('none').describe('Room it stands in.'),
  tcp_ports: z
    .array(z.int().min(1).max(65_535))
    .max(4)
    .optional()
    .describe('Ports that prove it is on where ICMP is filtered; without it, those of its kind.'),
  snmp: idSchema.optional().describe('Name of the SNMP credentials in the agent’s own file; without it, no SNMP.'),
  pjlink: idSchema
    .optional()
    .describe('Name of the PJLink password in the agent’s own file, or `open` without one; without it, no PJLink.'),
}
export const addressSchema = z.string().min(1).max(253).describe('Host name or address.')
/** What the plan asks of the inventory, beside what is measured. */
const inventoryFields = {
  name: textSchema.optional(),
  expected: z
    .enum(expectations)
    .optional()
    .describe(
      'When it should be on; without it, `always` for switches, access points, cameras and servers, else `lessons`.',
    ),
  agent: agentIdSchema.optional().describe('Its own agent (role: terminal), where it has one.'),
  vendor: z.string().max(64).optional().describe('Maker.'),
  model: z.string().max(64).optional().describe('Model.'),
  serial: z.string().max(64).optional().describe('Serial number.'),
  mac: z
    .string()
    .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'not a MAC address such as 00:1a:2b:3c:4d:5e')
    .optional()
    .describe('Hardware address.'),
  purchase_year: z.int().min(1990).max(2100).optional().describe('Year of purchase.'),
  service_years: z.int().min(1).max(30).optional().describe('Service life; without it, that of its kind.'),
  user: z.enum(terminalUsers).default('classroom').describe('Who uses it: `teacher` counts as a teacher’s terminal.'),
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
        teachers: z.int().min(0).max(100_000).optional().describe('Teachers, for the share that has a terminal.'),
        rule: ruleSchema
          .optional()
          .describe('Rule of its own, such as that of its contract; without it, the standard’s.'),
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
        role: z
          .enum(agentRoles)
          .default('gateway')
          .describe(
            '`gateway` measures its site and speaks for it; `terminal` tells of the device that it runs on, which names it as its `agent`.',
          ),
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
        use: z
          .enum(roomUses)
          .default('classroom')
          .describe('Only a `classroom` counts in the share of classrooms that have a multimedia terminal.'),
        ...row,
      }),
    )
    .default([])
    .describe('Rooms.'),
  terminals: z
    .array(
      z.strictObject({
        ...terminalFields,
        address: addressSchema.optional().describe('Host name or address; without it, it is inventory only.'),
        site: idSchema.describe('Site that it stands in.'),
        ...inventoryFields,
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
        tcp_ports: z
          .partialRecord(z.enum(terminalKinds), z.array(z.int().min(1).max(65_535)).max(4))
          .default({})
          .describe('Ports that prove a device of a kind is on where ICMP is filtered.'),
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
  const ownAgents = new Set(rowsOf('terminals').map((r) => r['agent']))
  const known = { town: ids('towns'), site: ids('sites'), agent: ids('agents'), room: ids('rooms') }
  for (const table of Object.keys(tables) as (keyof Raw)[]) {
    const seen = new Set<string>()
    rowsOf(table).forEach((r, index) => {
      const at = (key: string, message: string) =>
        context.addIssue({ code: 'custom', path: [table, index, key], message })
      const key = `${String(r['id'])} ${String(r['valid_from'])}`
      if (seen.has(key)) at('id', `"${String(r['id'])}" stands twice; give the later row a valid_from`)
      seen.add(key)
      if (table === 'agents' && r['role'] === 'terminal' && !ownAgents.has(r['id']))
        at('role', `no device runs "${String(r['id'])}"; give its row of terminals agent: ${String(r['id'])}`)
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
