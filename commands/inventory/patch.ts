/** A row of an inventory → the values that it sets, with its references found in the registry. */
import type { Text } from '../../core/catalog.ts'
import { parseCell } from './cells.ts'
import { columns } from './columns.ts'
import { type Existing, textOf, type Values } from './registry-rows.ts'
import type { Problem, Row } from './rows.ts'

/** `null`: is emptied. A key that is not there stays as it is. */
export type Patch = { row: Row; values: Values; problems: Problem[] }
/** A row of the inventory beside the row of the registry that it is about. */
export type Draft = { patch: Patch; existing?: Existing; after: Values }
export type References = {
  sites: readonly { id: string; names: readonly string[] }[]
  /** Rooms of the registry, and new ones. */
  rooms: () => readonly Existing['values'][]
  /** Site of rows that name none. */
  site?: string | undefined
}

export function patchOf(row: Row, references: References): Patch {
  const patch: Patch = { row, values: {}, problems: [] }
  for (const { header, column, cell } of row.cells) {
    const parsed = parseCell(cell, column)
    if ('problem' in parsed) patch.problems.push(problemAt(row, column.key, parsed.problem, cell.value, header))
    else if (parsed.value !== undefined) patch.values[column.key] = parsed.value
  }
  findSite(patch, references)
  if (row.table === 'terminals') findRoom(patch, references)
  return patch
}

function findSite({ row, values, problems }: Patch, { sites, site: only }: References): void {
  const written = values['site'] ?? only
  if (typeof written !== 'string') return
  const found = sites.filter(({ id, names }) => id === written || names.some((name) => isSameName(name, written)))
  const fail = (en: string, zh: string) => problems.push(problemAt(row, 'site', { en, zh }, written))
  if (found.length === 0) fail(`no site "${written}" in the registry`, `登记表中没有学校“${written}”`)
  else if (found.length > 1)
    fail(
      `"${written}" is the name of ${found.length} sites; give the id`,
      `有 ${found.length} 所学校叫“${written}”，请填学校编号`,
    )
  else if (only !== undefined && found[0]?.id !== only)
    fail(`not the site ${only} that is imported`, `不是本次导入的学校 ${only}`)
  else values['site'] = found[0]?.id
}

/** By its id, or by its name within the site. */
function findRoom({ row, values, problems }: Patch, { rooms }: References): void {
  const { room: written, site } = values
  if (typeof written !== 'string' || written === 'none') return
  const found = rooms().filter(
    ({ id, name, site: own }) =>
      id === written || ((site === undefined || own === site) && namesOf(name).some((one) => isSameName(one, written))),
  )
  const ids = new Set(found.map(({ id }) => id))
  if (ids.size === 1) values['room'] = [...ids][0]
  else if (ids.size > 1)
    problems.push(
      problemAt(
        row,
        'room',
        { en: `${ids.size} rooms have this name; give the id`, zh: `有 ${ids.size} 间教室同名，请填教室编号` },
        written,
      ),
    )
  else
    problems.push(
      problemAt(
        row,
        'room',
        {
          en: `no room "${written}" at this site; add it to the sheet of rooms`,
          zh: `本校没有教室“${written}”，请先加到“教室”表`,
        },
        written,
      ),
    )
}

/** Input methods write （1） or (1). */
function isSameName(one: string, other: string): boolean {
  return one.normalize('NFKC').trim() === other.normalize('NFKC').trim()
}

/** A name is text, or {en, zh}. */
export function namesOf(name: unknown): string[] {
  if (typeof name === 'string') return [name]
  return typeof name === 'object' && name !== null ? Object.values(name).filter((half) => typeof half === 'string') : []
}

/** A problem under the header that the file has; under both names of the column when the file has no such column. */
export function problemAt(row: Row, key: string, message: Text, value?: unknown, header?: string): Problem {
  const own = row.cells.find(({ column }) => column.key === key)
  const lacking = columns[row.table].find((one) => one.key === key)?.header
  const column = header ?? own?.header ?? (lacking === undefined ? key : `${lacking.zh} (${lacking.en})`)
  const shown = value ?? own?.cell.value
  const text = shown instanceof Date ? shown.toISOString().slice(0, 10) : textOf(shown)
  return { level: 'error', sheet: row.sheet, row: row.row, column, value: text.slice(0, 120), message }
}
