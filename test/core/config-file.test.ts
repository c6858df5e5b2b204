/** What the files of test/config do not show: secrets, the environment, paths, and where a problem is told to be. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig, type Environment, loadConfig } from '../../core/config-file.ts'

const schema = z.strictObject({
  url: z.string().optional(),
  password: z.string().optional(),
  ca_file: z.string().optional(),
  data_dir: z.string().default('elsewhere'),
  list: z.array(z.strictObject({ token: z.string().optional(), n: z.int().optional() })).default([]),
  deep: z.strictObject({ secret: z.string().optional(), name: z.string().optional() }).prefault({}),
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function check(text: string, env: Environment = {}) {
  const result = checkConfig(text, join(folder, 'f.yaml'), schema, env)
  return 'value' in result ? result.value : result.problems.map((problem) => problem.text.replace(`${folder}/`, ''))
}
const put = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('a secret', () => {
  it('comes from the file that is named, without the line end', () => {
    put('pw', 'hush\n')
    expect(check('password_file: pw')).toMatchObject({ password: 'hush' })
    expect(check(`password_file: ${join(folder, 'pw')}`)).toMatchObject({ password: 'hush' })
  })

  it('comes from the environment, also within a list and deep down', () => {
    const text = 'password: ${P}\nlist:\n  - token: ${T}\ndeep: { secret: "${S}" }\n'
    expect(check(text, { P: 'p', T: 't', S: 's' })).toMatchObject({
      password: 'p',
      list: [{ token: 't' }],
      deep: { secret: 's' },
    })
  })

  it('does not stand in the file: each is told with its key and line', () => {
    expect(check('password: hush\nlist:\n  - n: 1\n  - token: hush\ndeep:\n  secret: ""\n')).toEqual([
      'f.yaml:1: password: a secret does not belong in this file; use password_file: PATH or password: ${ENV_NAME}',
      'f.yaml:4: list.1.token: a secret does not belong in this file; use token_file: PATH or token: ${ENV_NAME}',
      'f.yaml:6: deep.secret: a secret does not belong in this file; use secret_file: PATH or secret: ${ENV_NAME}',
    ])
  })

  it('does not stand in the file by way of an alias', () => {
    expect(check('url: &x hush\npassword: *x\n')).toEqual([
      'f.yaml:2: password: a secret does not belong in this file; use password_file: PATH or password: ${ENV_NAME}',
    ])
  })

  it('is not given twice', () => {
    put('pw', 'hush')
    expect(check('password: ${P}\npassword_file: pw\n', { P: 'other' })).toEqual([
      'f.yaml:2: password_file: password is given already',
    ])
  })

  it('is told to be missing by the line of its file', () => {
    expect(check('url: x\npassword_file: gone\n')).toEqual([
      expect.stringMatching(
        /^f\.yaml:2: password_file: cannot be read: ENOENT: .*gone'; put the password into that file, and nothing else$/,
      ),
    ])
    expect(check('password_file: .\n')).toEqual([
      expect.stringMatching(/^f\.yaml:1: password_file: cannot be read: EISDIR/),
    ])
  })
})

describe('the environment', () => {
  it('stands in for a part of a text, any number of times', () => {
    expect(check('url: mqtt://${H}:${P}/${H}', { H: 'broker', P: '1883' })).toMatchObject({
      url: 'mqtt://broker:1883/broker',
    })
  })

  it('may be empty, but not absent', () => {
    expect(check('url: x${E}', { E: '' })).toMatchObject({ url: 'x' })
    expect(check('url: ${A}${B}', { A: 'a' })).toEqual(['f.yaml:1: url: the environment has no B'])
  })

  it('is not asked for what only looks like it', () => {
    expect(check('url: "$A ${a-b} $ {A}"')).toMatchObject({ url: '$A ${a-b} $ {A}' })
  })
})

describe('a path', () => {
  it('is relative to the file that names it', () => {
    mkdirSync(join(folder, 'sub'))
    expect(check('ca_file: sub/ca.pem\ndata_dir: ../data\n')).toMatchObject({
      ca_file: join(folder, 'sub', 'ca.pem'),
      data_dir: join(folder, '..', 'data'),
    })
    expect(check('ca_file: /etc/ca.pem')).toMatchObject({ ca_file: '/etc/ca.pem' })
    expect(check('data_dir: ${D}/x', { D: '/srv' })).toMatchObject({ data_dir: '/srv/x' })
  })
})

describe('problems', () => {
  it('are told all at once, in the order of their lines', () => {
    const text = [
      'deep: { nam: 1 }',
      'list:',
      '  - n: one',
      '    token: hush',
      '  - m: 2',
      'ur1: x',
      'url: ${NO}',
      '',
    ].join('\n')
    expect(check(text)).toEqual([
      'f.yaml:1: deep: unknown key "nam"; check the spelling against the reference',
      'f.yaml:3: list.0.n: expected number, received string',
      'f.yaml:4: list.0.token: a secret does not belong in this file; use token_file: PATH or token: ${ENV_NAME}',
      'f.yaml:5: list.1: unknown key "m"; check the spelling against the reference',
      'f.yaml:6: unknown key "ur1"; check the spelling against the reference',
      'f.yaml:7: url: the environment has no NO',
    ])
  })

  it.each<[string, string, string[]]>([
    [
      'text',
      'just text',
      ['f.yaml:1: this is not a Linkbell configuration: it is plain text, and not keys with values'],
    ],
    [
      'a list',
      '- a\n- b\n',
      ['f.yaml:1: this is not a Linkbell configuration: it is a list, and not keys with values'],
    ],
    ['two documents', 'url: a\n---\nurl: b\n', [expect.stringMatching(/^f\.yaml:2: .*multiple documents/)]],
    ['keys that stand twice', 'url: a\nlist: []\nurl: b\n', ['f.yaml:3: the key url stands twice; keep one of them']],
    ['a tab', 'deep:\n\tname: x\n', [expect.stringMatching(/^f\.yaml:2: .*[Tt]abs/)]],
    ['an alias of nothing', 'url: *nothing\n', [expect.stringMatching(/^f\.yaml:1: .*nothing/)]],
    [
      'a key that reaches for the prototype',
      '__proto__: { polluted: 1 }\n',
      ['f.yaml:1: unknown key "__proto__"; check the spelling against the reference'],
    ],
  ])('of a file that is %s have their line', (_, text, problems) => {
    expect(check(text)).toEqual(problems)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('of an alias bomb are one, and quick', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `k${i}: &l${i} [${`*l${i - 1}, `.repeat(10)}]`)
    const [first = '', ...rest] = levels
    const bomb = [first.replace(/\*l-1/g, 'x'), ...rest].join('\n')
    expect(check(bomb)).toEqual(['f.yaml:1: Excessive alias count indicates a resource exhaustion attack'])
  })

  it('of a file that is far too large are one', () => {
    expect(check(' '.repeat(64 * 1024 * 1024 + 1))).toEqual(['f.yaml: larger than 67108864 bytes'])
  })

  it('have file, line, key and words apart for machines', () => {
    const file = put('f.yaml', 'url: x\ndata_dri: y\n')
    try {
      loadConfig(file, schema, {})
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        code: 'config_invalid',
        message: `${file}:2: unknown key "data_dri"; check the spelling against the reference`,
        facts: {
          problems: [
            { file, line: 2, key: '', message: 'unknown key "data_dri"; check the spelling against the reference' },
          ],
        },
      })
    }
  })

  it('of a file that is not there name it', () => {
    const gone = join(folder, 'gone.yaml')
    expect(() => loadConfig(gone, schema, {})).toThrow(
      /^.*gone\.yaml: cannot be read: ENOENT.*; --config FILE names another; the examples in config\/ are there to begin with$/,
    )
    expect(() => loadConfig(gone, schema, {}, 'key: names it')).toThrow(/gone\.yaml'; key: names it$/)
  })
})

describe('a file in order', () => {
  it('gives its values, and the defaults of what it leaves out', () => {
    expect(loadConfig(put('f.yaml', '# nothing but a word\n'), schema, {})).toEqual({
      data_dir: 'elsewhere',
      list: [],
      deep: {},
    })
  })

  it('keeps dates and long numbers as they are written', () => {
    expect(check('url: 2026-09-01\n')).toMatchObject({ url: '2026-09-01' })
  })

  it('may repeat a path by an alias', () => {
    expect(check('ca_file: &x sub/ca.pem\ndata_dir: *x\n')).toMatchObject({ data_dir: join(folder, 'sub', 'ca.pem') })
    expect(check('url: &x sub\ndata_dir: *x\n')).toMatchObject({ url: 'sub', data_dir: join(folder, 'sub') })
  })

  it('may have anchors, merges aside', () => {
    expect(check('list:\n  - &one { n: 1 }\n  - *one\n')).toMatchObject({ list: [{ n: 1 }, { n: 1 }] })
  })
})
