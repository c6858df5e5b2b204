/** The two brokers that Linkbell works with, for tests that must hold with either. */
import { randomBytes } from 'node:crypto'
import type { ConnectionConfig } from '../../core/connection.ts'
import { createEmbedded } from '../collector/broker/embedded.ts'
import { has } from '../services/capabilities.ts'
import { createMosquitto } from '../services/mosquitto.ts'

const agents = ['a-gw1', 'b-gw1', 'new-gw1'] as const

export type TestBroker = {
  connection: (user: string) => ConnectionConfig
  stop: () => Promise<void>
}

export const brokers: { name: string; available: boolean; start: () => Promise<TestBroker> }[] = [
  {
    name: 'the embedded broker',
    available: true,
    start: async () => {
      const embedded = await createEmbedded()
      return {
        connection: (user) => ({
          url: `mqtt://127.0.0.1:${embedded.broker.port}`,
          username: user,
          password: embedded.password(user),
        }),
        stop: embedded.stop,
      }
    },
  },
  {
    name: 'Mosquitto',
    available: has('mosquitto'),
    start: async () => {
      const passwords = Object.fromEntries(
        ['collector', ...agents].map((user) => [user, randomBytes(9).toString('hex')]),
      )
      const mosquitto = await createMosquitto({ district: 'd1', users: passwords })
      await mosquitto.start()
      return {
        connection: (user) => ({ url: mosquitto.url, username: user, password: passwords[user] }),
        stop: mosquitto.stop,
      }
    },
  },
]
