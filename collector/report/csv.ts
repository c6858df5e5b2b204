/** Bandwidth tests as CSV, one line each. */
import type { Cell, Column } from './document.ts'
import { localText } from './say.ts'
import { plain } from './sheets.ts'

export async function csvOf(columns: readonly Column[], rows: readonly (readonly Cell[])[], timezone: string) {
  const { writeCsv } = await import('hucre/csv')
  const body = rows.map((row) =>
    columns.map((column, i) => {
      const cell = row[i] ?? null
      return column.kind === 'time' && typeof cell === 'number'
        ? localText(cell, timezone)
        : plain(cell, column, timezone)
    }),
  )
  // The mark tells Excel that it is UTF-8; names of the registry may look like formulas.
  return writeCsv([columns.map(({ head }) => head), ...body], { bom: true, escapeFormulae: true })
}
