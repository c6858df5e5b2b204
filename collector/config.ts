/** Schema of `collector.yaml`; config/collector.schema.json and the commented example are generated from it. */
import { z } from 'zod'
import { brokerUrlSchema, isLoopback } from '../core/address.ts'
import { idSchema } from '../core/registry.ts'
import { sizeSchema } from '../core/units.ts'
import { storeSchema } from './store-config.ts'
import { alertsConfigSchema } from './alerts/config.ts'

const path = z.string().min(1)
const portSchema = z.int().min(0).max(65535)
const caFile = path.describe('PEM file of the authority that signs the other side.')
const certFile = path.describe('PEM file of the own certificate.')
const keyFile = path.describe('PEM file of its key.')

export const brokerSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('embedded').describe('A broker inside the collector: one collector only, MQTT 3.1.1.'),
      host: z.string().default('127.0.0.1').describe('Address to listen on. Anything but loopback needs TLS.'),
      port: portSchema.default(8421).describe('Port to listen on.'),
      users_file: path.describe(
        'Users and hashed passwords, one `name:salt:hash` a line; `linkbell user add` writes it.',
      ),
      tls: z
        .strictObject({
          ca_file: caFile.optional(),
          cert_file: certFile,
          key_file: keyFile,
          require_certificate: z
            .boolean()
            .default(false)
            .describe('Agents must show a certificate whose name is their id.'),
        })
        .refine(({ require_certificate, ca_file }) => !require_certificate || ca_file !== undefined, {
          path: ['ca_file'],
          error: 'missing; without it no certificate can be required',
        })
        .optional()
        .describe('Encrypts the listener.'),
      max_connections: z.int().min(1).max(20_000).default(2_000).describe('Connections above this are closed at once.'),
    })
    .refine(({ host, tls }) => tls !== undefined || isLoopback(host), {
      path: ['host'],
      error: 'reachable from other machines, and passwords would travel in the clear; set broker.tls, or use 127.0.0.1',
    }),
  z.strictObject({
    type: z.literal('external').describe('An existing broker such as Mosquitto.'),
    url: brokerUrlSchema.describe('For example mqtts://broker.example:8883.'),
    username: z.string().default('collector').describe('User name.'),
    password: z.string().optional().describe('Give password_file or ${ENV}.'),
    ca_file: caFile.optional(),
    cert_file: certFile.optional(),
    key_file: keyFile.optional(),
    shared_group: idSchema.optional().describe('Several collectors share the batches by this $share group.'),
  }),
])

export const collectorConfigSchema = z.strictObject({
  id: idSchema.default('collector-1').describe('Name of this collector, unique in the district.'),
  data_dir: path.default('./data').describe('Where store, state and quarantine live.'),
  registry_file: path.describe('The registry; read again when it changes.'),
  standards_file: path.optional().describe('Standards to judge by; without it, the built-in ones of the plan.'),
  broker: brokerSchema.describe('Where batches come from.'),
  store: storeSchema.prefault({ type: 'sqlite' }).describe('Where samples rest.'),
  http: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe('Address of the board and the API. Anything but loopback needs `auth`.'),
      port: portSchema.default(8420).describe('Port of the board and the API.'),
      allowed_hosts: z
        .array(z.string())
        .default([])
        .describe('Host names under which the board is reached, beside loopback names.'),
      auth: z
        .strictObject({
          username: z.string().min(1).describe('User name.'),
          password: z.string().min(12).describe('Give password_file or ${ENV}.'),
        })
        .optional()
        .describe('HTTP Basic authentication; put TLS in front of it.'),
    })
    .refine(({ host, auth }) => auth !== undefined || isLoopback(host), {
      path: ['host'],
      error: 'reachable from other machines; set http.auth, or use 127.0.0.1 behind a proxy',
    })
    .prefault({})
    .describe('Board and API.'),
  judge: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Exactly one collector of a district judges.'),
      interval_seconds: z.int().min(5).max(86_400).default(60).describe('Seconds between two rounds.'),
    })
    .prefault({})
    .describe('Verdicts.'),
  alerts: alertsConfigSchema.prefault({}).describe('Who is told when something is wrong.'),
  quarantine_bytes: sizeSchema
    .default(256 * 1024 * 1024)
    .describe('Room for batches of agents that are not registered.'),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level that is logged.'),
})
export type CollectorConfig = z.output<typeof collectorConfigSchema>
