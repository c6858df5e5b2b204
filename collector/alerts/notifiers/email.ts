/** Mail by SMTP. A repetition carries the same Message-ID, by which mail programs show it once. */
import { createTransport } from 'nodemailer'
import { messageOf } from '../../../core/errors.ts'
import { plainInHtml } from '../../html-text.ts'
import type { EmailChannel } from '../config.ts'
import { type Letter, type Message, moreOf } from '../letter.ts'
import { cutBytes, oneLine } from '../text.ts'
import {
  afterConfigurationSeconds,
  delivered,
  type Notifier,
  type NotifierDeps,
  type Outcome,
  refused,
  retry,
} from './notifier.ts'

/** A mail has more room than a chat. */
const shownInMail = 50
const connectMs = 15_000
const silenceMs = 30_000

export function createEmail(config: EmailChannel, deps: NotifierDeps): Notifier {
  const { host, port, security, username, password, from, to } = config
  const mail = (message: Message) => mailOf(deps.compose(message, shownInMail), message, from, to)
  return {
    preview: (message) => {
      const { subject, text, messageId } = mail(message)
      const head = [`SMTP ${host}:${port} (${security})`, `From: ${from}`, `To: ${to.join(', ')}`]
      return [...head, `Subject: ${subject}`, `Message-ID: ${messageId}`, '', text].join('\n')
    },
    send: async (message, signal) => {
      const transport = createTransport({
        host,
        port,
        secure: security === 'tls',
        requireTLS: security === 'starttls',
        ignoreTLS: security === 'none',
        ...(username !== undefined && password !== undefined && { auth: { user: username, pass: password } }),
        connectionTimeout: connectMs,
        greetingTimeout: connectMs,
        socketTimeout: silenceMs,
        disableFileAccess: true,
        disableUrlAccess: true,
      })
      try {
        const { rejected } = await transport.sendMail({ ...mail(message), signal })
        if (rejected.length === 0) return delivered
        return { kind: 'delivered', partly: `${host} does not take mail for ${rejected.map(addressOf).join(', ')}` }
      } catch (error) {
        signal.throwIfAborted()
        return failureOf(error, host)
      } finally {
        transport.close()
      }
    },
  }
}

const addressOf = (to: string | { address: string }) => (typeof to === 'string' ? to : to.address)

type SmtpError = { code?: unknown; responseCode?: unknown }

function failureOf(error: unknown, host: string): Outcome {
  const { code, responseCode } = error as SmtpError
  const reason = `${host}: ${cutBytes(oneLine(messageOf(error)), 300)}`
  if (code === 'EAUTH' || code === 'ENOAUTH' || code === 'ETLS') return retry(reason, afterConfigurationSeconds)
  // RFC 5321: 4yz may go well later, 5yz will not, unless somebody mends addresses or what the server lets through.
  const final = typeof responseCode === 'number' && responseCode >= 500
  if (final && code === 'EENVELOPE') return retry(reason, afterConfigurationSeconds)
  return final && code === 'EMESSAGE' ? refused(reason) : retry(reason)
}

function mailOf(letter: Letter, { id, at }: Message, from: string, to: readonly string[]) {
  const domain = /@([A-Za-z0-9.-]+)/.exec(from)?.[1] ?? 'linkbell.invalid'
  return {
    from,
    to: [...to],
    subject: letter.title,
    messageId: `<${id}@${domain}>`,
    date: new Date(at),
    // RFC 3834: no holiday notes in return.
    headers: { 'Auto-Submitted': 'auto-generated' },
    text: textOf(letter),
    html: htmlOf(letter),
  }
}

function textOf(letter: Letter): string {
  const { title, summary, entries, board } = letter
  const blocks = entries.map(({ heading, lines, link }) => [heading, ...lines, link?.url ?? ''])
  return [[title], summary, ...blocks, [moreOf(letter)], [board?.url ?? '']]
    .map((lines) => lines.filter((line) => line !== '').join('\n'))
    .filter((block) => block !== '')
    .join('\n\n')
}

const colours = { critical: '#b3261e', warning: '#9a6700', info: '#57606a', recovery: '#1a7f37' } as const

function htmlOf(letter: Letter): string {
  const { title, summary, entries, board } = letter
  const plain = plainInHtml
  const linkOf = ({ text, url }: { text: string; url: string }) => `<a href="${plain(url)}">${plain(text)}</a>`
  const blocks = entries.map(({ heading, lines, link, tone }) =>
    [
      heading === '' ? '' : `<strong style="color:${colours[tone]}">${plain(heading)}</strong>`,
      ...lines.map(plain),
      link === undefined ? '' : linkOf(link),
    ]
      .filter((line) => line !== '')
      .join('<br>'),
  )
  const paragraphs = [summary.map(plain).join('<br>'), ...blocks, plain(moreOf(letter)), board ? linkOf(board) : '']
  const body = paragraphs.filter((each) => each !== '').map((each) => `<p>${each}</p>`)
  return `<!doctype html><html><body><h3>${plain(title)}</h3>${body.join('\n')}</body></html>`
}
