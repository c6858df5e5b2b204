import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFolder } from '../../../commands/demo/folder.ts'

const wish = { seed: 1, sites: 10, days: 3, terminals: 5 }
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'linkbell-demo-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('folder of a demo', () => {
  it('is gone on with when its history is complete and the wish the same', () => {
    const folder = openFolder(directory, wish)
    expect(folder.kept()).toBeUndefined()
    folder.begin(1000)
    expect(openFolder(directory, wish).kept()).toBeUndefined()
    folder.complete(1000)
    expect(openFolder(directory, wish).kept()).toBe(1000)
    expect(openFolder(directory, { ...wish, seed: 2 }).kept()).toBeUndefined()
  })

  it('is begun anew when its marker is broken', () => {
    openFolder(directory, wish).complete(1000)
    writeFileSync(join(directory, 'demo.json'), '{"seed": 1, ')
    expect(openFolder(directory, wish).kept()).toBeUndefined()
  })

  it('is refused when something else is in it', () => {
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    expect(() => openFolder(directory, wish)).toThrow(
      `--data-dir ${directory}: there is something else in it; give an empty directory`,
    )
  })
})
