import { z } from 'zod'
import { rangeSchema } from '../../core/address.ts'
import type { Sample } from '../../core/catalog.ts'
import { idSchema, levels } from '../../core/registry.ts'
import { defineProbe } from '../probe.ts'
import { sweep } from '../ping/sweep.ts'
import { rangeRefused, resolveAll } from '../resolve.ts'
import { summaryOf } from './path/statistics.ts'

const target = z.strictObject({
  id: idSchema.describe('Id of the target.'),
  level: z.enum(levels).describe('The level of the network that it stands for.'),
  host: z.string().min(1).max(253).describe('Host name or address.'),
})
const config = z.strictObject({
  targets: z
    .array(target)
    .min(1)
    .max(64)
    .refine((targets) => new Set(targets.map(({ id }) => id)).size === targets.length, 'two targets have the same id')
    .describe('Hosts to send echo requests to.'),
  packet_count: z.int().min(1).max(1000).default(10).describe('Echo requests to each target in a run.'),
  spacing_seconds: z.number().min(0.01).max(10).default(0.5).describe('Time between two requests to one target.'),
  timeout_seconds: z.number().min(0.1).max(10).default(1).describe('A reply that takes longer is lost.'),
  allowed_ranges: z
    .array(rangeSchema)
    .optional()
    .describe('Address ranges (CIDR) that may be probed; without it, all.'),
})
type Target = z.output<typeof target>

export const path = defineProbe({
  type: 'path',
  description: 'Round-trip time, jitter and loss to each level of the network, by fping or the system’s own ping.',
  config,
  link: 'quiet',
  async run(settings, context) {
    const { log, signal } = context
    const { found, unresolved, refused } = await resolveAll(settings.targets, settings.allowed_ranges, signal)
    for (const { target, reason } of unresolved)
      log.debug({ target: target.id, host: target.host, reason }, 'A name has no address.')
    for (const { target, address } of refused)
      log.debug({ target: target.id, address }, 'A target is outside the allowed ranges.')
    if (refused.length === settings.targets.length) throw rangeRefused('target', refused)

    const addresses = [...new Set(found.map(({ address }) => address))]
    const options = {
      count: settings.packet_count,
      spacingSeconds: settings.spacing_seconds,
      timeoutSeconds: settings.timeout_seconds,
    }
    const echoes = addresses.length > 0 ? await sweep(addresses, options, context) : new Map()
    return [
      ...found.map(({ target, address }) => sampleOf(target, echoes.get(address))),
      ...unresolved.map(({ target }) => sampleOf(target, [])),
    ]
  },
})

function sampleOf({ id, level }: Target, times: readonly (number | null)[] = []): Sample {
  return { measurement: 'path', tags: { level, target: id }, fields: summaryOf(times) }
}
