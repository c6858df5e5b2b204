/** What opens a device: from the agent's own file, never from the centre. */
import { z } from 'zod'
import { idSchema } from '../../core/registry.ts'

const versions = { '1': '1', '2': '2c', '2c': '2c', '3': '3' } as const
type Version = (typeof versions)[keyof typeof versions]
const authProtocols = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const
const privProtocols = ['des', 'aes', 'aes256b', 'aes256r'] as const
const securityLevels = ['noAuthNoPriv', 'authNoPriv', 'authPriv'] as const

// RFC 3414 §11.2: a shorter one is refused by devices, too.
const keySchema = z.string().min(8, 'a key has at least 8 characters').max(255)

export const credentialsSchema = z
  .strictObject({
    version: z
      .enum(['1', '2', '2c', '3'])
      // YAML reads 1 and 3 as numbers.
      .or(z.union([z.literal(1), z.literal(2), z.literal(3)]))
      .transform((version): Version => versions[`${version}`])
      .default('2c')
      .describe('Version of SNMP: 1, 2c or 3. Version 1 has no 64-bit counters.'),
    community: z.string().min(1).max(255).optional().describe('Of versions 1 and 2c.'),
    user: z.string().min(1).max(32).optional().describe('Of version 3.'),
    level: z.enum(securityLevels).optional().describe('Of version 3; without it, what the keys that are given allow.'),
    auth_protocol: z.enum(authProtocols).default('sha').describe('Of version 3.'),
    auth_key: keySchema.optional().describe('Of version 3.'),
    priv_protocol: z.enum(privProtocols).default('aes').describe('Of version 3.'),
    priv_key: keySchema.optional().describe('Of version 3.'),
    context: z.string().max(255).default('').describe('Of version 3; most devices have none.'),
    port: z.int().min(1).max(65_535).default(161).describe('UDP port of the devices.'),
    timeout_seconds: z.number().min(0.1).max(30).default(2).describe('A reply that takes longer is asked for again.'),
    retries: z.int().min(0).max(5).default(1).describe('How often.'),
  })
  .superRefine((one, context) => {
    const need = (key: 'community' | 'user' | 'auth_key' | 'priv_key', why: string) => {
      if (one[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: `missing; ${why} needs it` })
    }
    if (one.version !== '3') return need('community', `version ${one.version}`)
    need('user', 'version 3')
    if (one.level === 'authNoPriv' || one.level === 'authPriv') need('auth_key', `level ${one.level}`)
    if (one.level === 'authPriv') need('priv_key', 'level authPriv')
    if (one.priv_key !== undefined) need('auth_key', 'a priv_key')
  })
export type SnmpCredentials = z.output<typeof credentialsSchema>

/** All that an agent has, by the names that the registry's rows use. */
export const snmpSchema = z.record(idSchema, credentialsSchema)
