/** Cells as people and Excel leave them → values of the registry; or why not. */
import { isIP } from 'node:net'
import type { Text } from '../../core/catalog.ts'
import { type Column, plain } from './columns.ts'
import { textOf } from './registry-rows.ts'

/** A cell as it stands in the file. */
export type Cell = {
  value: unknown
  /** Number format, such as `0000`. */
  format?: string | undefined
  /** `error`: such as #REF!. `empty-formula`: a formula that no program has calculated. */
  fault?: 'error' | 'empty-formula'
  /** Of a cell that was merged with those above it; no row is there because of it. */
  isFromAbove?: boolean
}
/** `null`: to be emptied. `undefined`: the cell says nothing. */
export type Parsed = { value: string | number | boolean | number[] | null | undefined } | { problem: Text }

/** Excel keeps 15 digits of a number; what had more was changed by it. */
const exactDigits = 15
const emptied = new Set(['-', '--', '—', '——', '无', '/'])
const yes = new Set(['是', '对', '√', 'y', 'yes', 'true', '1', '停用', '已停用', '报废', '已报废'])
const no = new Set(['否', '×', 'n', 'no', 'false', '0', '在用', '正常'])

export function parseCell(cell: Cell, column: Column): Parsed {
  if (cell.fault === 'error')
    return problem(`the cell holds the error ${textOf(cell.value)}`, `单元格是错误值 ${textOf(cell.value)}`)
  if (cell.fault === 'empty-formula')
    return problem('a formula without a value; paste its value', '公式没有计算结果，请粘贴为数值')
  const text = writtenIn(cell, column)
  if (typeof text !== 'string') return text
  if (text === '') return { value: undefined }
  if (emptied.has(text)) return { value: null }
  return parsers[column.type](text, column, cell)
}

/** The text of a cell; what only an id can lose (leading zeros, digits) is restored or complained of. */
function writtenIn({ value, format }: Cell, { type }: Column): string | { problem: Text } {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.join(',')
  if (value instanceof Date) {
    if (type === 'date') return value.toISOString().slice(0, 10)
    if (type === 'number') return String(value.getUTCFullYear())
    return problem(
      `Excel made a date of it (${value.toISOString().slice(0, 10)}); format the column as text and write it again`,
      `被 Excel 改成了日期（${value.toISOString().slice(0, 10)}），请把该列设为文本格式后重新填写`,
    )
  }
  if (typeof value === 'number') {
    if (type === 'mac')
      return problem(
        'Excel made a number of it; format the column as text and write it again',
        '被 Excel 改成了数字，请把该列设为文本格式后重新填写',
      )
    if (Math.abs(value) >= 10 ** exactDigits)
      return problem(
        'more than 15 digits, so Excel has changed the last ones; format the column as text and write it again',
        '数字超过 15 位，末尾已被 Excel 改动，请把该列设为文本格式后重新填写',
      )
    return /^0+$/.test(format ?? '') && Number.isInteger(value)
      ? String(value).padStart((format as string).length, '0')
      : String(value)
  }
  // Only names keep their full-width forms; in all else they are a matter of the input method.
  const raw = textOf(value)
    .replace(/\p{Cf}+/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  return (type === 'text' ? raw : raw.normalize('NFKC')).replaceAll('\u00a0', ' ').trim()
}

const parsers: Record<Column['type'], (text: string, column: Column, cell: Cell) => Parsed> = {
  text: (text) => ({ value: text }),
  word: (text) => ({ value: text }),
  // A space within an id is never meant.
  id: (text) => ({ value: text.replace(/\s+/g, '') }),
  choice: parseChoice,
  address: parseAddress,
  mac: parseMac,
  number: parseNumber,
  ports: parsePorts,
  yes: parseYes,
  date: parseDate,
}

function parseChoice(text: string, { words = {} }: Column): Parsed {
  const wanted = plain(text)
  const found = Object.entries(words).find(([key, { en, zh }]) =>
    [key, en, ...zh].some((word) => plain(word) === wanted),
  )
  if (found !== undefined) return { value: found[0] }
  const zh = Object.values(words)
    .map((word) => word.zh[0])
    .join('、')
  return problem(`not one of ${Object.keys(words).join(', ')}`, `不认识；可填：${zh}`)
}

function parseAddress(text: string): Parsed {
  const address = text.replaceAll('。', '.').replace(/\s+/g, '').toLowerCase()
  // 010.020.001.005 is meant as decimal.
  const dotted = address.replace(/\b0+(?=\d)/g, '')
  if (isIP(dotted) === 4) return { value: dotted }
  if (isIP(address) === 6) return { value: address }
  const isName = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(address)
  if (isName && address.length <= 253) return { value: address }
  return problem('not an address such as 192.168.1.20', '不是有效的 IP 地址，例如 192.168.1.20')
}

function parseMac(text: string): Parsed {
  const digits = text.toLowerCase().replace(/[\s:.-]/g, '')
  if (!/^[0-9a-f]{12}$/.test(digits))
    return problem('not a MAC address such as 00:1a:2b:3c:4d:5e', '不是有效的 MAC 地址，例如 00:1a:2b:3c:4d:5e')
  if (/^(0{12}|f{12})$/.test(digits)) return problem('no device has this MAC address', '这不是设备的 MAC 地址')
  return { value: (digits.match(/../g) as string[]).join(':') }
}

/** Also `2021年`, `2021-09`, `6 年`. */
function parseNumber(text: string): Parsed {
  const [, digits] = /^(\d{1,6})(?:\.0*)?(?:年.*|[-/.]\d{1,2}.*)?$/.exec(text.replace(/\s+/g, '')) ?? []
  return digits === undefined ? problem('not a whole number', '应填整数') : { value: Number(digits) }
}

function parsePorts(text: string): Parsed {
  const parts = text.split(/[\s,;、]+/).filter((part) => part !== '')
  if (parts.every((part) => /^\d{1,5}$/.test(part))) return { value: parts.map(Number) }
  return problem('not ports such as 80,443', '应填端口号，例如 80,443')
}

function parseYes(text: string): Parsed {
  const word = text.toLowerCase()
  if (yes.has(word)) return { value: true }
  if (no.has(word)) return { value: false }
  return problem('neither yes nor no', '应填“是”或“否”')
}

function parseDate(text: string): Parsed {
  const [, year, month = '', day = ''] = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text) ?? []
  const date = year === undefined ? text : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const isDate = /^\d{4}-\d{2}-\d{2}/.test(date) && !Number.isNaN(Date.parse(date))
  return isDate ? { value: date } : problem('not a date such as 2026-09-01', '不是有效的日期，例如 2026-09-01')
}

function problem(en: string, zh: string): { problem: Text } {
  return { problem: { en, zh } }
}
