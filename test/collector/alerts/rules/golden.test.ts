import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AlertState } from '../../../../collector/alerts/rules/evaluate.ts'
import { defaultRules, expectedOf, noticesOfCase } from './golden-case.ts'

const root = 'test/golden-alerts'
const names = readdirSync(root)

type Run = { told: string[]; hidden: Set<string> }
const runs = new Map<string, Run>()

/** Notices of a case, and which rule hid which meanwhile. */
function run(name: string): Run {
  const kept = runs.get(name)
  if (kept !== undefined) return kept
  const hidden = new Set<string>()
  const told = noticesOfCase(join(root, name), (states) => {
    for (const { rule, hidden: by } of states.values()) if (by !== undefined) hidden.add(`${by.split(' ')[0]} ${rule}`)
    return states
  })
  const fresh = { told, hidden }
  runs.set(name, fresh)
  return fresh
}

describe('golden cases of alerts', () => {
  it.each(names)('%s', (name) => {
    const folder = join(root, name)
    const { how, notices } = expectedOf(folder)
    expect(how.length).toBeGreaterThan(40)
    expect(run(name).told).toEqual(notices)
  })

  it.each(names)('%s: the same when the collector restarts between any two looks', (name) => {
    const folder = join(root, name)
    const restarted = noticesOfCase(
      folder,
      (states) => new Map(JSON.parse(JSON.stringify([...states])) as [string, AlertState][]),
    )
    expect(restarted).toEqual(expectedOf(folder).notices)
  })

  it('rings every rule that is delivered in one of them', () => {
    const told = names.flatMap((name) => expectedOf(join(root, name)).notices)
    const silentRules = defaultRules.rules.filter(({ id }) => !told.some((line) => line.includes(` firing ${id}`)))
    expect(silentRules.map(({ id }) => id)).toEqual([])
  })

  it('has each rule hide in one of them every rule that it names', () => {
    const seen = new Set(names.flatMap((name) => [...run(name).hidden]))
    const named = defaultRules.rules.flatMap(({ id, hides }) => hides.map((rule) => `${id} ${rule}`))
    expect(named.filter((pair) => !seen.has(pair))).toEqual([])
  })
})
