/** Schema of `agent.yaml`: the connection, the WAN interface, and the limits that nothing remote can raise. */
import { z } from 'zod'
import { brokerUrlSchema, rangeSchema } from '../core/address.ts'
import { addressSchema, agentIdSchema, agentRoles, idSchema } from '../core/registry.ts'
import { sizeSchema } from '../core/units.ts'
import { snmpSchema } from './snmp/credentials.ts'

const path = z.string().min(1)

function probeSchema(intervalSeconds: number, says: string) {
  return z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether it runs.'),
      interval_seconds: z.number().min(1).max(86_400).default(intervalSeconds).describe('Seconds between two runs.'),
    })
    .prefault({})
    .describe(says)
}

const agentFileSchema = z.strictObject({
  agent: agentIdSchema.describe('Id of this agent, as the registry knows it; also its user and certificate name.'),
  district: idSchema.describe('Id of the district.'),
  role: z
    .enum(agentRoles)
    .default('gateway')
    .describe(
      '`gateway` measures a site; `terminal` runs on a classroom device and tells only of that, whatever the centre says.',
    ),
  data_dir: path.default('/var/lib/linkbell').describe('Where the spool and the last configuration rest.'),
  broker: z
    .strictObject({
      url: brokerUrlSchema.describe('The broker, for example mqtts://broker.example:8883.'),
      username: z.string().optional().describe('User name; without it, the agent id.'),
      password: z.string().optional().describe('Give password_file or ${ENV}; not needed with a client certificate.'),
      ca_file: path.optional().describe('PEM file of the authority that signed the broker’s certificate.'),
      cert_file: path.optional().describe('PEM file of the own certificate; its name is the agent id.'),
      key_file: path.optional().describe('PEM file of its key.'),
    })
    .describe('Where batches go.'),
  wan: z
    .strictObject({
      interface: z
        .string()
        .min(1)
        .max(32)
        .default('auto')
        .describe('WAN interface; auto is that of the default route.'),
      interfaces: z
        .record(z.string(), z.string())
        .default({})
        .describe('Interface of each link, by its id, where there are several.'),
      gateway: z
        .strictObject({
          address: addressSchema,
          interface: z.string().min(1).max(255).describe('Its WAN interface, by the name that it gives it.'),
          snmp: idSchema.describe('Name of the SNMP credentials that open it.'),
        })
        .optional()
        .describe(
          'Where this host stands behind the gateway: whose counters bandwidth tests read, instead of its own.',
        ),
    })
    .prefault({})
    .describe('Which interfaces lead out.'),
  limits: z
    .strictObject({
      spool_bytes: sizeSchema
        .default(512 * 1024 * 1024)
        .describe('Disk for what is not stored yet; the oldest are dropped above it.'),
      probe_ranges: z
        .array(rangeSchema)
        .optional()
        .describe(
          'Addresses that probes of paths and devices may reach; without it, all. Nothing that comes from the centre can widen it.',
        ),
      bandwidth_bytes_per_month: sizeSchema
        .optional()
        .describe(
          'Bytes that tests of one link may use in a month; without it, 30 GB for a target of 500M and 10 GB for 100M.',
        ),
    })
    .prefault({})
    .describe('What nothing remote can raise.'),
  pjlink: z
    .record(idSchema, z.strictObject({ password: z.string().min(1).max(64).describe('Give password_file or ${ENV}.') }))
    .optional()
    .describe('PJLink passwords of projectors (`password_file` or `password`), by the name that the registry gives.'),
  snmp: snmpSchema
    .optional()
    .describe(
      'SNMP credentials (`community_file`, or `user` with `auth_key_file` …), by the name that the registry gives.',
    ),
  probes: z
    .strictObject({
      host: probeSchema(60, 'This machine.'),
      wan: probeSchema(60, 'Counters of the WAN interface.'),
      path: probeSchema(60, 'Round trips to each level.'),
      stream: probeSchema(300, 'A stream like a live class, to the reflector of each level.'),
      service: probeSchema(300, 'Teaching platforms.'),
      snmp: probeSchema(300, 'Switches, access points, printers and computers, by SNMP.'),
      pjlink: probeSchema(300, 'Projectors, by PJLink.'),
      terminals: probeSchema(60, 'Classroom devices: one sweep for all.'),
      machine: probeSchema(60, 'The device that an agent with the role `terminal` runs on.'),
      self: probeSchema(60, 'The agent itself.'),
      bandwidth: z
        .strictObject({
          enabled: z.boolean().default(true).describe('Whether it runs.'),
          at_start: z.boolean().default(false).describe('Test once when the agent starts, whatever the hour.'),
        })
        .prefault({})
        .describe('Bandwidth tests; how many a day is for the registry to say.'),
    })
    .prefault({})
    .describe('What is measured, and how often.'),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level that is logged.'),
})
export const agentConfigSchema = agentFileSchema.superRefine(({ wan, snmp }, context) => {
  const name = wan.gateway?.snmp
  if (name === undefined || snmp?.[name] !== undefined) return
  const message = `no credentials "${name}" in this file; add snmp.${name}`
  context.addIssue({ code: 'custom', path: ['wan', 'gateway', 'snmp'], message })
})
export type AgentConfig = z.output<typeof agentConfigSchema>
