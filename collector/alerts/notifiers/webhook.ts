/** Generic webhook: the notices as JSON, signed, with a key by which the other side knows a repetition. */
import { createHmac } from 'node:crypto'
import type { WebhookChannel } from '../config.ts'
import { createHttpNotifier, failureByStatus } from './http.ts'
import { delivered, type Notifier, type NotifierDeps } from './notifier.ts'

export function createWebhook({ url, secret, token, language }: WebhookChannel, deps: NotifierDeps): Notifier {
  return createHttpNotifier(
    (message) => {
      const { title, summary } = deps.compose(message, 1)
      const notices = message.notices.map(({ startsAt, endsAt, ...notice }) => ({
        ...notice,
        starts_at: new Date(startsAt).toISOString(),
        ...(endsAt !== undefined && { ends_at: new Date(endsAt).toISOString() }),
      }))
      const body = JSON.stringify({ version: 1, id: message.id, language, title, summary, notices })
      const timestamp = String(Math.floor(deps.now() / 1_000))
      const sign = (key: string) => createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')
      const headers = {
        'idempotency-key': message.id,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(secret !== undefined && {
          'x-linkbell-timestamp': timestamp,
          'x-linkbell-signature': `sha256=${sign(secret)}`,
        }),
      }
      return { url: new URL(url), headers, body }
    },
    (answer) => failureByStatus(answer) ?? delivered,
  )
}
