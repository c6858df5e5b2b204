/** The two brokers that Linkbell works with, for tests that must hold with either. */
import { randomBytes } from 'node:crypto'
import type { ConnectionConfig } from '../../core/connection.ts'
import { createEmbedded } from '../collector/broker/embedded.ts'
import { district } from '../collector/district.ts'
import { has } from '../services/capabilities.ts'
import { createMosquitto } from '../services/mosquitto.ts'

const users = ['collector', 'a-gw1', 'b-gw1', 'new-gw1']

export type TestBroker = {
  connection: (user: string) => ConnectionConfig
  stop: () => Promise<void>
}
export type BrokerKind = { name: string; available: boolean; start: () => Promise<TestBroker> }

export const embeddedBroker: BrokerKind = {
  name: 'the embedded broker',
  available: true,
  start: async () => {
    const embedded = await createEmbedded()
    const url = `mqtt://127.0.0.1:${embedded.broker.port}`
    return {
      connection: (user) => ({ url, username: user, password: embedded.password(user) }),
      stop: embedded.stop,
    }
  },
}

export const mosquitto: BrokerKind = {
  name: 'Mosquitto',
  available: has('mosquitto'),
  start: async () => {
    const passwords = Object.fromEntries(users.map((user) => [user, randomBytes(9).toString('hex')]))
    const broker = await createMosquitto({ district, users: passwords })
    await broker.start()
    return {
      connection: (user) => ({ url: broker.url, username: user, password: passwords[user] }),
      stop: broker.stop,
    }
  },
}
