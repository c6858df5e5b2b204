import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AlertState } from '../../../../collector/alerts/rules/evaluate.ts'
import { defaultRules, expectedOf, noticesOfCase } from './golden-case.ts'

const root = 'test/golden-alerts'
const names = readdirSync(root)

describe('golden cases of alerts', () => {
  it.each(names)('%s', (name) => {
    const folder = join(root, name)
    const { how, notices } = expectedOf(folder)
    expect(how.length).toBeGreaterThan(40)
    expect(noticesOfCase(folder)).toEqual(notices)
  })

  it.each(names)('%s: the same when the collector restarts between any two looks', (name) => {
    const folder = join(root, name)
    const restarted = noticesOfCase(
      folder,
      (states) => new Map(JSON.parse(JSON.stringify([...states])) as [string, AlertState][]),
    )
    expect(restarted).toEqual(expectedOf(folder).notices)
  })

  it('rings every rule that is delivered in one of them, and has each hide in one what it names', () => {
    const told = names.flatMap((name) => expectedOf(join(root, name)).notices)
    const silentRules = defaultRules.rules.filter(({ id }) => !told.some((line) => line.includes(` firing ${id}`)))
    expect(silentRules.map(({ id }) => id)).toEqual([])
  })
})
