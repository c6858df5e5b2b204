/** What the dialects share about `match`. */
import type { Match } from './query.ts'

/** Whether it asks for none of any values, and nothing can answer it. */
export function matchesNothing(match: Match = {}): boolean {
  return Object.values(match).some((wanted) => typeof wanted !== 'string' && wanted.length === 0)
}

/** Whether a value is a Grafana variable, which Grafana replaces by a pattern of what is chosen. */
export function isVariable(value: string): boolean {
  return /^\$(\w+|\{\w+(:\w+)?\})$/.test(value)
}

/** A regular expression (RE2) that matches this text only. */
export function quotedPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
