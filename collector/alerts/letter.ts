/** Notices in words: the one text that every robot then writes in its own format and to its own length. */
import type { Text } from '../../core/catalog.ts'
import { type Notice, severities } from './notice.ts'
import { type Language, say } from './strings.ts'
import { bytesOf, cutBytes } from './text.ts'

/** What is sent at once: everything that a channel was to be told at that moment. It stays the same over retries. */
export type Message = { id: string; at: number; notices: readonly Notice[] }

export type Link = { text: string; url: string }
export type Entry = {
  tone: Notice['severity'] | 'recovery'
  /** Empty where the title of the letter says it. */
  heading: string
  lines: readonly string[]
  link?: Link
}
export type Letter = {
  language: Language
  title: string
  /** Counts, of more than one notice. */
  summary: readonly string[]
  entries: readonly Entry[]
  /** Notices that the entries leave out. */
  omitted: number
  board?: Link
}

export type LetterOptions = {
  language: Language
  /** Times are told in it. */
  timezone: string
  boardUrl?: string | undefined
  /** Entries at most. */
  shown: number
}

const shownRules = 5
const maxTitleBytes = 180

export function composeLetter({ notices: all, at }: Message, options: LetterOptions): Letter {
  const { language, boardUrl } = options
  const notices = newest(all).sort(byWeight)
  const single = notices.length === 1
  const entries = notices.slice(0, options.shown).map((notice) => entryOf(notice, single, at, options))
  const board = boardUrl === undefined || single ? undefined : { text: say(language, 'board'), url: boardUrl }
  return {
    language,
    title: cutBytes(single ? headingOf(notices[0] as Notice, language) : titleOf(notices, language), maxTitleBytes),
    summary: single ? [] : summaryOf(notices, language),
    entries,
    omitted: notices.length - entries.length,
    ...(board && { board }),
  }
}

/** What follows the entries; empty when they are all. */
export function moreOf({ omitted, language }: Letter): string {
  return omitted > 0 ? say(language, 'more', { count: omitted }) : ''
}

/** What `write` makes of the letter, within `maxBytes`: first with fewer entries, then with shorter lines. */
export function fit(letter: Letter, maxBytes: number, write: (letter: Letter) => string): string {
  const { entries, omitted } = letter
  let one = letter
  for (let count = entries.length; count >= 1; count--) {
    one = { ...letter, entries: entries.slice(0, count), omitted: omitted + entries.length - count }
    const text = write(one)
    if (bytesOf(text) <= maxBytes) return text
  }
  let fits = shortestLineBytes
  let tooLong = maxBytes
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2)
    if (bytesOf(write(shortened(one, middle))) <= maxBytes) fits = middle
    else tooLong = middle
  }
  return write(shortened(one, fits))
}

const shortestLineBytes = 12

function shortened(letter: Letter, lineBytes: number): Letter {
  const cut = (text: string) => cutBytes(text, lineBytes)
  return {
    ...letter,
    title: cut(letter.title),
    summary: letter.summary.map(cut),
    entries: letter.entries.map((entry) => ({ ...entry, heading: cut(entry.heading), lines: entry.lines.map(cut) })),
  }
}

/** An alert that fired and recovered before anybody was told is told once, by its recovery. */
function newest(notices: readonly Notice[]): Notice[] {
  return [...new Map(notices.map((notice) => [notice.alert, notice])).values()]
}

function byWeight(a: Notice, b: Notice): number {
  const recovered = Number(a.status === 'recovery') - Number(b.status === 'recovery')
  return recovered || severities.indexOf(a.severity) - severities.indexOf(b.severity) || a.startsAt - b.startsAt
}

function tagOf({ status, severity }: Notice, language: Language): string {
  if (status === 'recovery') return say(language, 'recovered')
  const word = say(language, severity)
  return status === 'repeat' ? say(language, 'still', { severity: word }) : word
}

function headingOf(notice: Notice, language: Language): string {
  const title = notice.title[language]
  const site = notice.site?.name[language]
  const what = site === undefined ? title : say(language, 'of_site', { site, title })
  return say(language, 'tagged', { tag: tagOf(notice, language), what })
}

function titleOf(notices: readonly Notice[], language: Language): string {
  const recoveries = notices.filter(({ status }) => status === 'recovery').length
  const firing = notices.length - recoveries
  const counts = [
    ...(firing > 0 ? [say(language, 'firing_count', { count: firing })] : []),
    ...(recoveries > 0 ? [say(language, 'recovery_count', { count: recoveries })] : []),
  ]
  const [worst] = notices
  const tag = worst === undefined || firing === 0 ? say(language, 'recovered') : say(language, worst.severity)
  return say(language, 'tagged', { tag, what: counts.join(say(language, 'and')) })
}

function summaryOf(notices: readonly Notice[], language: Language): string[] {
  const rules = new Map<string, { title: Text; count: number }>()
  for (const { rule, title } of notices) rules.set(rule, { title, count: (rules.get(rule)?.count ?? 0) + 1 })
  const sorted = [...rules.values()].sort((a, b) => b.count - a.count)
  const rest = sorted.slice(shownRules).reduce((sum, { count }) => sum + count, 0)
  const sites = new Set(notices.flatMap(({ site }) => (site === undefined ? [] : [site.id]))).size
  return [
    ...sorted
      .slice(0, shownRules)
      .map(({ title, count }) => say(language, 'of_rule', { title: title[language], count })),
    ...(rest > 0 ? [say(language, 'other_rules', { count: rest })] : []),
    ...(sites > 1 ? [say(language, 'schools', { count: sites })] : []),
  ]
}

function entryOf(notice: Notice, single: boolean, at: number, { language, timezone }: LetterOptions): Entry {
  const { town, evidence, link, status, severity } = notice
  return {
    tone: status === 'recovery' ? 'recovery' : severity,
    heading: single ? '' : headingOf(notice, language),
    lines: [
      ...(town === undefined ? [] : [say(language, 'town', { town: town.name[language] })]),
      timeLine(notice, at, language, timezone),
      ...evidence.map((line) => line[language]),
    ],
    ...(link !== undefined && { link: { text: say(language, 'details'), url: link } }),
  }
}

function timeLine({ status, startsAt, endsAt = startsAt }: Notice, at: number, language: Language, timezone: string) {
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' })
  if (status !== 'recovery') {
    return say(language, 'since', { time: local.format(startsAt), duration: durationOf(at - startsAt, language) })
  }
  const duration = durationOf(endsAt - startsAt, language)
  return say(language, 'lasted', { from: local.format(startsAt), to: local.format(endsAt), duration })
}

function durationOf(ms: number, language: Language): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  const minutes = Math.round(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (seconds < 120) return say(language, 'seconds', { count: seconds })
  if (hours < 2) return say(language, 'minutes', { count: minutes })
  if (hours < 48) return say(language, 'hours', { hours, minutes: minutes % 60 })
  return say(language, 'days', { days: Math.floor(hours / 24), hours: hours % 24 })
}
