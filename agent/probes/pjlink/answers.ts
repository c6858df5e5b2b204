/** What a projector's answers to the four questions mean (PJLink class 1, version 1.04, §4). */
import type { FieldName } from '../../../core/catalog.ts'

export const questions = ['POWR', 'ERST', 'LAMP', 'INPT'] as const
export type Question = (typeof questions)[number]
export type Facts = { [F in FieldName<'device'>]?: number | null }

/** Digits of ERST in their order, by the number that `fault_part` has in the catalog: fan, lamp, temperature, cover, filter, other. */
const faultParts = [1, 2, 3, 4, 5, 9] as const
const otherPart = 9
const error = 2
const hourSeconds = 3600
/** Unknown command, or parameter out of range: this model does not tell (a laser has no lamp). Unavailable: not now, in standby. */
const notTold = /^ERR[123]$/i
/** The projector itself says that it has failed. */
const failed = /^ERR4$/i

/** The facts in the answer to a question; undefined when it is not understood. */
export function factsOf(question: Question, value: string): Facts | undefined {
  if (notTold.test(value)) return {}
  if (failed.test(value)) return { fault: error, fault_part: otherPart }
  switch (question) {
    case 'POWR':
      return /^[0-3]$/.test(value) ? { power: Number(value) } : undefined
    case 'ERST':
      return faultOf(value)
    case 'LAMP':
      return lampOf(value)
    case 'INPT':
      // Class 1 numbers its inputs 11 to 59; what has a letter has no number.
      if (/^[1-9]\d$/.test(value)) return { input_code: Number(value) }
      return /^[1-9][A-Z]$/i.test(value) ? {} : undefined
  }
}

/** All facts together: a failure that one answer told is not taken back by another. */
export function joinFacts(known: Facts, found: Facts): Facts {
  const worse = (found.fault ?? -1) > (known.fault ?? -1)
  const { fault, fault_part } = worse ? found : known
  return { ...known, ...found, ...(fault !== undefined && { fault, fault_part: fault_part ?? null }) }
}

/** The worst of the six parts; of several, the first. */
function faultOf(value: string): Facts | undefined {
  if (!/^[0-2]{6}$/.test(value)) return undefined
  const digits = value.split('').map(Number)
  const fault = Math.max(...digits)
  return { fault, fault_part: fault === 0 ? 0 : (faultParts[digits.indexOf(fault)] ?? otherPart) }
}

/** Hours and whether it burns, for each of up to eight lamps: `1234 1`, `20 0 310 1`. */
function lampOf(value: string): Facts | undefined {
  if (!/^\d{1,5} [01](?: \d{1,5} [01]){0,7}$/.test(value)) return undefined
  const hours = value.split(' ').filter((_, index) => index % 2 === 0)
  return { lamp_seconds: Math.max(...hours.map(Number)) * hourSeconds }
}
