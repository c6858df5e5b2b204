/** Configuration of a bandwidth test: what a link must carry, and what the test may cost. */
import { z } from 'zod'
import { triggers } from '../../core/catalog.ts'
import { addressSchema, idSchema, testpointFields } from '../../core/registry.ts'
import { directions } from '../../core/standard.ts'
import { rateSchema, sizeSchema } from '../../core/units.ts'
import { credentialsSchema } from '../snmp/credentials.ts'

export const bandwidthSchema = z.strictObject({
  link: idSchema.default('wan').describe('Link that is tested.'),
  interface: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Its WAN interface, whose counters are read; without it, the one that the testpoint is reached through.'),
  gateway: z
    .strictObject({
      address: addressSchema,
      interface: z.string().min(1).max(255).describe('Its WAN interface, by the name that it gives it.'),
      credentials: credentialsSchema.describe('What opens it by SNMP.'),
    })
    .optional()
    .describe('The gateway whose WAN counters are read, where this host stands behind it.'),
  interface_rate_bps: rateSchema.optional().describe('Its speed, where the system does not know it.'),
  targets: z
    .array(
      z.strictObject({
        direction: z.enum(directions).describe('down or up.'),
        target_bps: rateSchema.describe('What the link must carry.'),
      }),
    )
    .min(1)
    .max(2)
    .describe('Directions to test, in this order.'),
  threshold_ratio: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.95)
    .describe('Share of the target, at the Ethernet layer, that meets it.'),
  confidence_ratio: z.number().min(0.9).max(0.99999).default(0.999).describe('Confidence of a verdict, each side.'),
  tolerance_ratio: z.number().min(0).max(0.05).default(0.005).describe('Uncertainty beyond the statistical one.'),
  testpoints: z.array(z.strictObject(testpointFields)).min(1).max(64).describe('Servers to test against.'),
  streams: z.int().min(1).max(16).default(6).describe('Connections at a time.'),
  max_bytes: sizeSchema
    .optional()
    .describe('Most bytes a direction may use; without it, six seconds at the target, and at least 4 MB.'),
  monthly_bytes: sizeSchema
    .optional()
    .describe('Most bytes tests of this link may use in a month; without it, 5 GB and 400 s at the target.'),
  max_seconds: z.number().min(1).max(30).default(10).describe('Longest time a direction may take.'),
  max_wait_seconds: z.number().min(0).max(3600).default(300).describe('Longest wait for a testpoint that is busy.'),
  trigger: z
    .enum(Object.keys(triggers) as [keyof typeof triggers, ...(keyof typeof triggers)[]])
    .default('scheduled')
    .describe('What started it.'),
  confirm: z.boolean().default(true).describe('Test a result below the target again before it counts.'),
  state_file: z.string().min(1).optional().describe('Where the bytes used this month are kept.'),
})
export type BandwidthConfig = z.output<typeof bandwidthSchema>
export type Target = BandwidthConfig['targets'][number]
export type TestpointTarget = BandwidthConfig['testpoints'][number]

/** Seconds at the target rate that a test may cost unless told otherwise; a marginal line takes that, others far less. */
const defaultCapSeconds = 6
/** Behind a gateway a line below its target is accused by 30 s of slow counters only; one at its target is proven as ever. */
const gatewayCapSeconds = 50

/** What the kernels of both ends hold of a test that was stopped, some 100 kB measured, is less than 5 % of this. */
const leastCapBytes = 4e6

/** Most bytes that a test of `targetBps` may use. */
export function byteCapOf(config: BandwidthConfig, targetBps: number): number {
  const seconds = config.gateway === undefined ? defaultCapSeconds : gatewayCapSeconds
  return config.max_bytes ?? Math.max(leastCapBytes, Math.round((targetBps / 8) * seconds))
}
