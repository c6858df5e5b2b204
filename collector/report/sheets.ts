/** A report as a workbook, one sheet for each table: numbers as numbers, times as the wall clock shows them. */
import { type Cell, type Column, type Kind, kindOf, type Report, type Table, valueOf } from './document.ts'
import { wallTime } from './say.ts'
import { words } from './words.ts'

const formats: Record<Kind, string> = {
  text: '@',
  count: '0',
  ratio: '0.0%',
  points: '+0.0;-0.0;0.0',
  decimal: '0.##',
  mbps: '0.0',
  megabytes: '0.0',
  milliseconds: '0.0',
  time: 'yyyy-mm-dd hh:mm:ss',
  date: 'yyyy-mm-dd',
}
const widths: Partial<Record<Kind, number>> = { text: 18, time: 20 }

export async function xlsxOf(report: Report): Promise<Uint8Array> {
  const { writeXlsx } = await import('hucre/xlsx')
  const tables = report.blocks.filter((block) => block.type === 'table')
  const about = [
    [report.title],
    [report.subtitle],
    ...report.warnings.map((warning) => [warning]),
    ...report.blocks.flatMap((block) =>
      block.type === 'text'
        ? [...(block.title === '' ? [] : [[block.title]]), ...block.lines.map((line) => [line])]
        : block.type === 'facts'
          ? block.items.map(({ label, value }) => [`${label}: ${value}`])
          : [],
    ),
    [report.footer],
  ]
  const first = { name: words.sheet_about[report.lang], rows: about, columns: [{ width: 110 }] }
  return await writeXlsx({ sheets: [first, ...tables.map((table) => sheetOf(table, report.timezone))] })
}

function sheetOf({ name, columns, rows }: Table, timezone: string) {
  const head = columns.map((column) => column.head)
  const body = rows.map((row) => columns.map((column, i) => plain(row[i] ?? null, column, timezone)))
  const cells = new Map<string, { value: string | number | Date | null; style: object }>()
  for (const [c, value] of head.entries()) cells.set(`0,${c}`, { value, style: { font: { bold: true }, numFmt: '@' } })
  for (const [r, row] of rows.entries()) {
    for (const [c, column] of columns.entries()) {
      const kind = kindOf(row[c] ?? null, column)
      if (kind !== column.kind)
        cells.set(`${r + 1},${c}`, { value: body[r]?.[c] ?? null, style: { numFmt: formats[kind] } })
    }
  }
  return {
    name: sheetName(name),
    rows: [head, ...body],
    columns: columns.map(({ kind }) => ({ width: widths[kind] ?? 13, style: { numFmt: formats[kind] } })),
    cells,
    freezePane: { rows: 1 },
    pageSetup: {
      paperSize: 'a4' as const,
      orientation: 'landscape' as const,
      fitToPage: true,
      fitToWidth: 1,
      fitToHeight: 0,
    },
  }
}

/** Excel takes 31 characters, and none of these. */
function sheetName(name: string): string {
  return name.replaceAll(/[\\/?*[\]:]/g, ' ').slice(0, 31)
}

/** A cell as a sheet keeps it: rates in Mbit/s, sizes in MB, times of a round trip in ms. */
export function plain(cell: Cell, column: Column, timezone: string): string | number | Date | null {
  const value = valueOf(cell)
  const kind = kindOf(cell, column)
  if (value === null) return null
  if (typeof value === 'string') return kind === 'date' ? new Date(`${value}T00:00:00Z`) : value
  if (kind === 'time') return new Date(wallTime(value, timezone))
  if (kind === 'mbps' || kind === 'megabytes') return value / 1e6
  return kind === 'milliseconds' ? Number((value * 1000).toFixed(3)) : value
}
