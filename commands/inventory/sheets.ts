/** Rows of rooms and devices → a file: .xlsx with both, .csv with the devices, .yaml as in a registry. */
import { Document, isMap, isSeq } from 'yaml'
import type { Text } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import { type Column, columns, type Lang, remarks, sheetNames, type TableName, tables, wordOf } from './columns.ts'
import { namesOf } from './patch.ts'
import { textOf, type Values } from './registry-rows.ts'

/** `reason` and `ports`: what a discovery says of a device; for people, an import reads over it. */
export type SheetRow = { values: Values; reason?: Text; ports?: readonly number[] }
export type Tables = Readonly<Record<TableName, readonly SheetRow[]>>

const notes: readonly Text[] = [
  {
    zh: '本表由联铃导出，可在“教室”和“设备”两张表中修改，再用 linkbell inventory import 导入。',
    en: 'Exported by Linkbell: change the sheets of rooms and devices, then `linkbell inventory import`.',
  },
  {
    zh: '编号用于识别同一行，请勿改动；新增的行可留空，导入时自动编号。',
    en: 'The ID tells which row is meant: leave it. New rows may go without; the import gives them one.',
  },
  {
    zh: '空单元格表示不改；填 - 表示清空；不再使用的设备在“停用”列填“是”，不要删除该行。',
    en: 'An empty cell changes nothing; - empties a value. A device that is gone: “yes” under Retired, do not delete the row.',
  },
  { zh: '“教室”列可填教室编号或名称；“学校”列可填学校编号或名称。', en: 'Room and Site take an ID or a name.' },
]

export async function writeTables(content: Tables, extension: string, lang: Lang): Promise<string | Uint8Array> {
  if (extension === '.xlsx') return await xlsx(content, lang)
  if (extension === '.csv') return await csv(content.terminals, lang)
  if (extension === '.yaml' || extension === '.yml') return yaml(content, lang)
  throw new AppError(
    'config_invalid',
    `${extension === '' ? 'no' : extension} is no kind of inventory; write .xlsx, .csv or .yaml`,
  )
}

async function xlsx(content: Tables, lang: Lang): Promise<Uint8Array> {
  const { writeXlsx } = await import('hucre/xlsx')
  const sheets = tables.map((table) => {
    const { head, body, widths } = gridOf(table, content[table], lang)
    return {
      name: sheetNames[table][lang],
      rows: [head, ...body],
      // Text (@): else Excel makes dates of 3-1 and drops the zeros of 0012 as they are typed.
      columns: widths.map((width) => ({ width, style: { numFmt: '@' } })),
      cells: new Map(head.map((value, c) => [`0,${c}`, { value, style: { font: { bold: true }, numFmt: '@' } }])),
      freezePane: { rows: 1 },
      autoFilter: { range: `A1:${letterOf(head.length - 1)}${body.length + 1}` },
      dataValidations: validationsOf(table, body.length, lang),
    }
  })
  const lines = notes.map((note) => [note[lang]])
  return await writeXlsx({
    sheets: [...sheets, { name: sheetNames.notes[lang], rows: lines, columns: [{ width: 100 }] }],
    activeSheet: 1,
  })
}

/** Room for rows that are added below. */
const spareRows = 500

/** Lists to choose from; any other word may still be typed, and the import says what it thinks of it. */
function validationsOf(table: TableName, rows: number, lang: Lang) {
  return columns[table].flatMap((column, c) => {
    const values = choicesOf(column, lang)
    if (values.length === 0) return []
    const letter = letterOf(c)
    const range = `${letter}2:${letter}${rows + 1 + spareRows}`
    return [{ type: 'list' as const, values, range, allowBlank: true, showErrorMessage: false }]
  })
}

function choicesOf(column: Column, lang: Lang): string[] {
  if (column.type === 'yes') return yesNo[lang]
  return Object.keys(column.words ?? {}).map((value) => wordOf(column, value, lang))
}

const yesNo: Record<Lang, string[]> = { zh: ['是', '否'], en: ['yes', 'no'] }

function letterOf(column: number): string {
  return column < 26
    ? String.fromCharCode(65 + column)
    : `${letterOf(Math.floor(column / 26) - 1)}${letterOf(column % 26)}`
}

async function csv(rows: readonly SheetRow[], lang: Lang): Promise<string> {
  const { writeCsv } = await import('hucre/csv')
  const { head, body } = gridOf('terminals', rows, lang)
  // The mark tells Excel that it is UTF-8; names of devices come from the network and may look like formulas.
  return writeCsv([head, ...body], { bom: true, escapeFormulae: true })
}

function gridOf(table: TableName, rows: readonly SheetRow[], lang: Lang) {
  const own = columns[table]
  const isFound = rows.some(({ reason }) => reason !== undefined)
  const head = [
    ...own.map(({ header }) => header[lang]),
    ...(isFound ? [remarks.ports[lang], remarks.reason[lang]] : []),
  ]
  const body = rows.map(({ values, reason, ports = [] }) => [
    ...own.map((column) => shown(column, values, lang)),
    ...(isFound ? [ports.join(', '), reason?.[lang] ?? ''] : []),
  ])
  return { head, body, widths: [...own.map(({ width }) => width), ...(isFound ? [16, 60] : [])] }
}

function shown(column: Column, values: Values, lang: Lang): string | number | null {
  const [zh, en] = [namesOf(values['name'])[0], nameInEnglish(values['name'])]
  if (column.key === 'name') return zh ?? null
  if (column.key === 'name_en') return en === zh ? null : (en ?? null)
  const value = values[column.key]
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return yesNo[lang][value ? 0 : 1] as string
  if (Array.isArray(value)) return value.join(',')
  if (typeof value === 'number') return value
  return wordOf(column, textOf(value), lang)
}

function nameInEnglish(name: unknown): string | undefined {
  return typeof name === 'object' && name !== null ? String((name as Values)['en']) : namesOf(name)[0]
}

function yaml(content: Tables, lang: Lang): string {
  const document = new Document({
    rooms: content.rooms.map(({ values }) => values),
    terminals: content.terminals.map(({ values }) => values),
  })
  for (const table of tables) {
    const list = document.get(table)
    for (const [index, item] of (isSeq(list) ? list.items : []).entries()) {
      if (isMap(item)) item.flow = true
      const reason = content[table][index]?.reason?.[lang]
      if (isMap(item) && reason !== undefined) item.comment = ` ${oneLine(reason)}`
    }
  }
  return document.toString({ lineWidth: 0 })
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ')
