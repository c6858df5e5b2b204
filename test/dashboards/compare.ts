/** Whether two dialects have given the same answer. */
import { groupsOf, type Question } from '../../dashboards/query.ts'
import type { Answer } from './ask.ts'

/** Relative; what both compute in their own order of summing. */
const tolerance = 1e-6

/** In sentences; empty when all is well. */
export function differences(question: Question, left: Answer, right: Answer): string[] {
  const missing = [
    ...(left.size === 0 ? ['InfluxQL: no answer'] : []),
    ...(right.size === 0 ? ['PromQL: no answer'] : []),
  ]
  if (missing.length > 0) return missing
  const unnamed = groupsOf(question).filter((tag) =>
    [...left.keys()].every((key) => !(tag in (JSON.parse(key) as object))),
  )
  if (unnamed.length > 0) return unnamed.map((tag) => `no tag ${tag} in the answer`)
  const keys = new Set([...left.keys(), ...right.keys()])
  return [...keys].flatMap((key) => {
    const [a, b] = [left.get(key), right.get(key)]
    if (a === undefined || b === undefined) return [`${key} only in ${a === undefined ? 'PromQL' : 'InfluxQL'}`]
    const apart = [...new Set([...a.keys(), ...b.keys()])].filter((time) => !isSame(question, a.get(time), b.get(time)))
    const [time] = apart
    if (time === undefined) return []
    return [
      `${key}: ${apart.length} of ${a.size} values differ, at ${new Date(time).toISOString()} ${a.get(time)} and ${b.get(time)}`,
    ]
  })
}

function isSame({ over, where, steps }: Question, a: number | undefined, b: number | undefined): boolean {
  if (a === undefined || b === undefined) return false
  // Two quarters of an hour, one of them not over, against one: both are 0, or both are not.
  if (over === 'recent' && where === undefined && steps.every((step) => step.where === undefined))
    return (a === 0) === (b === 0)
  if (over === 'heard') return Math.abs(a - b) <= 60_000
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b), 1e-3)
}
