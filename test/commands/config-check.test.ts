import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkFiles } from '../../commands/config-check.ts'
import { linkbell, repository } from './linkbell.ts'

const folder = join(repository, 'test', 'config')
const cases = readdirSync(folder).filter((name) => name.startsWith('invalid-') && name.endsWith('.yaml'))
const example = (name: string) => join(repository, 'config', name)

function check(name: string): { ok: boolean; text: string } {
  const lines: string[] = []
  const ok = checkFiles([join(folder, name)], { env: {}, json: false, write: (line) => lines.push(`${line}\n`) })
  return { ok, text: lines.join('').replaceAll(`${folder}/`, '') }
}

describe('a broken configuration file', () => {
  it.each(cases)('%s is told with all its problems, each with line and key', (name) => {
    const expected = readFileSync(join(folder, name.replace('.yaml', '.expected')), 'utf8')
    expect(check(name)).toEqual({ ok: false, text: expected })
  })
})

describe('a file of any kind', () => {
  it('is recognised by its keys, whatever its name', () => {
    expect(check('valid-district.yaml').text).toBe('valid-district.yaml: ok (district)\n')
  })
})

describe('linkbell config check', () => {
  it('ends with 0 for files that are in order', async () => {
    const files = ['agent', 'collector', 'testpoint', 'district'].map((name) => example(`${name}.example.yaml`))
    const { code, stdout, stderr } = await linkbell(['config', 'check', ...files, example('standards.yaml')])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const kinds = [...stdout.matchAll(/: ok \((\w+)\)$/gm)].map(([, kind]) => kind)
    expect(kinds).toEqual(['agent', 'collector', 'testpoint', 'district', 'standards'])
  })

  it('ends with 2 for several files of which one is broken, and tells each problem once', async () => {
    const broken = join(folder, 'invalid-district-times.yaml')
    const collector = join(folder, 'invalid-collector-registry-broken.yaml')
    const { code, stdout } = await linkbell(['config', 'check', example('agent.example.yaml'), broken, collector])
    expect(code).toBe(2)
    expect(stdout).toContain('agent.example.yaml: ok (agent)')
    expect(stdout.match(/district\.timezone/g)).toHaveLength(1)
  })

  it('tells the same as JSON', async () => {
    const file = join(folder, 'invalid-agent-unknown-keys.yaml')
    const { code, stdout } = await linkbell(['config', 'check', '--json', file])
    const report = JSON.parse(stdout) as { ok: boolean; files: unknown[]; problems: unknown[] }
    expect(code).toBe(2)
    expect(report.files).toEqual([{ file, kind: 'agent', ok: false }])
    expect(report.problems).toHaveLength(4)
    expect(report.problems[0]).toEqual({
      file,
      line: 3,
      key: '',
      message: 'unknown key "brokers"; check the spelling against the reference',
    })
  })

  it('replaces references to the environment before it checks', async () => {
    const file = join(folder, 'invalid-agent-environment.yaml')
    const env = {
      LINKBELL_TEST_NOT_SET_URL: 'mqtts://broker.example:8883',
      LINKBELL_TEST_NOT_SET_PASSWORD: 'from the environment',
    }
    expect(await linkbell(['config', 'check', file], env)).toMatchObject({ code: 0, stderr: '' })
  })
})
