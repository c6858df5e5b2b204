/** The embedded broker in its real worker, with users whose passwords the test knows. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { type Broker, type EmbeddedConfig, startBroker } from '../../../collector/broker/broker.ts'
import { brokerSchema } from '../../../collector/config.ts'
import { setUser } from '../../../collector/users.ts'
import { createMemoryLog, type MemoryLog } from '../../services/memory-log.ts'

export const district = 'd1'

export type Embedded = MemoryLog & {
  broker: Broker
  usersFile: string
  /** The password of a user, made when it is first asked for. */
  password: (user: string) => string
  connect: (user: string, options?: IClientOptions) => Promise<MqttClient>
  stop: () => Promise<void>
}

export async function createEmbedded(config: Partial<EmbeddedConfig> = {}): Promise<Embedded> {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-broker-'))
  const usersFile = join(folder, 'users')
  const passwords = new Map<string, string>()
  const password = (user: string) => {
    if (!passwords.has(user)) passwords.set(user, setUser(usersFile, user))
    return passwords.get(user) as string
  }
  for (const user of ['collector', 'a-gw1', 'b-gw1']) password(user)
  const memory = createMemoryLog()
  const parsed = brokerSchema.parse({ type: 'embedded', port: 0, users_file: usersFile, ...config }) as EmbeddedConfig
  const broker = await startBroker(
    { config: parsed, district, collectorPassword: password('collector') },
    memory.log,
    (error) => memory.log.error(error.message),
  )
  const clients: MqttClient[] = []
  return {
    ...memory,
    broker,
    usersFile,
    password,
    connect: async (user, options = {}) => {
      const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
        protocolVersion: 4,
        clientId: user === 'collector' ? 'collector:c1' : user,
        username: user,
        password: password(user),
        reconnectPeriod: 0,
        ...options,
      })
      clients.push(client)
      // `connectAsync` of the library waits for ever when the broker closes without a word.
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve())
        client.once('error', reject).once('close', () => reject(new Error('closed')))
      })
      return client
    },
    stop: async () => {
      await Promise.all(clients.map((client) => client.endAsync(true)))
      await broker.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
