/** A letter in the little Markdown that DingTalk and WeCom both read. */
import { type Entry, type Letter, type Link, moreOf } from '../letter.ts'
import { plainInMarkdown } from '../text.ts'

export type Dialect = {
  /** Between paragraphs, and between the lines of one. */
  paragraph: string
  line: string
  title: (text: string, tone: Entry['tone']) => string
  heading: (text: string, tone: Entry['tone']) => string
  /** Last line: the keyword that a robot insists on. */
  tail?: string | undefined
}

export function markdownOf(letter: Letter, { paragraph, line, tail, ...write }: Dialect): string {
  const { title, summary, entries, board } = letter
  const plain = plainInMarkdown
  const blocks = entries.map((entry) => [
    ...(entry.heading === '' ? [] : [write.heading(plain(entry.heading), entry.tone)]),
    ...entry.lines.map(plain),
    ...(entry.link === undefined ? [] : [linkOf(entry.link)]),
  ])
  return [
    [write.title(plain(title), entries[0]?.tone ?? 'info')],
    summary.map(plain),
    ...blocks,
    [moreOf(letter)],
    board === undefined ? [] : [linkOf(board)],
    tail === undefined ? [] : [plain(tail)],
  ]
    .map((lines) => lines.filter((each) => each !== '').join(line))
    .filter((each) => each !== '')
    .join(paragraph)
}

function linkOf({ text, url }: Link): string {
  return `[${text}](${url})`
}
