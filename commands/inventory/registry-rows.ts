/** Rooms and devices as a registry file has them, with their places in it, so that they can be changed there. */
import { readFileSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from 'yaml'
import type { z } from 'zod'
import { checkConfig, type Environment, whyUnreadable } from '../../core/config-file.ts'
import { AppError } from '../../core/errors.ts'
import { type RegistryData, registrySchema } from '../../core/registry.ts'
import type { TableName } from './columns.ts'

export type Values = Record<string, unknown>
/** A row of the file: its number in the table, and its values as written. */
export type Existing = { table: TableName; index: number; values: Values }
export type RegistryFile = { file: string; text: string; data: RegistryData; rows: Record<TableName, Existing[]> }

export const registryFlagCure =
  '--registry FILE names another: the one that registry_file of the collector names, or one begun from config/district.example.yaml'

/** Schema of one row of a table. */
export const rowSchemas: Readonly<Record<TableName, z.ZodType>> = {
  rooms: registrySchema.shape.rooms.unwrap().element,
  terminals: registrySchema.shape.terminals.unwrap().element,
}

/** Throws `config_invalid` for a registry that is not in order: it must be repaired first. */
export function readRegistryFile(name: string, env: Environment): RegistryFile {
  let file: string
  let text: string
  try {
    // The file itself, and not a link to it, is what will be replaced.
    file = realpathSync(resolve(name))
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new AppError('config_invalid', `${name}: ${whyUnreadable(error, registryFlagCure)}`, { cause: error })
  }
  const data = checkedRegistry(text, name, env)
  const document = parseDocument(text)
  const rowsOf = (table: TableName) =>
    itemsOf(document, table).map((item, index): Existing => ({ table, index, values: valuesOf(item, document) }))
  return { file, text, data, rows: { rooms: rowsOf('rooms'), terminals: rowsOf('terminals') } }
}

export function checkedRegistry(text: string, name: string, env: Environment): RegistryData {
  const checked = checkConfig(text, name, registrySchema, env)
  if ('value' in checked) return checked.value
  const problems = checked.problems.map((problem) => problem.text)
  throw new AppError('config_invalid', problems.join('\n'), { problems })
}

function itemsOf(document: Document, table: TableName): readonly unknown[] {
  const list = document.get(table)
  return isSeq(list) ? list.items : []
}

function valuesOf(item: unknown, document: Document): Values {
  const map = item as YAMLMap
  return (isMap(item) ? map.toJS(document) : (item as { toJS: (doc: Document) => unknown }).toJS(document)) as Values
}

/** Rows that hold at a time: of each id the last that has begun, unless it is retired. */
export function rowsAt(rows: readonly Existing[], now: number): Existing[] {
  const latest = new Map<unknown, Existing>()
  for (const row of rows) {
    const known = latest.get(row.values['id'])
    if (beginOf(row) <= now && (known === undefined || beginOf(row) >= beginOf(known)))
      latest.set(row.values['id'], row)
  }
  return [...latest.values()].filter(({ values }) => values['retired'] !== true)
}

/** Any value as text; nothing is no text. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return value === undefined || value === null ? '' : JSON.stringify(value)
}

export function beginOf({ values }: Pick<Existing, 'values'>): number {
  return values['valid_from'] === undefined ? Number.NEGATIVE_INFINITY : Date.parse(textOf(values['valid_from']))
}
