/** WeCom group robot: no signature, the key in the address is all. Errors come with HTTP 200 and an `errcode`. */
import type { WecomChannel } from '../config.ts'
import { fit } from '../letter.ts'
import { type Codes, createHttpNotifier, outcomeByCode, tokenOf } from './http.ts'
import { markdownOf } from './markdown.ts'
import { type Notifier, type NotifierDeps, shownToPeople } from './notifier.ts'

/** Of the content, in UTF-8 (developer.work.weixin.qq.com/document/path/91770). */
const maxContentBytes = 4_096

const codes: Codes = {
  key: 'errcode',
  // Above the calls of a minute; too many at once; the system is busy.
  busy: { 45009: 60, 45033: 30, [-1]: 30 },
  // Of no known type, wrong or too long parameters, empty.
  refused: [40008, 40058, 44004, 45002],
}

const colours = { critical: 'warning', warning: 'warning', info: 'comment', recovery: 'info' } as const

const coloured = (text: string, tone: keyof typeof colours) => `<font color="${colours[tone]}">${text}</font>`

export function createWecom({ url, token }: WecomChannel, deps: NotifierDeps): Notifier {
  const address = new URL(url)
  address.searchParams.set(
    'key',
    tokenOf(token, ({ searchParams }) => searchParams.get('key')),
  )
  return createHttpNotifier(
    (message) => {
      const content = fit(deps.compose(message, shownToPeople), maxContentBytes, (letter) =>
        markdownOf(letter, { paragraph: '\n\n', line: '\n', title: coloured, heading: coloured }),
      )
      return { url: address, body: JSON.stringify({ msgtype: 'markdown', markdown: { content } }) }
    },
    (answer) => outcomeByCode(answer, codes),
  )
}
