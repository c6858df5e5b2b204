/** What vendors tell in MIBs of their own: one YAML file each in profiles/, and nothing about them in code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Value } from './client.ts'
import { numberOf, type Reader } from './reader.ts'

const oid = z.string().regex(/^1(\.\d+)+$/, 'not an OID such as 1.3.6.1.2.1.1.1.0')
const pattern = z.string().transform((text) => new RegExp(text, 'i'))

/** One way to a figure: a value, columns of a table, or the free part of a whole. */
const readingSchema = z
  .strictObject({
    get: oid.optional(),
    columns: z.array(oid).min(1).max(4).optional(),
    total: oid.optional(),
    free: oid.optional(),
    take: z.enum(['max', 'min', 'sum', 'mean', 'count']).default('max'),
    /** Rows that count, by their value. */
    equals: z.array(z.number()).optional(),
    /** Values that mean unknown. */
    ignore: z.array(z.number()).default([]),
    /** To base units. */
    scale: z.number().positive().default(1),
  })
  .refine(
    ({ get, columns, total, free }) =>
      [get, columns, total].filter((one) => one !== undefined).length === 1 &&
      (total === undefined) === (free === undefined),
    'one of get, columns, or total and free',
  )
type Reading = z.output<typeof readingSchema>

const fieldNames = [
  'cpu_ratio',
  'memory_used_ratio',
  'temperature_celsius',
  'clients_count',
  'access_points_count',
  'access_points_up_count',
  'lamp_seconds',
] as const
export type ProfileField = (typeof fieldNames)[number]
export type Figures = { [F in ProfileField]?: number }

const profileSchema = z.strictObject({
  vendor: z.string().min(1),
  match: z.strictObject({
    /** Prefixes of sysObjectID. */
    object_ids: z.array(oid).default([]),
    /** Of sysDescr. They go before object_ids: many devices run net-snmp and bear its id. */
    descriptions: z.array(pattern).default([]),
  }),
  /** Names of ports that are none, although they say so. */
  ignore_ports: pattern.optional(),
  /** The first reading that gives a figure counts. */
  fields: z.partialRecord(z.enum(fieldNames), z.array(readingSchema).min(1)).default({}),
})
export type Profile = z.output<typeof profileSchema>

export const profilesFolder = join(import.meta.dirname, 'profiles')

/** Reads all profiles of a folder. Throws for one that is wrong. */
export function loadProfiles(folder = profilesFolder): Profile[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => profileSchema.parse(parse(readFileSync(join(folder, file), 'utf8'))))
}

/** The profile of a device: by what it writes of itself, else by the longest id that fits. */
export function profileOf(profiles: readonly Profile[], objectId: string, description: string): Profile | undefined {
  const byText = profiles.find(({ match }) => match.descriptions.some((one) => one.test(description)))
  if (byText !== undefined) return byText
  const fit = ({ match }: Profile) =>
    Math.max(0, ...match.object_ids.filter((id) => `${objectId}.`.startsWith(`${id}.`)).map((id) => id.length))
  return profiles.filter((one) => fit(one) > 0).sort((a, b) => fit(b) - fit(a))[0]
}

/** The figures of a profile that a device has. */
export async function readProfile(reader: Reader, profile: Profile): Promise<Figures> {
  const figures: Figures = {}
  for (const name of fieldNames) {
    for (const reading of profile.fields[name] ?? []) {
      const figure = plausible(name, await readFigure(reader, reading))
      if (figure === undefined) continue
      figures[name] = figure
      break
    }
  }
  return figures
}

async function readFigure(reader: Reader, reading: Reading): Promise<number | undefined> {
  const { get, columns, total, free, ignore, scale } = reading
  const known = (value: Value | undefined) => {
    const figure = numberOf(value)
    return figure === undefined || ignore.includes(figure) ? undefined : figure
  }
  if (total !== undefined && free !== undefined) {
    const values = await reader.values([total, free])
    const [whole, rest] = [known(values.get(total)), known(values.get(free))]
    return whole === undefined || rest === undefined || whole <= 0 ? undefined : 1 - rest / whole
  }
  if (get !== undefined) {
    const figure = known((await reader.values([get])).get(get))
    return figure === undefined ? undefined : figure * scale
  }
  // Rows that are counted come and go with what they stand for: all are kept.
  const isUseful = reading.take === 'count' ? undefined : (value: Value) => known(value) !== undefined
  const table = await reader.columns(columns ?? [], isUseful)
  const cells = [...table.values()].flatMap((rows) => [...rows.values()])
  const figure = taken(reading, cells, known)
  return figure === undefined ? undefined : figure * scale
}

function taken(
  { take, equals }: Reading,
  cells: readonly Value[],
  known: (value: Value) => number | undefined,
): number | undefined {
  // Of a table that is not there nothing is known, not even that it counts none.
  if (cells.length === 0) return undefined
  const figures = cells.flatMap((cell) => known(cell) ?? [])
  const sum = () => figures.reduce((total, figure) => total + figure, 0)
  switch (take) {
    case 'count':
      return equals === undefined ? cells.length : figures.filter((figure) => equals.includes(figure)).length
    case 'sum':
      return sum()
    case 'mean':
      return figures.length === 0 ? undefined : sum() / figures.length
    case 'min':
      return figures.length === 0 ? undefined : Math.min(...figures)
    case 'max':
      return figures.length === 0 ? undefined : Math.max(...figures)
  }
}

/** What a field can be at all: a table of another firmware may hold something else at the same place. */
function plausible(name: ProfileField, figure: number | undefined): number | undefined {
  if (figure === undefined || !Number.isFinite(figure)) return undefined
  const [least, most] = name.endsWith('_ratio') ? [0, 1] : name === 'temperature_celsius' ? [-40, 150] : [0, 1e9]
  return figure >= least && figure <= most ? figure : undefined
}
