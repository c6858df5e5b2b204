/** Small phrases that both reports use. */
import { dateOf } from '../../core/calendar.ts'
import { causes, type Field, type FieldName, measurements, type Text } from '../../core/catalog.ts'
import type { Evidence, SiteVerdict } from '../judge/verdict.ts'
import { localDay, utcOffsetSeconds } from '../local-time.ts'
import { filled, type Lang } from './document.ts'
import type { Month } from './month.ts'
import { clauseWords, leftOutWords, reasonWords, words } from './words.ts'

export const nameIn = (name: Text | string, lang: Lang) => (typeof name === 'string' ? name : name[lang])

export function percentText(ratio: number | null): string {
  return ratio === null ? '–' : `${(ratio * 100).toFixed(1)}%`
}

/** The wall clock at a time: 2026-10-31 23:59:59. */
export function localText(time: number, timezone: string): string {
  return new Date(wallTime(time, timezone)).toISOString().slice(0, 19).replace('T', ' ')
}

/** A time whose UTC shows what the wall clock shows: sheets and charts know no zones. */
export function wallTime(time: number, timezone: string): number {
  return time + utcOffsetSeconds(time, timezone) * 1000
}

export function subtitleOf({ name, end, isOver }: Month, timezone: string, lang: Lang): string {
  const until = localText(end - 1, timezone)
  const month = isOver
    ? name
    : filled(words.month_running, lang, { month: name, end: dateOf(localDay(end - 1, timezone)) })
  return `${month} · ${filled(words.at, lang, { time: until })}`
}

export function footerOf(now: number, timezone: string, lang: Lang): string {
  return filled(words.footer, lang, { time: localText(now, timezone), zone: timezone })
}

/** Why a school is not met: clauses that do not hold, or why nothing is known. */
export function whyOf(
  { verdict, reason, directions }: Pick<SiteVerdict, 'verdict' | 'reason' | 'directions'>,
  lang: Lang,
) {
  if (verdict === 'unknown') return reasonWords[reason ?? 'no_trials'][lang]
  const failed = new Set(directions.filter(({ decides }) => decides).flatMap((one) => one.failed))
  return [...failed].map((clause) => clauseWords[clause][lang]).join(lang === 'zh' ? '；' : '; ')
}

/** Why a test was left out; empty for one that counts. */
export function reasonOf({ leftOut, cause }: Evidence, lang: Lang): string {
  if (leftOut === undefined) return ''
  const why = stateText('cause', causes[cause], lang)
  return leftOut === 'inconclusive' && cause !== 'none' && why !== '' ? why : leftOutWords[leftOut][lang]
}

/** A stored code of a bandwidth test in words; the code itself where this version knows none. */
export function stateText(name: FieldName<'bandwidth'>, code: number | null | undefined, lang: Lang): string {
  if (code == null) return ''
  const field: Field = measurements.bandwidth.fields[name]
  return field.states?.[code]?.[lang] ?? String(code)
}
