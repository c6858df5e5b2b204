/** Language, and figures as people write them. */
import type { Field, Text } from '../../../core/catalog.ts'
import { type StringName, strings } from '../strings.ts'

export type Language = 'en' | 'zh'
const remembered = 'linkbell.language'

let language: Language = stored() ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en')
let timezone = 'Asia/Shanghai'

export function currentLanguage(): Language {
  return language
}

export function setLanguage(next: Language): void {
  language = next
  try {
    localStorage.setItem(remembered, next)
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function stored(): Language | undefined {
  try {
    const value = localStorage.getItem(remembered)
    return value === 'en' || value === 'zh' ? value : undefined
  } catch {
    return undefined
  }
}

export function setTimezone(name: string): void {
  timezone = name
}

const locale = () => (language === 'zh' ? 'zh-CN' : 'en-GB')

/** A text of the table, its places filled in. */
export function say(name: StringName, values: Readonly<Record<string, string | number>> = {}): string {
  return strings[name][language].replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? ''))
}

/** The language's half of a text from the registry or the catalog. */
export function pick(text: Text): string {
  return text[language]
}

/** The meaning of a state's number. */
export function stateOf(field: Field, value: number | null | undefined): string {
  const text = value === null || value === undefined ? undefined : field.states?.[value]
  return text === undefined ? '–' : pick(text)
}

const number = (value: number, digits: number) =>
  new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)

export const count = (value: number) => number(value, 0)
export const years = (value: number) => say('years', { count: number(value, 1) })
/** 0.884 → 88.4%. A rate that is not whole never reads as whole. */
export function percent(ratio: number, digits = 1): string {
  const limit = 1 - 0.5 * 10 ** (-digits - 2)
  const capped = ratio < 1 && ratio > limit ? limit - 10 ** (-digits - 3) : ratio
  const whole = capped === 1 || capped === 0
  return `${number(capped * 100, whole ? 0 : digits)}%`
}

/** A figure of a rule, as it was given: 95%, 92.5%. */
export const part = (ratio: number | null) =>
  ratio === null ? '–' : new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(ratio)

/** Mbit/s without the unit, for columns that name it. */
export function megabits(bps: number): string {
  const value = bps / 1e6
  return number(value, value >= 10_000 ? 0 : value >= 10 ? 1 : 2)
}

export function bitRate(bps: number): string {
  return Math.abs(bps) < 1e5 ? `${number(bps / 1e3, 1)} kbit/s` : `${megabits(bps)} Mbit/s`
}

/** A target is a round number: 500 Mbit/s. */
export function roundRate(bps: number): string {
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(bps / 1e6)} Mbit/s`
}

export function milliseconds(seconds: number): string {
  const value = seconds * 1000
  const size = Math.abs(value)
  return `${number(value, size >= 100 ? 0 : size >= 10 ? 1 : 2)} ms`
}

export function bytes(value: number): string {
  const [unit, scale] = value >= 1e9 ? ['GB', 1e9] : value >= 1e6 ? ['MB', 1e6] : ['kB', 1e3]
  return `${number(value / (scale as number), 1)} ${unit}`
}

/** 7天 → 7 天, as the rest of the page writes it. */
const spaced = (text: string) => text.replace(/(\d)(\p{Script=Han})/u, '$1 $2')

export function duration(seconds: number): string {
  const [value, unit] =
    seconds >= 172_800
      ? [seconds / 86_400, 'day']
      : seconds >= 7_200
        ? [seconds / 3_600, 'hour']
        : [seconds / 60, 'minute']
  const format = new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit: unit as string,
    unitDisplay: 'short',
    maximumFractionDigits: 0,
  })
  return spaced(format.format(value as number))
}

/** Of lamps, whose life is told in hours. */
export function hours(seconds: number): string {
  const format = new Intl.NumberFormat(locale(), { style: 'unit', unit: 'hour', maximumFractionDigits: 0 })
  return spaced(format.format(seconds / 3_600))
}

type Moment = string | number

/** Times are those of the district, wherever the browser is. */
function inZone(time: Moment, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(locale(), { timeZone: timezone, ...options }).format(new Date(time))
}

export const dateTime = (time: Moment) =>
  inZone(time, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
export const fullTime = (time: Moment) =>
  inZone(time, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  })
export const clockSeconds = (time: Moment) =>
  inZone(time, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
export const clock = (time: Moment) => inZone(time, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
export const day = (time: Moment) => inZone(time, { month: 'short', day: 'numeric' })

/** 2026-10: the month of a time, or one before or after it. */
export function monthOf(time: Moment, offset: number): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone: timezone, year: 'numeric', month: '2-digit' }).formatToParts(
    new Date(time),
  )
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  return new Date(Date.UTC(of('year'), of('month') - 1 + offset, 1)).toISOString().slice(0, 7)
}

export function ago(time: Moment, now: number): string {
  const seconds = Math.max(0, (now - new Date(time).getTime()) / 1000)
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' })
  const [length, unit] =
    seconds < 90
      ? ([1, 'second'] as const)
      : seconds < 5_400
        ? ([60, 'minute'] as const)
        : seconds < 129_600
          ? ([3_600, 'hour'] as const)
          : ([86_400, 'day'] as const)
  return spaced(format.format(-Math.round(seconds / length), unit))
}

const offsets = new Map<number, number>()
/** Milliseconds that the district is ahead of UTC; charts draw in UTC, shifted by this. */
export function zoneOffset(time: number): number {
  const hour = Math.floor(time / 3_600_000)
  let offset = offsets.get(hour)
  if (offset === undefined) {
    const parts = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' }).formatToParts(time)
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours, minutes] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? []
    offset = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000
    offsets.set(hour, offset)
  }
  return offset
}
