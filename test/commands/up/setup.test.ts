import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pathTargets } from '../../../commands/up/flags.ts'
import { setUp, type UpOptions } from '../../../commands/up/setup.ts'
import { isUser, readUsers } from '../../../collector/users.ts'
import { checkFiles } from '../../../commands/config-check.ts'

describe('the configuration of linkbell up', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'linkbell-setup-'))
  })
  afterEach(() => rmSync(dataDir, { recursive: true }))

  const options = (more: Partial<UpOptions> = {}): UpOptions => ({
    dataDir,
    port: 9000,
    category: 'rural',
    paths: [],
    services: [],
    trialsPerDay: 3,
    ...more,
  })
  const run = () => join(dataDir, 'run')
  const text = (name: string) => readFileSync(join(run(), name), 'utf8')

  it.each<[string, Partial<UpOptions>]>([
    ['as it is', {}],
    [
      'with everything named',
      {
        testpoint: { url: 'https://speed.example/', type: 'ndt7' },
        category: 'town',
        paths: [{ level: 'district', host: '10.0.0.1' }],
        services: ['https://platform.example/'],
      },
    ],
  ])('is in order %s', (_, more) => {
    setUp(options(more))
    const files = readdirSync(run())
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => join(run(), name))
    const lines: string[] = []
    expect(checkFiles(files, { env: {}, json: false, write: (line) => lines.push(line) })).toBe(true)
    expect(lines).toHaveLength(more.testpoint === undefined ? 4 : 3)
  })

  it('is for nobody else to read, and gives its agent a new password at each start', () => {
    setUp(options())
    expect(statSync(run()).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(run())) expect(statSync(join(run(), name)).mode & 0o077).toBe(0)
    const old = text('agent.password')
    setUp(options())
    const users = readUsers(join(run(), 'users'))
    expect(isUser(users, 'this-host', text('agent.password'))).toBe(true)
    expect(isUser(users, 'this-host', old)).toBe(false)
  })

  it('stays on loopback', () => {
    const { testpointFile } = setUp(options())
    expect(readFileSync(testpointFile as string, 'utf8')).toContain('host: 127.0.0.1')
    for (const name of readdirSync(run())) expect(text(name)).not.toMatch(/0\.0\.0\.0|::/)
  })

  it('has no testpoint of its own when another one is named', () => {
    expect(setUp(options({ testpoint: { url: 'http://10.0.0.1/', type: 'librespeed' } })).testpointFile).toBeUndefined()
    expect(text('district.yaml')).toContain('url: http://10.0.0.1/')
  })
})

describe('the targets of --path', () => {
  it('are a level and a host', () => {
    expect(pathTargets(['district=10.0.0.1', 'internet=www.example'])).toEqual([
      { level: 'district', host: '10.0.0.1' },
      { level: 'internet', host: 'www.example' },
    ])
  })

  it.each(['district', 'district=', '=10.0.0.1', 'school=10.0.0.1', ''])('are not understood in %j', (flag) => {
    expect(() => pathTargets([flag])).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining(`--path ${flag}: write LEVEL=HOST`),
      }),
    )
  })
})
