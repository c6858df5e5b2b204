/** Configuration of a testpoint (`testpoint.yaml`). */
import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { rateSchema, sizeSchema } from '../core/units.ts'

/** Who may use a testpoint unless told otherwise: private and shared address space, and this host (RFC 1918, 6598, 4193). */
const privateRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
]

const rangeSchema = z
  .string()
  .refine((range) => parseRange(range) !== undefined, 'not an address range such as 10.20.0.0/16')

export const testpointSchema = z.strictObject({
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on; this host only unless changed.'),
      port: z.int().min(0).max(65_535).default(8422).describe('TCP port.'),
    })
    .prefault({})
    .describe('Where it listens.'),
  reflector_port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('UDP port of the STAMP reflector; without it, the number of the TCP port. 862 is the registered one.'),
  capacity_bps: rateSchema
    .default(1e9)
    .describe('What it can carry each way; tests together never get more than this.'),
  allowed_ranges: z
    .array(rangeSchema)
    .min(1)
    .default(privateRanges)
    .describe(
      'Addresses that may use it. Anyone else is refused: a testpoint open to all is a source of traffic floods.',
    ),
  unadmitted: z
    .enum(['limit', 'refuse'])
    .default('limit')
    .describe('Transfers without a lease (browsers, other agents) get what leases leave over, or nothing.'),
  daily_bytes: sizeSchema.optional().describe('Bytes a day, both ways together; without it, no limit.'),
  daily_client_bytes: sizeSchema.optional().describe('The same for one address.'),
  max_connections: z.int().min(1).max(100_000).default(512).describe('Connections at a time.'),
  max_client_connections: z.int().min(1).max(100_000).default(48).describe('Connections of one address at a time.'),
  max_client_leases: z
    .int()
    .min(1)
    .max(256)
    .default(2)
    .describe('Tests of one address at a time, and as many that wait; more where several schools share one.'),
  max_client_packets_per_second: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(2000)
    .describe('STAMP packets of one address that are reflected; a test sends 200 for a second. More looks like loss.'),
  max_packets_per_second: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('The same for all addresses together.'),
  idle_timeout_seconds: z.number().min(1).max(600).default(15).describe('Silence after which a connection is closed.'),
  max_transfer_seconds: z.number().min(1).max(600).default(60).describe('Longest time one request may take.'),
})
export type TestpointConfig = z.output<typeof testpointSchema>

type Range = { address: string; prefix: number; family: 'ipv4' | 'ipv6' }

function parseRange(text: string): Range | undefined {
  const [address = '', prefix = ''] = text.split('/')
  const version = isIP(address)
  if (version === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return undefined
  return { address, prefix: Number(prefix), family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** A check of addresses against ranges. IPv4 addresses mapped into IPv6 count as IPv4. */
export function createAddressFilter(ranges: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const { address, prefix, family } of ranges.flatMap((range) => parseRange(range) ?? [])) {
    list.addSubnet(address, prefix, family)
  }
  return (address) => {
    const plain = plainAddress(address)
    return plain !== '' && list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6')
  }
}

/** An address without zone and without the IPv6 mapping of an IPv4 one. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
}
