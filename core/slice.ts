/** The slice of the registry that each agent gets: what to measure at its site. */
import { z } from 'zod'
import { scheduleSchema } from './calendar.ts'
import {
  addressSchema,
  idSchema,
  linkIdSchema,
  pathFields,
  serviceFields,
  terminalFields,
  terminalKinds,
  testpointFields,
} from './registry.ts'
import { directions } from './standard.ts'
import { maxSliceBytes } from './status.ts'

/** Most rows of a table that one agent takes. */
const sliceLimits = { links: 16, testpoints: 64, paths: 64, services: 64, terminals: 2000 } as const

/** What the collector publishes to one agent, retained. The agent checks it again: the network is not to be trusted. */
export const sliceSchema = z.object({
  v: z.literal(1),
  /** Digest of all the rest: equal slices have equal revisions, whichever collector made them. */
  revision: z.string().min(1).max(64),
  /** The device that the agent itself runs on; of agents with the role `terminal` only. */
  terminal: z.object({ id: idSchema, kind: z.enum(terminalKinds) }).optional(),
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
  terminals: z.array(z.object({ ...terminalFields, address: addressSchema })).max(sliceLimits.terminals),
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
