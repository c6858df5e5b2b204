/** What rings: one notice of one alert. Rules make them, the relay makes them; nothing here knows how they came to be. */
import type { Text } from '../../core/catalog.ts'
import { cutBytes, oneLine } from './text.ts'

/** Worst first. */
export const severities = ['critical', 'warning', 'info'] as const
export type Severity = (typeof severities)[number]

export type Named = { id: string; name: Text }

export type Notice = {
  /** Of this notice. Whatever has the id of one that was taken already is left out: a restart repeats nothing. */
  id: string
  /** Of the alert: the same in its firing, its repeats and its recovery. */
  alert: string
  status: 'firing' | 'repeat' | 'recovery'
  rule: string
  severity: Severity
  /** What is wrong, without the school: `Download below target`. */
  title: Text
  site?: Named
  town?: Named
  /** Of the alert, ms. */
  startsAt: number
  /** Of a recovery, or when it is known to end, ms. */
  endsAt?: number
  evidence: readonly Text[]
  /** Where to look: a page of the board. */
  link?: string
  labels: Readonly<Record<string, string>>
}

const maxTextBytes = 1_000
const maxEvidence = 20
const maxLabels = 40
const maxLabelBytes = 200

/** The notice in a size that a queue can hold thousands of, without line breaks or what turns writing around. */
export function bounded(notice: Notice): Notice {
  const short = (text: string) => cutBytes(oneLine(text), maxTextBytes)
  const both = ({ en, zh }: Text): Text => ({ en: short(en), zh: short(zh) })
  const named = ({ id, name }: Named): Named => ({ id: short(id), name: both(name) })
  const { site, town, link, ...rest } = notice
  const address = link === undefined ? undefined : webAddress(link)
  return {
    ...rest,
    rule: short(notice.rule),
    title: both(notice.title),
    ...(site !== undefined && { site: named(site) }),
    ...(town !== undefined && { town: named(town) }),
    evidence: notice.evidence.slice(0, maxEvidence).map(both),
    ...(address !== undefined && { link: address }),
    labels: Object.fromEntries(
      Object.entries(notice.labels)
        .slice(0, maxLabels)
        .map(([key, value]) => [cutBytes(key, maxLabelBytes), cutBytes(oneLine(value), maxLabelBytes)]),
    ),
  }
}

/** With the page of the board that shows it: that of its school, or of all. A link of its own is the better one. */
export function withBoardLink(notice: Notice, boardUrl: string | undefined): Notice {
  if (boardUrl === undefined || notice.link !== undefined) return notice
  const page = notice.site === undefined ? 'sites' : `site/${encodeURIComponent(notice.site.id)}`
  return { ...notice, link: new URL(`#/${page}`, boardUrl).href }
}

/** An http or https address, fit to stand in Markdown; undefined for anything else, such as `javascript:`. */
function webAddress(link: string): string | undefined {
  if (!URL.canParse(link)) return undefined
  const { protocol, href } = new URL(link)
  if ((protocol !== 'http:' && protocol !== 'https:') || href.length > maxTextBytes) return undefined
  return href.replaceAll(/[()[\]'"*_`|\\]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
