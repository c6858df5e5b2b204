/** Where Grafana and Alertmanager send their webhooks: authenticated by a token of its own, not by the board's password. */
import type { FastifyInstance } from 'fastify'
import type { Relay } from '../alerts/alerts.ts'
import { relayBodySchema } from '../alerts/relay.ts'
import { HttpError, parseInput } from './route.ts'

export const relayPath = '/api/v1/relay'
/** A group of 400 alerts has some 600 KB. */
const maxBodyBytes = 4 * 1024 * 1024

export function addRelay(app: FastifyInstance, relay: Relay): void {
  app.post(relayPath, {
    bodyLimit: maxBodyBytes,
    // Before the body is read.
    onRequest: async ({ headers }) => {
      if (relay.allows(headers.authorization ?? '')) return
      throw new HttpError(
        401,
        'unauthorized',
        'The token of the relay is needed, as Bearer or as the password of Basic.',
      )
    },
    handler: async ({ body }) => {
      const notices = parseInput(relayBodySchema, body) as Parameters<Relay['accept']>[0]
      return { accepted: relay.accept(notices) }
    },
  })
}
