/** A file of an inventory → its rows, each cell under the key of its column, and what could not be read. */
import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Text } from '../../core/catalog.ts'
import { messageOf } from '../../core/errors.ts'
import type { Cell } from './cells.ts'
import { type Column, columnOf, columns, isRemark, plain, sheetNames, type TableName, tables } from './columns.ts'
import { textOf } from './registry-rows.ts'
import { type Grid, invalid, maxFileBytes, readCsvFile, readXlsxFile, decoded } from './workbook.ts'

/** `row`: as the program that shows the file counts. */
export type Row = {
  table: TableName
  sheet: string
  row: number
  cells: { header: string; column: Column; cell: Cell }[]
}
/** A row with an `error` is not used; a `warning` is only told. */
export type Problem = {
  level: 'error' | 'warning'
  sheet: string
  row: number
  column: string
  value: string
  message: Text
}
export type Inventory = { rows: Row[]; problems: Problem[] }

/** A title and some remarks may stand above the header. */
const headerWithin = 30

/** Throws `config_invalid` for a file that holds no inventory at all. */
export async function readInventory(file: string): Promise<Inventory> {
  const extension = extname(file).toLowerCase()
  const bytes = readBytes(file)
  if (extension === '.yaml' || extension === '.yml') return yamlRows(decoded(bytes), file)
  if (extension !== '.xlsx' && extension !== '.csv')
    throw invalid(file, `${extension === '' ? 'no' : extension} is no kind of inventory; give .xlsx, .csv or .yaml`)
  const grids = await (extension === '.csv' ? readCsvFile : readXlsxFile)(bytes, file)
  const inventory: Inventory = { rows: [], problems: [] }
  let found = 0
  for (const grid of grids) if (gridRows(grid, inventory)) found += 1
  if (found === 0) {
    const { zh, en } = { zh: headersOf('zh'), en: headersOf('en') }
    throw invalid(
      file,
      `no sheet with a header that is known, such as ${zh} or ${en}; \`linkbell inventory export\` writes one`,
    )
  }
  return inventory
}

function readBytes(file: string): Buffer {
  try {
    const { size } = statSync(file)
    if (size > maxFileBytes) throw new Error(`${size} bytes; an inventory has at most ${maxFileBytes}`)
    return readFileSync(file)
  } catch (error) {
    throw invalid(file, `cannot be read: ${messageOf(error)}`)
  }
}

const headersOf = (lang: keyof Text) =>
  columns.terminals
    .slice(0, 5)
    .map(({ header }) => header[lang])
    .join(', ')

type Header = { table: TableName; row: number; columns: (Column | undefined)[]; texts: string[] }

/** Whether the sheet has a header. */
function gridRows({ name, rows }: Grid, { rows: found, problems }: Inventory): boolean {
  const header = headerOf(name, rows)
  if (header === undefined) {
    const isNote = plain(name) === plain(sheetNames.notes.zh) || plain(name) === plain(sheetNames.notes.en)
    if (!isNote && rows.some((row) => row.some(isFilled)))
      problems.push(
        warning(name, 1, '', 'no header that is known; the sheet is not used', '没有可识别的表头，未使用此工作表'),
      )
    return false
  }
  const { table, texts } = header
  const seen = new Set<string>()
  texts.forEach((text, index) => {
    const column = header.columns[index]
    if (column === undefined && text !== '' && !isRemark(text))
      problems.push(warning(name, header.row + 1, text, 'no column that is known; not used', '不认识的列，未使用'))
    if (column !== undefined && seen.has(column.key)) {
      header.columns[index] = undefined
      problems.push(
        warning(name, header.row + 1, text, 'stands twice; the first one is used', '重复的列，只使用第一列'),
      )
    }
    if (column !== undefined) seen.add(column.key)
  })
  rows.forEach((cells, index) => {
    if (index <= header.row || !cells.some((cell, c) => header.columns[c] !== undefined && isFilled(cell))) return
    const known = cells.flatMap((cell, c) => {
      const column = header.columns[c]
      return column === undefined ? [] : [{ header: texts[c] as string, column, cell }]
    })
    found.push({ table, sheet: name, row: index + 1, cells: known })
  })
  return true
}

/** The row that knows most headers, two at least. The name of the sheet or the headers say what it holds. */
function headerOf(name: string, rows: Cell[][]): Header | undefined {
  const named = tables.find((table) =>
    [sheetNames[table].zh, sheetNames[table].en, table].some((own) => plain(own) === plain(name)),
  )
  let best: (Header & { known: number }) | undefined
  rows.slice(0, headerWithin).forEach((row, index) => {
    const texts = row.map(({ value }) => (typeof value === 'string' ? value.trim() : ''))
    for (const table of named === undefined ? (['terminals', 'rooms'] as const) : [named]) {
      const found = texts.map((text) => (text === '' ? undefined : columnOf(table, text)))
      const known = new Set(found.filter((column) => column !== undefined)).size
      // A list of rooms knows nothing of kinds and addresses.
      const suits =
        table === 'rooms' ||
        named !== undefined ||
        found.some((column) => column?.key === 'kind' || column?.key === 'address' || column?.key === 'mac')
      if (suits && known >= 2 && known > (best?.known ?? 0)) best = { table, row: index, columns: found, texts, known }
    }
  })
  return best
}

function isFilled({ value, fault, isFromAbove = false }: Cell): boolean {
  if (isFromAbove) return false
  return fault !== undefined || (value !== null && value !== undefined && textOf(value).trim() !== '')
}

/** Lists `rooms` and `terminals` as in a registry; whatever else stands in the file is not looked at. */
function yamlRows(text: string, file: string): Inventory {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined)
    throw invalid(`${file}:${lines.linePos(error.pos[0]).line}`, error.message.split('\n')[0] ?? 'not YAML')
  const inventory: Inventory = { rows: [], problems: [] }
  const { contents } = document
  if (!isMap(contents) || !tables.some((table) => contents.has(table)))
    throw invalid(file, 'has neither rooms nor terminals')
  for (const table of tables) {
    const list = contents.get(table)
    for (const item of isSeq(list) ? list.items : []) {
      const [offset = 0] = (item as { range?: [number, number, number] }).range ?? []
      const row = lines.linePos(offset).line
      if (isMap(item))
        inventory.rows.push(yamlRow(table, row, item.toJS(document) as Record<string, unknown>, inventory.problems))
      else inventory.problems.push({ ...warning(table, row, '', 'not a map of keys', '不是键值对'), level: 'error' })
    }
  }
  return inventory
}

function yamlRow(table: TableName, row: number, item: Record<string, unknown>, problems: Problem[]): Row {
  const cells: Row['cells'] = []
  for (const [key, value] of Object.entries(item)) {
    const column = columns[table].find((one) => one.key === key)
    if (key === 'name' && typeof value === 'object' && value !== null) {
      const { zh, en } = value as { zh?: unknown; en?: unknown }
      for (const [half, own] of [
        ['name', zh],
        ['name_en', en],
      ] as const)
        cells.push({
          header: key,
          column: columns[table].find((one) => one.key === half) as Column,
          cell: { value: own },
        })
    } else if (column === undefined)
      problems.push(warning(table, row, key, 'no key that is known; not used', '不认识的键，未使用'))
    else cells.push({ header: key, column, cell: { value } })
  }
  return { table, sheet: table, row, cells }
}

function warning(sheet: string, row: number, column: string, en: string, zh: string): Problem {
  return { level: 'warning', sheet, row, column, value: '', message: { en, zh } }
}
