/**
 * Feishu (Lark) group robot. Its signature is keyed by time (s) and secret over nothing. The text goes as a `post` of
 * plain elements: no Markdown is read, so nothing in a name can become a link or a mention.
 */
import { createHmac } from 'node:crypto'
import type { FeishuChannel } from '../config.ts'
import { fit, type Letter, type Link, moreOf } from '../letter.ts'
import { type Codes, createHttpNotifier, outcomeByCode, tokenOf } from './http.ts'
import { type Notifier, type NotifierDeps, shownToPeople } from './notifier.ts'

/** Of the whole body; the vendor says 20 KB. */
const maxBodyBytes = 20_000

const codes: Codes = {
  key: 'code',
  // Limits of the platform, met by whole and half hours when everybody sends. 9499 stands for "too many request" as well as
  // for "bad request": what may be the one is not given up for the other.
  busy: { 11232: 60, 9499: 60, 99991400: 60 },
  // The parameters of the body are not understood.
  refused: [19002],
}

type Element = { tag: 'text'; text: string } | { tag: 'a'; text: string; href: string }

export function createFeishu({ url, token, secret, keyword }: FeishuChannel, deps: NotifierDeps): Notifier {
  const id = tokenOf(token, ({ pathname }) => pathname.split('/').at(-1))
  const address = new URL(encodeURIComponent(id), url.endsWith('/') ? url : `${url}/`)
  return createHttpNotifier(
    (message) => {
      const proof = secret === undefined ? {} : signatureOf(secret, Math.floor(deps.now() / 1_000))
      const body = fit(deps.compose(message, shownToPeople), maxBodyBytes, (letter) => {
        const zh_cn = { title: letter.title, content: linesOf(letter, keyword) }
        return JSON.stringify({ ...proof, msg_type: 'post', content: { post: { zh_cn } } })
      })
      return { url: address, body }
    },
    (answer) => outcomeByCode(answer, codes),
  )
}

function signatureOf(secret: string, seconds: number) {
  return { timestamp: String(seconds), sign: createHmac('sha256', `${seconds}\n${secret}`).digest('base64') }
}

function linesOf(letter: Letter, keyword = ''): Element[][] {
  const { summary, entries, board } = letter
  const blocks = entries.flatMap(({ heading, lines, link }) => [
    ...[heading, ...lines].map(textOf),
    ...(link === undefined ? [] : [linkOf(link)]),
    textOf(' '),
  ])
  const footer = [textOf(moreOf(letter)), ...(board === undefined ? [] : [linkOf(board)]), textOf(keyword)]
  return [...summary.map(textOf), ...blocks, ...footer].filter((element) => element.text !== '').map((one) => [one])
}

function textOf(text: string): Element {
  return { tag: 'text', text }
}

function linkOf({ text, url }: Link): Element {
  return { tag: 'a', text, href: url }
}
