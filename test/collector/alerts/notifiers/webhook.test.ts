import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWebhook } from '../../../../collector/alerts/notifiers/webhook.ts'
import { closed, listening } from '../../../services/robots.ts'
import { channel, deps, messageOf, notice, notices, recovery } from '../notices.ts'

const never = new AbortController().signal

describe('the generic webhook', () => {
  let received: { headers: IncomingHttpHeaders; body: string }[]
  let status: number
  let url: string
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(status).end()
    })
  })
  beforeEach(async () => {
    received = []
    status = 204
    url = `http://127.0.0.1:${await listening(server)}/hook`
  })
  afterEach(() => closed(server))

  it('sends all notices, signed over time and body, with a key against doubles', async () => {
    const notifier = createWebhook(
      channel('webhook', { url, secret: 's3cret', token: 't0ken' }),
      deps({ now: () => 1_795_000_000_500 }),
    )
    const message = messageOf(notice(1), recovery(2))
    expect(await notifier.send(message, never)).toEqual({ kind: 'delivered' })
    const [{ headers, body }] = received as [(typeof received)[number]]
    expect(headers['x-linkbell-timestamp']).toBe('1795000000')
    expect(headers['x-linkbell-signature']).toBe(
      `sha256=${createHmac('sha256', 's3cret').update(`1795000000.${body}`).digest('hex')}`,
    )
    expect(headers['authorization']).toBe('Bearer t0ken')
    expect(headers['idempotency-key']).toBe('m-1')
    expect(JSON.parse(body)).toMatchObject({
      version: 1,
      id: 'm-1',
      notices: [
        { id: 'link-below:s1:firing', status: 'firing', starts_at: '2026-11-23T02:03:00.000Z' },
        { id: 'link-below:s2:recovery', status: 'recovery', ends_at: '2026-11-23T02:15:00.000Z' },
      ],
    })
    expect(notifier.preview(message)).not.toContain('t0ken')
  })

  it('sends 2,000 notices at once', async () => {
    const notifier = createWebhook(channel('webhook', { url }), deps())
    expect(await notifier.send(messageOf(...notices(2_000)), never)).toEqual({ kind: 'delivered' })
    expect((JSON.parse(received[0]?.body ?? '') as { notices: unknown[] }).notices).toHaveLength(2_000)
  })

  it.each([
    [400, { kind: 'refused' }],
    [422, { kind: 'refused' }],
    [401, { kind: 'retry', afterSeconds: 600 }],
    [404, { kind: 'retry', afterSeconds: 600 }],
    [503, { kind: 'retry' }],
  ])('takes HTTP %i for what it means', async (code, expected) => {
    status = code
    const outcome = await createWebhook(channel('webhook', { url }), deps()).send(messageOf(notice(1)), never)
    expect(outcome).toMatchObject(expected)
  })
})
