/** The inventory that a discovery compares with: a registry, or a sheet that was exported from one. */
import { AppError } from '../../core/errors.ts'
import { parseCell } from '../inventory/cells.ts'
import type { TableName } from '../inventory/columns.ts'
import { namesOf } from '../inventory/patch.ts'
import { rowsAt, type Values } from '../inventory/registry-rows.ts'
import { readInventory } from '../inventory/rows.ts'

export type Known = Record<TableName, Values[]>

/** `site`: rows of other sites are left out; every school has the same private addresses. */
export async function readKnown(file: string, site: string | undefined): Promise<Known> {
  const { rows } = await readInventory(file)
  const known: Known = { rooms: [], terminals: [] }
  const problems: string[] = []
  for (const row of rows) {
    const values: Values = {}
    for (const { header, column, cell } of row.cells) {
      const parsed = parseCell(cell, column)
      if ('problem' in parsed) problems.push(`${file}: ${row.sheet} row ${row.row}, ${header}: ${parsed.problem.en}`)
      else if (parsed.value !== undefined && parsed.value !== null) values[column.key] = parsed.value
    }
    const isOther = site !== undefined && values['site'] !== undefined && values['site'] !== site
    if (!isOther) known[row.table].push(named(values))
  }
  if (rows.length > 0 && known.rooms.length + known.terminals.length === 0)
    throw new AppError('config_invalid', `${file}: no row of site "${String(site)}"; sites stand there by their ids.`)
  if (problems.length > 0)
    throw new AppError(
      'config_invalid',
      `${problems.slice(0, 20).join('\n')}\nCorrect this first (${problems.length}).`,
    )
  return known
}

function named({ name, name_en: english, ...others }: Values): Values {
  if (name === undefined && english === undefined) return others
  return {
    ...others,
    name: english === undefined || english === name ? (name ?? english) : { zh: name ?? english, en: english },
  }
}

/** Devices that hold now. */
export function currentTerminals(known: Known, now: number): Values[] {
  const rows = known.terminals.map((values, index) => ({ table: 'terminals' as const, index, values }))
  // Rows without an id are all different devices.
  const withId = rowsAt(
    rows.filter(({ values }) => values['id'] !== undefined),
    now,
  )
  const without = rows.filter(({ values }) => values['id'] === undefined && values['retired'] !== true)
  return [...withId, ...without].map(({ values }) => values)
}

export function labelOf(values: Values): string {
  return [values['id'], namesOf(values['name'])[0], values['address']]
    .filter((part) => typeof part === 'string')
    .join(' ')
}
