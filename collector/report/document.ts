/** A report as data: what the pages of a browser, the sheets of a workbook and a CSV are all written from. */
import type { Text } from '../../core/catalog.ts'

export type Lang = keyof Text
export const formats = ['html', 'xlsx', 'csv'] as const
export type Format = (typeof formats)[number]

/** What a number of a column is, in base units; `decimal` has no unit of its own, `points` are hundredths of a share. */
export type Kind =
  | 'text'
  | 'count'
  | 'ratio'
  | 'points'
  | 'decimal'
  | 'mbps'
  | 'megabytes'
  | 'milliseconds'
  | 'time'
  | 'date'
export type Tone = 'met' | 'below' | 'unknown'
type Value = string | number | null
export type Cell = Value | { value: Value; tone?: Tone; kind?: Kind }

export type Column = { head: string; kind: Kind }
export type Table = {
  type: 'table'
  /** Name of its sheet. */
  name: string
  title: string
  note?: string
  columns: readonly Column[]
  rows: readonly (readonly Cell[])[]
  /** Said instead of it when it has no rows. */
  empty: string
  /** Needs a page across. */
  wide?: boolean
}
export type Block =
  | Table
  | { type: 'text'; title: string; lines: readonly string[] }
  | { type: 'facts'; items: readonly { label: string; value: string; tone?: Tone }[] }
  | { type: 'chart'; title: string; svg: string }

export type Report = {
  lang: Lang
  timezone: string
  title: string
  subtitle: string
  /** Said before all else: a month without data, made-up data. */
  warnings: readonly string[]
  blocks: readonly Block[]
  footer: string
}

export const valueOf = (cell: Cell): Value => (typeof cell === 'object' && cell !== null ? cell.value : cell)
export const toneOf = (cell: Cell): Tone | undefined =>
  typeof cell === 'object' && cell !== null ? cell.tone : undefined
export const kindOf = (cell: Cell, { kind }: Column): Kind =>
  typeof cell === 'object' && cell !== null ? (cell.kind ?? kind) : kind

/** `{name}` in a text of the report. */
export function filled(text: Text, lang: Lang, values: Readonly<Record<string, string | number>> = {}): string {
  return text[lang].replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}
