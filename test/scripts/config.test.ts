import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkFiles } from '../../commands/config-check.ts'
import { type ConfigKind, configKinds } from '../../commands/config-kinds.ts'
import { checkConfig } from '../../core/config-file.ts'
import { configFiles } from '../../scripts/config/files.ts'
import { jsonSchemaOf, type Key, keysOf } from '../../scripts/config/keys.ts'
import { writeValue } from '../../scripts/config/values.ts'
import { outputs } from '../../scripts/generate/config.ts'

const repository = join(import.meta.dirname, '..', '..')
const examples = configFiles.filter(({ example }) => example !== undefined).map(({ name }) => name)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-config-'))
  cpSync(join(repository, 'config'), folder, { recursive: true })
  for (const name of ['broker', 'board', 'projector'])
    writeFileSync(join(folder, `${name}.password`), 'a long enough password\n')
  for (const name of ['dingtalk.token', 'dingtalk.secret', 'relay.token', 'snmp.community'])
    writeFileSync(join(folder, name), 'a long enough token\n')
})
afterEach(() => rmSync(folder, { recursive: true }))

function problemsOf(name: string, text: string): string {
  const lines: string[] = []
  writeFileSync(join(folder, name), text)
  const ok = checkFiles([join(folder, name)], { env: {}, json: false, write: (line) => lines.push(line) })
  return ok ? '' : lines.join('\n')
}

const exampleOf = (name: string) => readFileSync(join(repository, 'config', `${name}.example.yaml`), 'utf8')
/** Takes one `#` away from every line that is switched off. Words begin with `# `, the other variants of a section with `##`. */
const switchedOn = (text: string) => text.replace(/^(?!##)( *)#(?=[^\s#]| {2})/gm, '$1')

function allKeys(keys: readonly Key[], parent = ''): { path: string; key: Key }[] {
  return keys.flatMap((key) => {
    const path = `${parent}${key.name}`
    const types = [...(key.variants ?? []), ...(key.rowTypes ?? [])].flatMap((type) => type.keys)
    const inner = [...(key.keys ?? []), ...(key.rows ?? []), ...types]
    return [{ path, key }, ...allKeys(inner, `${path}.`)]
  })
}

describe('the examples', () => {
  it.each(examples)('%s is a valid file as it is', (name) => {
    expect(problemsOf(`${name}.example.yaml`, exampleOf(name))).toBe('')
  })

  it.each(examples)('%s is valid with its defaults switched on, and with everything', (name) => {
    const once = switchedOn(exampleOf(name))
    expect(once).not.toBe(exampleOf(name))
    expect(problemsOf(`${name}.yaml`, once)).toBe('')
    expect(problemsOf(`${name}.yaml`, switchedOn(once))).toBe('')
  })

  it.each(examples)('%s shows the defaults that hold without it', (name) => {
    const parse = (text: string) => checkConfig(text, join(folder, 'x.yaml'), configKinds[name as ConfigKind], {})
    expect(parse(switchedOnDefaults(name))).toEqual(parse(exampleOf(name)))
  })

  it('collector has a valid section for another broker', () => {
    const [before = '', rest = ''] = exampleOf('collector').split(/^broker:$/m)
    const [, other = ''] = rest.split('# Or, instead of the section with another type:\n')
    expect(problemsOf('collector.yaml', `${before}${other.replace(/^##/gm, '')}`)).toBe('')
  })
})

/** Only keys with a default: what is optional has none to show. */
function switchedOnDefaults(name: string): string {
  const lines = exampleOf(name).split('\n')
  const at = (index: number) => /\(.*; default /.test(commentBefore(lines, index))
  return lines.map((line, index) => (at(index) ? line.replace(/^( *)#(?=\w)/, '$1') : line)).join('\n')
}

function commentBefore(lines: readonly string[], index: number): string {
  let first = index
  while (/^ *# \S/.test(lines[first - 1] ?? '')) first--
  return lines.slice(first, index).join(' ')
}

describe('every key', () => {
  it.each(configFiles.map(({ name }) => name))('of %s is described', (name) => {
    const keys = allKeys(keysOf(jsonSchemaOf(configKinds[name], name)))
    expect(keys.filter(({ key }) => key.description === '').map(({ path }) => path)).toEqual([])
  })
})

describe('the JSON Schemas', () => {
  it('take a secret as a file or as a variable of the environment', () => {
    const { broker } = jsonSchemaOf(configKinds.agent, 'agent').properties ?? {}
    expect(Object.keys(broker?.properties ?? {})).toEqual(expect.arrayContaining(['password', 'password_file']))
    const auth = jsonSchemaOf(configKinds.collector, 'collector').properties?.['http']?.properties?.['auth']
    expect(auth?.required).toEqual(['username'])
    expect(auth?.anyOf).toEqual([{ required: ['password'] }, { required: ['password_file'] }])
  })

  it('know the defaults of sizes, which are written with a unit', () => {
    const limits = jsonSchemaOf(configKinds.agent, 'agent').properties?.['limits']
    expect(limits?.properties?.['spool_bytes']?.default).toBe(512 * 1024 * 1024)
  })
})

describe('values', () => {
  it.each([
    ['max_bytes', 512 * 1024 * 1024, '512MiB'],
    ['test_bytes_per_month', 30e9, '30GB'],
    ['target_bps', 1e9, '1G'],
    ['target_bps', 123_456, '123456'],
    ['port', 1_000_000, '1000000'],
    ['name', { zh: '一小', en: 'No. 1: first' }, '{ zh: 一小, en: "No. 1: first" }'],
    ['list', ['a', 'true', '1'], '[a, "true", "1"]'],
  ])('%s: %j is written as %s', (name, value, text) => {
    expect(writeValue(name, value)).toBe(text)
  })
})

describe('what is committed', () => {
  it('is what the schemas say', async () => {
    for (const [path, text] of await outputs()) expect(readFileSync(join(repository, path), 'utf8'), path).toBe(text)
  })
})
