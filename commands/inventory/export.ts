/** `linkbell inventory export`: rooms and devices of a registry as a sheet that people edit and import back. */
import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import type { Environment } from '../../core/config-file.ts'
import { AppError } from '../../core/errors.ts'
import { type Lang, type TableName, tables } from './columns.ts'
import { readRegistryFile } from './registry-rows.ts'
import { replaceFile } from './save.ts'
import { writeTables } from './sheets.ts'

export type ExportOptions = { file: string; registry: string; site?: string; lang: Lang; force: boolean }

export async function exportInventory(options: ExportOptions, env: Environment, print: (line: string) => void) {
  const { registry: name, site, lang, force } = options
  const file = resolve(options.file)
  if (existsSync(file) && !force)
    throw new AppError('config_invalid', `${options.file} exists; give --force to write over it`)
  const { data, rows } = readRegistryFile(name, env)
  if (site !== undefined && !data.sites.some(({ id }) => id === site))
    throw new AppError('config_invalid', `${name}: no site "${site}"`)
  const chosen = (table: TableName) =>
    rows[table].filter(({ values }) => site === undefined || values['site'] === site).map(({ values }) => ({ values }))
  const content = { rooms: chosen('rooms'), terminals: chosen('terminals') }
  replaceFile(file, await writeTables(content, extname(file).toLowerCase(), lang), undefined)
  print(`${options.file}: ${tables.map((table) => `${content[table].length} ${table}`).join(', ')}`)
}
