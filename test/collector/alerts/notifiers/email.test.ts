import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { createEmail } from '../../../../collector/alerts/notifiers/email.ts'
import { channel, deps, messageOf, notice, notices } from '../notices.ts'

const never = new AbortController().signal
const people = { from: 'linkbell@qingcheng.example', to: ['a@qingcheng.example', 'b@qingcheng.example'] }

describe('mail', () => {
  let server: SMTPServer | undefined
  const mails: { to: string[]; text: string }[] = []
  afterEach(async () => {
    mails.length = 0
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
  })

  async function serve(options: SMTPServerOptions = {}): Promise<number> {
    const smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, session, done) => {
        let text = ''
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
        stream.on('end', () => {
          mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text })
          done()
        })
      },
      ...options,
    })
    server = smtp
    smtp.on('error', () => undefined)
    const listener = smtp.listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    return (listener.address() as AddressInfo).port
  }
  const mailer = (port: number, fields: Record<string, unknown> = {}) =>
    createEmail(channel('email', { host: '127.0.0.1', port, security: 'none', ...people, ...fields }), deps())

  it('arrives at everybody, as text and HTML, marked as a machine’s, with the same id when it is sent again', async () => {
    const notifier = mailer(await serve())
    const evil = notice(1, {
      site: { id: 's', name: { en: 'x', zh: '<script>alert(1)</script>\r\nBcc: all@x.example' } },
    })
    expect(await notifier.send(messageOf(evil), never)).toEqual({ kind: 'delivered' })
    expect(await notifier.send(messageOf(evil), never)).toEqual({ kind: 'delivered' })
    const [first, second] = mails
    expect(first?.to).toEqual(people.to)
    const [head = '', ...rest] = (first?.text ?? '').split('\r\n\r\n')
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m)
    expect(head).toMatch(/^Message-ID: <m-1@qingcheng\.example>$/im)
    expect(head).not.toMatch(/^Bcc:/im)
    expect(second?.text).toMatch(/^Message-ID: <m-1@qingcheng\.example>$/im)
    const decoded = rest.map((part) => decode(part)).join('\n')
    expect(decoded).toContain('500 Mbit/s 中实测 301.2 Mbit/s，已复测')
    expect(decoded).toContain('&lt;script&gt;')
    expect(decoded).toContain('https://board.example/#/site/s1')
  })

  it('shows fifty of a storm', async () => {
    await mailer(await serve()).send(messageOf(...notices(400)), never)
    const decoded = (mails[0]?.text ?? '').split('\r\n\r\n').map(decode).join('\n')
    expect(decoded).toContain('另有 350 条')
  })

  it.each([
    ['450', { kind: 'retry' }],
    ['550', { kind: 'retry', afterSeconds: 600 }],
  ])('takes the answer %s to its recipients for what it means', async (code, expected) => {
    const port = await serve({
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no'), { responseCode: Number(code) })),
    })
    expect(await mailer(port).send(messageOf(notice(1)), never)).toMatchObject(expected)
    expect(mails).toEqual([])
  })

  it('is refused when the server will never take its text', async () => {
    const port = await serve({
      onData: (stream, _session, done) => {
        stream.resume()
        stream.on('end', () => done(Object.assign(new Error('spam'), { responseCode: 554 })))
      },
    })
    expect(await mailer(port).send(messageOf(notice(1)), never)).toMatchObject({ kind: 'refused' })
  })

  it('names the recipients that the server does not take', async () => {
    const port = await serve({
      onRcptTo: ({ address }, _session, done) =>
        address.startsWith('b@') ? done(Object.assign(new Error('no'), { responseCode: 550 })) : done(),
    })
    const partly = expect.stringContaining('b@qingcheng.example')
    expect(await mailer(port).send(messageOf(notice(1)), never)).toEqual({ kind: 'delivered', partly })
    expect(mails.map(({ to }) => to)).toEqual([['a@qingcheng.example']])
  })

  it('waits for a person when the password is wrong', async () => {
    const port = await serve({
      allowInsecureAuth: true,
      onAuth: ({ password }, _session, done) =>
        password === 'right' ? done(null, { user: 'u' }) : done(new Error('wrong password')),
    })
    const outcome = await mailer(port, { username: 'u', password: 'wrong' }).send(messageOf(notice(1)), never)
    expect(outcome).toMatchObject({ kind: 'retry', afterSeconds: 600 })
    expect(JSON.stringify(outcome)).not.toContain('"wrong"')
    expect(await mailer(port, { username: 'u', password: 'right' }).send(messageOf(notice(1)), never)).toEqual({
      kind: 'delivered',
    })
  })

  it('never goes in the clear where TLS was asked for', async () => {
    const port = await serve()
    for (const security of ['starttls', 'tls']) {
      expect(await mailer(port, { security }).send(messageOf(notice(1)), never)).toMatchObject({ kind: 'retry' })
    }
    expect(mails).toEqual([])
  })

  it('is tried again when nobody listens, and left when this program ends', async () => {
    expect(await mailer(1).send(messageOf(notice(1)), never)).toMatchObject({ kind: 'retry' })
    const port = await serve({ onConnect: () => undefined })
    const stop = new AbortController()
    const sending = mailer(port).send(messageOf(notice(1)), stop.signal)
    setTimeout(() => stop.abort(), 50)
    await expect(sending).rejects.toThrow(/abort/i)
  })
})

/** A MIME part in whatever transfer encoding it came. */
function decode(part: string): string {
  const base64 = Buffer.from(part.replaceAll(/[^A-Za-z0-9+/=]/g, ''), 'base64').toString()
  const quoted = Buffer.from(
    part
      .replaceAll(/=\r?\n/g, '')
      .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString()
  return `${quoted}\n${base64}`
}
