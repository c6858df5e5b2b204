/** Which row of the registry a row of an inventory is about. */
import type { TableName } from './columns.ts'
import { namesOf, type Patch, problemAt } from './patch.ts'
import { type Existing, type RegistryFile, rowsAt, textOf, type Values } from './registry-rows.ts'

/**
 * By id; without one by what a device keeps: within its site its MAC, else its address, serial number or name.
 * A row that could not be told from others at the next import is refused.
 */
export function createMatcher(
  table: TableName,
  rows: readonly Existing[],
  { now, isDated }: { now: number /** The file tells rows of one id apart by `valid_from`. */; isDated: boolean },
) {
  const current = rowsAt(rows, now)
  const byId = indexOf(rows, ({ values }) => [String(values['id'])])
  const marks = table === 'rooms' ? (['name'] as const) : (['mac', 'address', 'serial', 'name'] as const)
  const indexes = marks.map((mark) => ({ mark, index: indexOf(current, ({ values }) => keysOf(values, mark)) }))

  return ({ row, values, problems }: Patch): Existing | undefined => {
    const { id, valid_from: from } = values
    if (typeof id === 'string') {
      const versions = byId.get(id) ?? []
      const exact = versions.find((version) => version.values['valid_from'] === from)
      // A file without dates means the row that holds now.
      if (typeof from === 'string' || (exact !== undefined && isDated)) return exact
      return current.find((version) => version.values['id'] === id) ?? versions.at(-1)
    }
    if (!marks.some((mark) => keysOf(values, mark).length > 0)) {
      const said = {
        en: 'needs an id, MAC, address, serial number or name, to be known again',
        zh: '编号、MAC、IP地址、序列号、名称至少填一项，否则下次无法识别',
      }
      problems.push(problemAt(row, 'id', said))
      return undefined
    }
    for (const { mark, index } of indexes) {
      const found = keysOf(values, mark).flatMap((key) => index.get(key) ?? [])
      const suiting = mark === 'name' ? found.filter((one) => isSameThing(one.values, values)) : found
      if (suiting.length === 1) return suiting[0]
    }
    return undefined
  }
}

/** A name alone is weak: the kind and the room have to agree, and no stronger mark may differ. */
function isSameThing(known: Values, values: Values): boolean {
  return ['kind', 'room', 'mac', 'serial'].every(
    (key) => known[key] === undefined || values[key] === undefined || known[key] === values[key],
  )
}

function keysOf(values: Values, mark: 'mac' | 'address' | 'serial' | 'name'): string[] {
  const value = values[mark]
  const texts = mark === 'name' ? namesOf(value).slice(0, 1) : typeof value === 'string' ? [value] : []
  return texts.map((text) => `${String(values['site'])} ${text.toLowerCase()}`)
}

function indexOf(rows: readonly Existing[], keys: (row: Existing) => string[]): Map<string, Existing[]> {
  const index = new Map<string, Existing[]>()
  for (const row of rows) {
    for (const key of keys(row)) {
      const known = index.get(key)
      if (known === undefined) index.set(key, [row])
      else known.push(row)
    }
  }
  return index
}

/** Room for a number and a kind behind the id of a site. */
const longestPrefix = 48

/** Gives ids to new rows: `<site>-<kind>-<n>`, `<site>-<name>` for rooms that are called 101, else `<site>-room-<n>`. */
export function takenIds(registry: RegistryFile, patches: readonly Patch[]) {
  const taken = new Set([...registry.rows.rooms, ...registry.rows.terminals].map(({ values }) => values['id']))
  for (const { values } of patches) taken.add(values['id'])
  const last = new Map<string, number>()

  function next(table: TableName, values: Values): string {
    const site = (textOf(values['site']) || 'site').slice(0, longestPrefix)
    const [name = ''] = namesOf(values['name'])
    if (table === 'rooms' && /^[A-Za-z0-9-]{1,12}$/.test(name)) {
      const id = `${site}-${name}`
      if (!taken.has(id)) return take(id)
    }
    const stem = `${site}-${table === 'rooms' ? 'room' : (textOf(values['kind']) || 'device').slice(0, 10)}`
    for (let n = (last.get(stem) ?? 0) + 1; ; n++) {
      const id = `${stem}-${n}`
      last.set(stem, n)
      if (!taken.has(id)) return take(id)
    }
  }
  function take(id: string): string {
    taken.add(id)
    return id
  }
  return { next }
}
