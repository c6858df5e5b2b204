/** What an inventory would change in a registry. Pure: nothing is written here. */
import { z } from 'zod'
import { columns, type TableName } from './columns.ts'
import { createMatcher, takenIds } from './match.ts'
import { type Draft, namesOf, type Patch, patchOf, problemAt } from './patch.ts'
import { type RegistryFile, rowSchemas, rowsAt, type Values } from './registry-rows.ts'
import type { Inventory, Problem } from './rows.ts'
import { checkTwice } from './twice.ts'

/** Keys of a row of the registry and their new values; `undefined` removes one. `index` of a new row is undefined. */
export type Change = { table: TableName; index?: number; id: string; site: string; values: Values; before: Values }
export type Counts = { added: number; changed: number; unchanged: number; bad: number; missing: number }
export type Plan = {
  changes: Change[]
  problems: Problem[]
  /** In the registry, at a site of the inventory, and not in the inventory. They are left as they are. */
  missing: { table: TableName; id: string; site: string }[]
  counts: Record<TableName, Counts>
}
export type PlanOptions = { site?: string | undefined; now: number }

export function planImport(registry: RegistryFile, inventory: Inventory, { site, now }: PlanOptions): Plan {
  const newRooms: Values[] = []
  const references = {
    site,
    sites: registry.data.sites.map(({ id, name }) => ({ id, names: [name.zh, name.en] })),
    rooms: () => [...registry.rows.rooms.map(({ values }) => values), ...newRooms],
  }
  const plan: Plan = { changes: [], problems: [...inventory.problems], missing: [], counts: emptyCounts() }
  for (const table of ['rooms', 'terminals'] as const) {
    const rows = inventory.rows.filter((row) => row.table === table)
    const patches = rows.map((row) => patchOf(row, references))
    const drafts = draftsOf(table, patches, registry, now)
    checkTwice(table, drafts, registry.rows[table], now)
    for (const draft of drafts) {
      plan.problems.push(...draft.patch.problems)
      const counts = plan.counts[table]
      if (draft.patch.problems.some(({ level }) => level === 'error')) counts.bad += 1
      else {
        const change = changeOf(draft)
        if (change === undefined) counts.unchanged += 1
        else {
          plan.changes.push(change)
          counts[change.index === undefined ? 'added' : 'changed'] += 1
          if (table === 'rooms') newRooms.push(draft.after)
        }
      }
    }
    plan.missing.push(...missingOf(table, drafts, registry, site, now))
    plan.counts[table].missing = plan.missing.filter((row) => row.table === table).length
  }
  return plan
}

function emptyCounts(): Plan['counts'] {
  const none = () => ({ added: 0, changed: 0, unchanged: 0, bad: 0, missing: 0 })
  return { rooms: none(), terminals: none() }
}

function draftsOf(table: TableName, patches: Patch[], registry: RegistryFile, now: number): Draft[] {
  const isDated = patches.some(({ row }) => row.cells.some(({ column }) => column.key === 'valid_from'))
  const match = createMatcher(table, registry.rows[table], { now, isDated })
  const ids = takenIds(registry, patches)
  return patches.map((patch) => {
    const existing = match(patch)
    const after = merged(existing?.values ?? {}, patch.values)
    if (existing === undefined && after['id'] === undefined) after['id'] = ids.next(table, after)
    const draft: Draft = { patch, after, ...(existing && { existing }) }
    checkRow(table, draft)
    return draft
  })
}

/** The values of a row once a patch is laid over it, as they are written in a registry. */
function merged(before: Values, patch: Values): Values {
  const after: Values = { ...before }
  for (const [key, value] of Object.entries(patch)) {
    if (key === 'name' || key === 'name_en') continue
    if (value === null) delete after[key]
    else after[key] = value
  }
  const name = nameOf(before['name'], patch)
  if (name === undefined) delete after['name']
  else after['name'] = name
  // An `undefined` to remove would be written as a null; a `false` that says nothing is left out of new rows.
  if (after['retired'] === false && before['retired'] === undefined) delete after['retired']
  return after
}

function nameOf(before: unknown, { name, name_en: english }: Values): unknown {
  if (name === null) return undefined
  const [oldZh, oldEn] =
    typeof before === 'object' && before !== null
      ? [(before as Values)['zh'], (before as Values)['en']]
      : [before, before]
  const zh = name ?? oldZh ?? english
  const en = english === null ? zh : (english ?? (oldEn === oldZh ? zh : oldEn))
  if (zh === undefined || zh === null) return undefined
  if (namesOf(before)[0] === zh && oldEn === en) return before
  return zh === en ? zh : { zh, en }
}

/** Finds fault with a row by the registry's own schema, under the columns of the sheet. */
function checkRow(table: TableName, { patch, after }: Draft): void {
  const told = new Set(patch.problems.map(({ column }) => column))
  const parsed = rowSchemas[table].safeParse(after)
  for (const { path, message } of parsed.error?.issues ?? []) {
    const key = String(path[0])
    const missing = after[key] === undefined
    const said = missing
      ? { en: 'is required', zh: '必填' }
      : { en: wordsOf(message), zh: rules[key] ?? `不符合要求：${wordsOf(message)}` }
    const problem = problemAt(patch.row, key, said)
    // A cell that could not be read is told of already.
    if (!told.has(problem.column)) patch.problems.push(problem)
    told.add(problem.column)
  }
}

/** The schema's words in Chinese. */
const rules: Readonly<Record<string, string>> = {
  id: '编号由字母、数字和 . _ : - 组成，以字母或数字开头，最多 64 个字符',
  room: '教室编号由字母、数字和 . _ : - 组成，最多 64 个字符',
  purchase_year: '年份应在 1990 至 2100 之间',
  service_years: '使用年限应在 1 至 30 之间',
  tcp_ports: '最多 4 个端口，每个在 1 至 65535 之间',
  agent: '采集端编号由 3 至 40 个小写字母、数字或连字符组成',
  vendor: '最多 64 个字符',
  model: '最多 64 个字符',
  serial: '最多 64 个字符',
}

const wordsOf = (message: string) => message.replace(/^Invalid input: /, '')

function changeOf({ patch, existing, after }: Draft): Change | undefined {
  const { table } = patch.row
  const at = { table, id: String(after['id']), site: String(after['site']) }
  if (existing === undefined) {
    const keys = columns[table].map(({ key }) => key).filter((key) => after[key] !== undefined)
    return { ...at, values: Object.fromEntries(keys.map((key) => [key, after[key]])), before: {} }
  }
  const before = existing.values
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const [was, is] = [meaningOf(table, before), meaningOf(table, after)]
  const changed = keys.filter((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]))
  if (changed.length === 0) return undefined
  const pick = (from: Values) => Object.fromEntries(changed.map((key) => [key, from[key]]))
  return { ...at, index: existing.index, values: pick(after), before: pick(before) }
}

/** Two ways to write the same are the same. */
function meaningOf(table: TableName, values: Values): Values {
  return z.record(z.string(), z.unknown()).parse(rowSchemas[table].parse(values))
}

function missingOf(table: TableName, drafts: Draft[], registry: RegistryFile, site: string | undefined, now: number) {
  const sites = new Set(site === undefined ? drafts.map(({ after }) => after['site']) : [site])
  const seen = new Set(drafts.map(({ after }) => after['id']))
  // A file of devices alone says nothing of rooms.
  if (drafts.length === 0) return []
  return rowsAt(registry.rows[table], now)
    .filter(({ values }) => sites.has(values['site']) && !seen.has(values['id']))
    .map(({ values }) => ({ table, id: String(values['id']), site: String(values['site']) }))
}
