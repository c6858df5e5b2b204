/** Changes into the text of a registry. Rows that do not change stay as they are, to the letter, and so do comments. */
import { isDeepStrictEqual } from 'node:util'
import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isSeq,
  type Node,
  parseDocument,
  YAMLMap,
  YAMLSeq,
} from 'yaml'
import { AppError } from '../../core/errors.ts'
import { type TableName, tables } from './columns.ts'
import type { Change } from './plan.ts'

/** `from` = `to`: insert there. */
type Edit = { from: number; to: number; text: string }
/** Rows that stand alone on their lines are exchanged line by line; anything else is out of this file's depth. */
type Span = { from: number; to: number; prefix: string }

export function changedText(text: string, changes: readonly Change[]): string {
  const document = parseDocument(text)
  const edits = editsOf(text, document, changes)
  const edited = edits === undefined ? undefined : applied(text, edits)
  // The document has the changes by now. Where line by line does not say the same, the whole is written anew:
  // comments and order stay, spaces may change.
  if (edited !== undefined && isDeepStrictEqual(parseDocument(edited).toJS(), document.toJS())) return edited
  const whole = document.toString({ lineWidth: 0 })
  return text.includes('\r\n') ? whole.replaceAll('\n', '\r\n') : whole
}

/** Makes the changes in the document; says how to make them in the text, or undefined when that cannot be said. */
function editsOf(text: string, document: Document, changes: readonly Change[]): Edit[] | undefined {
  const edits: Edit[] = []
  const fresh = new Map<TableName, string>()
  const absent = new Set(tables.filter((table) => !document.has(table)))
  let isClear = true
  const add = (edit: Edit | undefined) => {
    if (edit === undefined) isClear = false
    else edits.push(edit)
  }
  // Taken before a row is changed.
  const spans = new Map<unknown, Span | undefined>()
  // New rows after changed ones: the numbers of the rows are those of the file as it was read.
  for (const change of changes.filter(({ index }) => index !== undefined)) {
    const item = listOf(document, change.table).items[change.index as number]
    const span = spanOf(text, item)
    spans.set(item, span)
    const changed = changeItem(document, item, change)
    add(span && { from: span.from, to: span.to, text: rendered(changed, span.prefix) })
  }
  const lasts = new Map<TableName, Map<unknown, unknown>>()
  for (const change of bySite(
    changes.filter(({ index }) => index === undefined),
    document,
  )) {
    const list = listOf(document, change.table)
    const ends = lasts.get(change.table) ?? lastRows(list)
    lasts.set(change.table, ends)
    const last = ends.get(change.site)
    const neighbour = last ?? list.items.at(-1)
    const node = document.createNode(change.values, { flow: !isMap(neighbour) || neighbour.flow === true }) as YAMLMap
    list.items.splice(last === undefined ? list.items.length : list.items.indexOf(last) + 1, 0, node)
    ends.set(change.site, node)
    if (!spans.has(neighbour)) spans.set(neighbour, spanOf(text, neighbour))
    const span = spans.get(neighbour)
    spans.set(node, span)
    if (span !== undefined) add({ from: span.to, to: span.to, text: rendered(node, span.prefix) })
    else if (absent.has(change.table))
      fresh.set(change.table, `${fresh.get(change.table) ?? ''}${rendered(node, '  - ')}`)
    else isClear = false
  }
  const added = [...fresh].map(([table, rows]) => `${table}:\n${rows}`).join('')
  if (added !== '') add({ from: text.length, to: text.length, text: `${text.endsWith('\n') ? '' : '\n'}${added}` })
  return isClear ? edits : undefined
}

/** The last row of each site. */
function lastRows(list: YAMLSeq): Map<unknown, unknown> {
  return new Map(list.items.map((item) => [isMap(item) ? item.get('site') : undefined, item]))
}

/** The rows of a site together; first those of sites that have rows, for the others go to the end. */
function bySite(changes: readonly Change[], document: Document): Change[] {
  const known = new Map(tables.map((table) => [table, lastRows(listIn(document, table))]))
  const groups = [...Map.groupBy(changes, ({ table, site }) => `${table} ${site}`).values()]
  const isKnown = ([first]: Change[]) => first !== undefined && known.get(first.table)?.has(first.site) === true
  return [...groups.filter(isKnown), ...groups.filter((group) => !isKnown(group))].flat()
}

function listIn(document: Document, table: TableName): YAMLSeq {
  const known = document.get(table)
  return isSeq(known) ? known : new YAMLSeq()
}

function listOf(document: Document, table: TableName): YAMLSeq {
  const known = document.get(table)
  if (isSeq(known)) {
    if (known.items.length === 0) known.flow = false
    return known
  }
  const made = new YAMLSeq()
  document.set(table, made)
  return made
}

function changeItem(document: Document, item: unknown, { table, id, values }: Change): YAMLMap {
  // What an anchor elsewhere says would be changed with it, or not at all.
  if (!isMap(item) || item.anchor !== undefined || item.items.some(({ value }) => isAlias(value)))
    throw new AppError('config_invalid', `${table} ${id}: written with an anchor or an alias; change it by hand`)
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) item.delete(key)
    else item.set(key, typeof value === 'object' ? document.createNode(value, { flow: true }) : value)
  }
  return item as YAMLMap
}

/** The lines of a row, when they are its own. */
function spanOf(text: string, item: unknown): Span | undefined {
  if (!isMap(item) || !item.range) return undefined
  const from = text.lastIndexOf('\n', item.range[0] - 1) + 1
  const prefix = text.slice(from, item.range[0])
  const end = endOf(item as Node, text)
  const newline = text.indexOf('\n', end)
  const to = newline < 0 ? text.length : newline + 1
  const isAlone = /^ *- +$/.test(prefix) && /^[^\S\n]*(#.*)?\r?\n$/.test(text.slice(end, to))
  return isAlone ? { from, to, prefix } : undefined
}

/** Where the last value of a node ends; the range of a block collection goes on over the comments behind it. */
function endOf(node: Node, text: string): number {
  if (isCollection(node) && node.flow !== true) {
    const last = node.items.at(-1)
    const inner = isPair(last) ? (last.value ?? last.key) : last
    if (isNode(inner)) return endOf(inner, text)
  }
  const end = node.range?.[1] ?? 0
  return text[end - 1] === '\n' ? end - 1 : end
}

/** A row as a line (or lines) of a list, with the comment that stands behind it. */
function rendered(row: YAMLMap, prefix: string): string {
  const copy = row.clone() as YAMLMap
  // These stand on lines of their own, which stay.
  copy.commentBefore = null
  copy.spaceBefore = false
  if (copy.flow !== true) copy.comment = null
  const list = new YAMLSeq()
  list.items.push(copy)
  const [first = '', ...others] = new Document(list).toString({ lineWidth: 0 }).trimEnd().split('\n')
  const lines = [
    prefix + first.slice(2),
    ...others.map((line) => (line === '' ? '' : ' '.repeat(prefix.length) + line.slice(2))),
  ]
  return `${lines.join('\n')}\n`
}

function applied(text: string, edits: readonly Edit[]): string {
  const parts: string[] = []
  let at = 0
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  for (const edit of edits.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    parts.push(text.slice(at, edit.from), edit.text.replaceAll('\n', newline))
    at = edit.to
  }
  return parts.join('') + text.slice(at)
}
