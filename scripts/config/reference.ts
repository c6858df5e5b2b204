/** A file's keys as a table. */
import type { Key } from './keys.ts'
import { writeValue } from './values.ts'

type Row = [key: string, type: string, fallback: string, description: string]

export function referenceOf(keys: readonly Key[]): string {
  const rows = keys.flatMap((key) => rowsOf(key, ''))
  const lines = [['key 键', 'type 类型', 'default 默认值', 'meaning 说明'], ['---', '---', '---', '---'], ...rows]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function rowsOf(key: Key, parent: string, note = ''): Row[] {
  const path = `${parent}${key.name}`
  const isGroup = key.keys !== undefined || key.variants !== undefined || key.rows !== undefined
  const own: Row = [
    `\`${path}\`${note}`,
    key.type.replaceAll('|', '\\|'),
    key.required
      ? '**required 必填**'
      : key.default === undefined || isGroup
        ? ''
        : `\`${writeValue(key.name, key.default)}\``,
    key.description.replaceAll('|', '\\|'),
  ]
  const variants = key.variants ?? []
  return [
    own,
    ...(key.keys ?? []).flatMap((child) => rowsOf(child, `${path}.`)),
    ...(key.rows ?? []).flatMap((child) => rowsOf(child, `${path}[].`)),
    ...(key.rowTypes ?? []).flatMap(({ type, keys }) =>
      keys.flatMap((child) => rowsOf(child, `${path}[].`, ` (${type})`)),
    ),
    ...variants.flatMap(({ type, keys }) => keys.flatMap((child) => rowsOf(child, `${path}.`, ` (${type})`))),
  ]
}
