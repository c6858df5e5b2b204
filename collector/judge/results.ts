/** Stored bandwidth rows as the rules of a standard see them: codes back to names, and held to the target of their time. */
import { type Cause, causes, type Method, methods, type Outcome, outcomes, triggers } from '../../core/catalog.ts'
import type { Result } from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'

/** What one test said, with the figures that are shown beside it. */
export type Test = Result & { goodputBps: number | null }

const namesOf = new Map<Record<string, number>, Map<number, string>>()

/** The name of a stored code; undefined for one that this version does not know. Asked several times of each stored test. */
export function nameOf<T extends Record<string, number>>(
  codes: T,
  value: number | null | undefined,
): Extract<keyof T, string> | undefined {
  const names = namesOf.get(codes) ?? new Map(Object.entries(codes).map(([name, code]) => [code, name]))
  namesOf.set(codes, names)
  return names.get(value ?? Number.NaN) as Extract<keyof T, string> | undefined
}

/** A bandwidth row; undefined when it has no outcome that this version knows. */
export function testOf({ time, tags, fields }: Row): Test | undefined {
  const outcome: Outcome | undefined = nameOf(outcomes, fields['outcome'])
  if (outcome === undefined) return undefined
  const cause: Cause = nameOf(causes, fields['cause']) ?? 'none'
  const method: Method = nameOf(methods, fields['method']) ?? 'goodput'
  return {
    time,
    outcome,
    cause,
    method,
    trigger: nameOf(triggers, fields['trigger']) ?? 'scheduled',
    linkRateBps: fields['link_rate_bps'] ?? null,
    goodputBps: fields['goodput_bps'] ?? null,
    targetBps: fields['target_bps'] ?? null,
    testpoint: tags['testpoint'] ?? '',
    agent: tags['agent'] ?? '',
  }
}

/**
 * The same test against the target that was valid when it ran: the agent may not have heard of it yet. A test stops as soon
 * as it is sure, so a rate above its own target is only "at least", and says nothing about a higher one: undefined then.
 */
export function heldTo<T extends Result>(test: T, targetBps: number, thresholdRatio: number): T | undefined {
  const tested = test.targetBps
  if (tested === null || test.method === 'self_test') return test
  // Targets are decimal megabits; a difference within rounding is none.
  if (Math.abs(tested - targetBps) <= targetBps / 1000) return test
  if (test.outcome === 'inconclusive') {
    // Marginal it was to its own target only.
    return test.cause === 'marginal' ? { ...test, cause: 'none', targetBps } : test
  }
  const reached = test.linkRateBps !== null && test.linkRateBps >= thresholdRatio * targetBps
  if (reached) return { ...test, outcome: 'met', targetBps }
  if (test.outcome === 'met') return tested > targetBps ? { ...test, targetBps } : undefined
  return { ...test, outcome: 'below', targetBps }
}
