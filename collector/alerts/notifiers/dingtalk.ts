/**
 * DingTalk group robot. The signature is an HMAC of time (ms) and secret, keyed by the secret; errors come with HTTP
 * 200 and an `errcode`. Formats: reference/grafana.md §5.
 */
import { createHmac } from 'node:crypto'
import { fit } from '../letter.ts'
import type { DingtalkChannel } from '../config.ts'
import { type Codes, createHttpNotifier, outcomeByCode, tokenOf } from './http.ts'
import { markdownOf } from './markdown.ts'
import { type Notifier, type NotifierDeps, shownToPeople } from './notifier.ts'

/** Of the whole body; the vendor names 20,000 for custom robots and 15,000 for others. */
const maxBodyBytes = 15_000

const codes: Codes = {
  key: 'errcode',
  // Too fast: the robot is then deaf for 10 minutes. -1: the system is busy.
  busy: { 130101: 600, 410100: 600, 90030: 600, [-1]: 30 },
  // Empty, of no known type, too long, or with words that the platform does not pass on.
  refused: [40035, 43004, 400105, 430101, 430102, 430103, 430104, 460101],
}

const dialect = {
  paragraph: '\n\n',
  line: '  \n',
  title: (text: string) => `### ${text}`,
  heading: (text: string) => `**${text}**`,
}

export function createDingtalk({ url, token, secret, keyword }: DingtalkChannel, deps: NotifierDeps): Notifier {
  return createHttpNotifier(
    (message) => {
      const letter = deps.compose(message, shownToPeople)
      const body = fit(letter, maxBodyBytes, (shown) => {
        const text = markdownOf(shown, { ...dialect, tail: keyword })
        return JSON.stringify({ msgtype: 'markdown', markdown: { title: shown.title, text } })
      })
      return { url: signed(url, token, secret, deps.now()), body }
    },
    (answer) => outcomeByCode(answer, codes),
  )
}

function signed(base: string, token: string, secret: string | undefined, nowMs: number): URL {
  const url = new URL(base)
  url.searchParams.set(
    'access_token',
    tokenOf(token, ({ searchParams }) => searchParams.get('access_token')),
  )
  if (secret === undefined) return url
  url.searchParams.set('timestamp', String(nowMs))
  url.searchParams.set('sign', createHmac('sha256', secret).update(`${nowMs}\n${secret}`).digest('base64'))
  return url
}
