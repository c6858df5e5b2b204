/**
 * A commented example of a configuration file: what is required is set, everything else stands there commented out with
 * its default, so that a copy follows the defaults of later versions. One `#` less switches a line on.
 */
import type { Key } from './keys.ts'
import { writeValue } from './values.ts'

export type Samples = {
  /** What the example sets. */
  values: Readonly<Record<string, unknown>>
  /** What a commented-out key without default shows, by its dotted path. */
  samples?: Readonly<Record<string, unknown>>
}

const width = 116

type Section = Readonly<Record<string, unknown>>
/** `on`: what is not required is commented out. `off`: the whole section is, and its keys with defaults need no mark more. */
type Place = { path: string; section: 'on' | 'off'; samples: Section }

/** The text below the header. Throws when an optional key has neither default nor sample: the table must grow with the schema. */
export function exampleOf(keys: readonly Key[], { values, samples = {} }: Samples): string {
  const place: Place = { path: '', section: 'on', samples }
  return `${keys.map((key) => render(key, values[key.name], place).join('\n')).join('\n\n')}\n`
}

function render(key: Key, value: unknown, place: Place): string[] {
  if (key.rows !== undefined) return renderRows(key, value as Section[] | undefined, place)
  const isSection = key.keys !== undefined || key.variants !== undefined
  const head = prose(isSection ? key.description : `${key.description} (${factsOf(key)})`.trim())
  const off = isOff(key, value, place)
  const mark = (lines: string[]) => (off ? lines.map((line) => `#${line}`) : lines)
  const inner: Place = { ...place, path: `${place.path}${key.name}.`, section: off ? 'off' : place.section }
  if (key.keys !== undefined) return [...head, ...mark(section(key, key.keys, value as Section | undefined, inner))]
  if (key.variants === undefined) return [...head, ...mark([lineOf(key, value, place)])]
  const chosen = (value ?? key.default) as Section | undefined
  return [
    ...head,
    ...key.variants.flatMap(({ type, keys }) => {
      if (type === chosen?.['type']) return mark(section(key, keys, chosen, inner))
      const other = section(key, keys, { type }, { ...inner, section: 'off' })
      return ['# Or, instead of the section with another type:', ...other.map((line) => `##${line}`)]
    }),
  ]
}

function isOff(key: Key, value: unknown, { section }: Place): boolean {
  if (value !== undefined || key.required) return false
  return section === 'on' || key.default === undefined
}

function section(key: Key, keys: readonly Key[], values: Section | undefined, place: Place): string[] {
  const lines = keys.flatMap((child) => render(child, values?.[child.name], place))
  return [`${key.name}:`, ...lines.map((line) => `  ${line}`)]
}

function lineOf(key: Key, value: unknown, { path, samples }: Place): string {
  const shown = value ?? key.default ?? samples[`${path}${key.name}`]
  if (shown === undefined) throw new Error(`scripts/config/files.ts has no sample for ${path}${key.name}.`)
  return `${key.name}: ${writeValue(key.name, shown)}`
}

function renderRows(key: Key, rows: Section[] | undefined, { path, section, samples }: Place): string[] {
  const fieldsOf = (fields: readonly Key[] = []) =>
    fields.flatMap((row) => prose(`- ${row.name} (${factsOf(row)}): ${row.description}`))
  const types = (key.rowTypes ?? []).flatMap(({ type, keys }) => [...prose(`Of type ${type} also:`), ...fieldsOf(keys)])
  const head = [...prose(`${key.description} Each row:`), ...fieldsOf(key.rows), ...types]
  const shown = rows ?? (samples[`${path}${key.name}`] as Section[] | undefined) ?? []
  if (shown.length === 0) return [...head, `#${key.name}: []`]
  const lines = [`${key.name}:`, ...shown.map((row) => `  - ${writeValue('', row)}`)]
  return [...head, ...(rows === undefined && section === 'on' ? lines.map((line) => `#${line}`) : lines)]
}

/** Type, and whether it is required or what holds without it. */
function factsOf(key: Key): string {
  const fallback = key.default === undefined ? 'optional' : `default ${writeValue(key.name, key.default)}`
  return `${key.type}; ${key.required ? 'required' : fallback}`.replaceAll('`', '')
}

/** Comment lines of at most `width` characters; the space after `#` tells them from what is commented out. */
function prose(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map((each) => `# ${each}`)
}
