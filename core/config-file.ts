/**
 * YAML → checked configuration. All problems of a file are told at once, each with file, line and key.
 * Secrets never stand in a file that may be shared: passwords, keys and the like come from `<key>_file` or `${ENV}`.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
  visit,
  type YAMLError,
} from 'yaml'
import type { z } from 'zod'
import { AppError, messageOf } from './errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>
/** One thing wrong in a file; `text` reads `district.yaml:14: sites.3.town: no town "t9"; …`. */
export type Problem = { file: string; line: number; key: string; message: string; text: string }

/** Keys whose value may not stand in a file. */
export const secretKeys: ReadonlySet<string> = new Set([
  'password',
  'token',
  'secret',
  'community',
  'auth_key',
  'priv_key',
])
// A file of 40,000 sites has some 10 MB; past this it is no configuration.
const maxConfigBytes = 64 * 1024 * 1024

const usualCure = '--config FILE names another; the examples in config/ are there to begin with'

/** Of a file that is not there, or not for this user. `cure`: what names it, and where another one comes from. */
export function whyUnreadable(error: unknown, cure: string): string {
  const isForbidden = (error as NodeJS.ErrnoException).code === 'EACCES'
  const todo = isForbidden ? 'give the user of this program the right to read it' : cure
  return `cannot be read: ${messageOf(error)}; ${todo}`
}

/** Reads and checks a file. Throws `config_invalid` with all problems, one a line. */
export function loadConfig<T extends z.ZodType>(
  file: string,
  schema: T,
  env: Environment,
  cure = usualCure,
): z.output<T> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new AppError('config_invalid', `${file}: ${whyUnreadable(error, cure)}`, { cause: error })
  }
  const result = checkConfig(text, file, schema, env)
  if ('value' in result) return result.value
  throw new AppError('config_invalid', result.problems.map((problem) => problem.text).join('\n'), {
    problems: result.problems,
  })
}

/** Checks the text of a file; the value, or everything that is wrong with it. Paths in `*_file` and `*_dir` are relative to the file. */
export function checkConfig<T extends z.ZodType>(
  text: string,
  file: string,
  schema: T,
  env: Environment,
): { value: z.output<T> } | { problems: Problem[] } {
  const lines = new LineCounter()
  const problems: Problem[] = []
  const report = (offset: number, key: string, message: string) => {
    const line = lines.linePos(offset).line || 1
    problems.push({ file, line, key, message, text: `${file}:${line}: ${key === '' ? '' : `${key}: `}${message}` })
  }
  if (text.length > maxConfigBytes)
    return {
      problems: [
        { file, line: 1, key: '', message: 'too large', text: `${file}: larger than ${maxConfigBytes} bytes` },
      ],
    }
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  const strange = strangeness(text, document)
  if (strange !== undefined) report(0, '', `this is not a Linkbell configuration: ${strange}`)
  else for (const error of document.errors) report(error.pos[0], '', yamlProblem(error, text))
  if (problems.length > 0) return { problems }
  const told = new Set<number>()
  resolveReferences(document, dirname(resolve(file)), env, (offset, key, message) => {
    told.add(offset)
    report(offset, key, message)
  })
  let plain: unknown
  try {
    plain = document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (error) {
    report(0, '', messageOf(error))
    return { problems }
  }
  const parsed = schema.safeParse(plain)
  if (parsed.success && problems.length === 0) return { value: parsed.data }
  for (const { path, key = path, message } of (parsed.error?.issues ?? []).flatMap((issue) => inWords(issue, plain))) {
    const offset = offsetOf(document, path)
    // A reference that leads nowhere needs no second word about the value that is not there.
    if (!told.has(offset)) report(offset, key.join('.'), message)
  }
  problems.sort((a, b) => a.line - b.line)
  return { problems }
}

/** What a text is that is no map of keys; undefined for one, and for nothing at all. */
function strangeness(text: string, { contents, errors }: Document): string | undefined {
  if (/[\0\uFFFD]/.test(text)) return 'it is not text in UTF-8'
  if (isSeq(contents)) return 'it is a list, and not keys with values'
  if (isScalar(contents) && contents.value !== null && errors.length === 0)
    return 'it is plain text, and not keys with values'
  return undefined
}

function yamlProblem({ code, pos, message }: YAMLError, text: string): string {
  const [key] = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,{}]+)/.exec(text.slice(pos[0])) ?? []
  if (code === 'DUPLICATE_KEY' && key !== undefined) return `the key ${key} stands twice; keep one of them`
  const [said = 'not YAML'] = message.split('\n')
  return said.replace(/ at line \d+, column \d+:?$/, '')
}

type Issue = z.core.$ZodIssue
/** `path`: where it stands. `key`: what is named, when it is not the same. */
type Words = { path: readonly PropertyKey[]; key?: readonly PropertyKey[]; message: string }

function inWords(issue: Issue, plain: unknown): Words[] {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      key: path,
      message: `unknown key "${key}"; check the spelling against the reference`,
    }))
  }
  const isAboutType = issue.code === 'invalid_type' || issue.code === 'invalid_union'
  if (isAboutType && valueAt(plain, path) === undefined) return [{ path, message: 'missing; it is required' }]
  if (issue.code === 'invalid_union') {
    // The alternative that fits best: the one that takes a value of this type and then finds fault with it.
    const best = issue.errors.find(([first]) => first?.code !== 'invalid_type' || first.path.length > 0)
    if (best !== undefined) {
      return best.flatMap((inner) => inWords({ ...inner, path: [...path, ...inner.path] }, plain))
    }
  }
  return [{ path, message: issue.message.replace(/^Invalid input: /, '') }]
}

function valueAt(plain: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], plain)
}

/** Where the node at `path` begins; a missing key has no node, so its nearest parent stands in. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    if (length > 0 && isMap(parent)) {
      const pair = parent.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(path[length - 1]),
      )
      if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? 0
    }
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node)) return (node as Node).range?.[0] ?? 0
  }
  return 0
}

/** Environment references, secrets from their files, and paths relative to the file that names them. */
function resolveReferences(
  document: Document,
  folder: string,
  env: Environment,
  report: (offset: number, key: string, message: string) => void,
): void {
  visit(document, {
    Pair(_, pair, ancestors) {
      const repeated = isAlias(pair.value) ? pair.value.resolve(document) : undefined
      if (isScalar(repeated)) pair.value = new Scalar(repeated.value)
      const { key, value } = pair
      if (!isScalar(key) || typeof key.value !== 'string' || !isScalar(value) || typeof value.value !== 'string') return
      const offset = key.range?.[0] ?? 0
      const path = ancestors.flatMap((node, i) => {
        if (isSeq(node)) return node.items.indexOf(ancestors[i + 1])
        return isPair(node) ? String(node.key) : []
      })
      const full = [...path, key.value].join('.')
      if (secretKeys.has(key.value) && !/\$\{\w+\}/.test(value.value)) {
        report(
          offset,
          full,
          `a secret does not belong in this file; use ${key.value}_file: PATH or ${key.value}: \${ENV_NAME}`,
        )
        return
      }
      const text = value.value.replace(/\$\{(\w+)\}/g, (_match, name: string) => {
        if (env[name] === undefined) report(offset, full, `the environment has no ${name}`)
        return env[name] ?? ''
      })
      const isPath = /_(file|dir)$/.test(key.value)
      value.value = isPath ? resolve(folder, text) : text
      const secret = key.value.replace(/_file$/, '')
      if (!isPath || !secretKeys.has(secret)) return
      const parent = ancestors.at(-1)
      if (isMap(parent) && parent.has(secret)) return report(offset, full, `${secret} is given already`)
      key.value = secret
      try {
        value.value = readFileSync(resolve(folder, text), 'utf8').trim()
      } catch (error) {
        report(offset, full, whyUnreadable(error, `put the ${secret} into that file, and nothing else`))
      }
    },
  })
}
