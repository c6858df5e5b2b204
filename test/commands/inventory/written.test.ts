import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { importInventory } from '../../../commands/inventory/import.ts'
import { linkbell } from '../linkbell.ts'
import { district, type Value, writeSheet } from './sheets.ts'

let folder: string
let registry: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-inventory-'))
  registry = join(folder, 'district.yaml')
  writeFileSync(registry, district)
})
afterEach(() => rmSync(folder, { recursive: true }))

const run = (command: string, args: string[]) =>
  new Promise<{ code: number; stderr: string }>((resolve) => {
    execFile(command, args, { env: { ...process.env, LC_ALL: 'C' } }, (error, _, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    )
  })
const now = () => readFileSync(registry, 'utf8')
const importFile = (file: string, ...flags: string[]) =>
  linkbell(['inventory', 'import', file, '--registry', registry, ...flags])
const sheet = (rows: Value[][]) => writeSheet(join(folder, 'sheet.xlsx'), { 设备: rows })
const head = ['编号', '学校', '类型', '名称', 'IP地址', 'MAC地址']

describe('what an import writes', () => {
  it('needs a yes', async () => {
    const file = await sheet([head, ['new', 'east', '电脑', null, null, null]])
    expect(await importFile(file)).toMatchObject({ code: 1, stdout: expect.stringContaining('add --yes') })
    expect(now()).toBe(district)
  })

  it.each([
    ['y\n', true],
    ['是\n', true],
    ['\n', false],
    ['n\n', false],
    ['', false],
  ])('is asked for on a terminal: %o', async (answer, written) => {
    const file = await sheet([
      head,
      ['new', 'east', '电脑', null, null, null],
      ['bad', 'east', '电视', null, null, null],
    ])
    const input = new PassThrough()
    const output = new PassThrough()
    input.end(answer)
    const flags = { yes: false, skipBad: false, dryRun: false, json: false, lang: 'en' as const }
    const deps = { env: {}, print: () => undefined, now: Date.now(), signal: AbortSignal.timeout(10_000) }
    await importInventory({ file, registry, ...flags }, { ...deps, terminal: { input, output } })
    expect(String(output.read())).toContain('1 rows have errors. Write the others? [y/N]')
    expect(now().includes('id: new')).toBe(written)
  })

  it('is nothing when the disk refuses: the file stays as it was, and nothing lies beside it', async () => {
    const file = await sheet([
      head,
      ...Array.from({ length: 200 }, (_, n): Value[] => [`dev-${n}`, 'east', '电脑', null, null, null]),
    ])
    const limit = ['--fsize=4096', process.execPath, join(import.meta.dirname, '../../../bin/linkbell.js')]
    const { code, stderr } = await run('prlimit', [
      ...limit,
      'inventory',
      'import',
      file,
      '--registry',
      registry,
      '--yes',
    ])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('it is as it was') })
    expect(now()).toBe(district)
    expect(readdirSync(folder).toSorted()).toEqual(['district.yaml', 'sheet.xlsx'])
  })

  it('replaces the file that a link leads to', async () => {
    copyFileSync(registry, join(folder, 'real.yaml'))
    rmSync(registry)
    symlinkSync('real.yaml', registry)
    await importFile(await sheet([head, ['new', 'east', '电脑', null, null, null]]), '--yes')
    expect(readFileSync(join(folder, 'real.yaml'), 'utf8')).toContain('id: new')
  })

  it('is a registry that agents take, or nothing', async () => {
    writeFileSync(registry, `${district}agents:\n  - { id: east-gw1, site: east }\n`)
    const before = now()
    const file = await sheet([
      head,
      ...Array.from({ length: 2100 }, (_, n): Value[] => [
        `dev-${n}`,
        'east',
        '电脑',
        null,
        `10.3.${n >> 8}.${n & 255}`,
        null,
      ]),
    ])
    expect(await importFile(file, '--yes')).toMatchObject({ code: 2, stderr: expect.stringContaining('at most 2000') })
    expect(now()).toBe(before)
  })

  it('needs a registry, and says which flag names one', async () => {
    rmSync(registry)
    const { code, stderr } = await importFile(await sheet([head, ['new', 'east', '电脑', null, null, null]]), '--yes')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/district\.yaml: cannot be read: ENOENT.*; --registry FILE names another: /),
    })
  })

  it('is not attempted over a registry that is broken', async () => {
    writeFileSync(registry, district.replace('town: t1, category: town', 'town: t9, category: town'))
    const { code, stderr } = await importFile(await sheet([head, ['new', 'east', '电脑', null, null, null]]), '--yes')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('district.yaml:7: sites.0.town: no town "t9"'),
    })
  })
})
