/** How values look: the one place where units, states and colours of the catalog become Grafana's. */
import { ThresholdsConfigBuilder, ThresholdsMode, MappingType } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Threshold, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import * as units from '@grafana/grafana-foundation-sdk/units'
import { type Field, type Measurement, measurements, type Text, type Unit } from '../core/catalog.ts'
import type { Question } from './query.ts'
import type { Language } from './strings.ts'

const grafanaUnits: Record<Unit, string> = {
  bps: units.BitsPerSecondSI,
  bytes: units.BytesSI,
  seconds: units.Seconds,
  ratio: units.PercentUnit,
  celsius: units.Celsius,
  count: units.Short,
  code: units.NoUnit,
  state: units.NoUnit,
}

/** Decimals shown; Grafana chooses where nothing is said. */
const decimals: Partial<Record<string, number>> = { [units.PercentUnit]: 1, [units.Short]: 0 }

export type Display = { unit: string; decimals?: number; states?: NonNullable<Field['states']>; field: string }

/** Unit and states of the answer to a question. */
export function displayOf(question: Question): Display {
  const unit = unitOf(question)
  const definition = fieldOf(question)
  const places = decimals[unit]
  return {
    unit,
    field: question.field,
    ...(places === undefined ? {} : { decimals: places }),
    ...(unit === units.NoUnit && definition.states !== undefined ? { states: definition.states } : {}),
  }
}

function unitOf({ measurement, field, over, steps, combine, perSecond }: Question): string {
  if (over === 'heard') return units.DateTimeFromNow
  if (combine?.op === '/') return units.PercentUnit
  if (perSecond) return units.CountsPerSecond
  if (over === 'count' || over === 'recent' || steps.some(({ across }) => across === 'count')) return units.Short
  const definition = fieldOf({ measurement, field })
  // The mean of a state that is 0 or 1 is a share.
  const averaged = over === 'mean' || steps.some(({ across }) => across === 'mean')
  return definition.unit === 'state' && averaged ? units.PercentUnit : grafanaUnits[definition.unit]
}

function fieldOf({ measurement, field }: Pick<Question, 'measurement' | 'field'>): Field {
  return (measurements[measurement] as Measurement).fields[field] as Field
}

/** Colours of states by field; others count up from green. A verdict looks the same on every page. */
const colours: Record<string, Record<number, string>> = {
  verdict: { 0: 'red', 1: 'green', 2: '#8e8e8e' },
  outcome: { 0: 'red', 1: 'green', 2: '#8e8e8e' },
  up: { 0: 'red', 1: 'green' },
  method: { 0: 'blue', 1: 'green', 2: 'yellow', 3: 'green', 4: '#8e8e8e' },
  cut_off: { 0: 'green', 1: 'orange' },
}

export function statesMapping(field: string, states: Readonly<Record<number, Text>>, language: Language): ValueMapping {
  const options = Object.entries(states).map(([value, text], index) => [
    value,
    { text: text[language], color: colours[field]?.[Number(value)] ?? (value === '0' ? 'green' : 'orange'), index },
  ])
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) }
}

/** Ids as names: of categories, directions and levels here, of towns and schools by `linkbell grafana provision`. */
export function namesMapping(names: Readonly<Record<string, Text>>, language: Language): ValueMapping {
  const options = Object.entries(names).map(([id, text], index) => [id, { text: text[language], index }])
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) }
}

/** Colours by value; each scale names what it is for. The figures are those of the alert rules where there is a rule. */
const scales = {
  plain: [[null, 'blue']],
  /** Shares that should be 100 %. */
  share: [
    [null, 'red'],
    [0.8, 'orange'],
    [0.95, 'green'],
  ],
  /** What should be 0. */
  fault: [
    [null, 'green'],
    [1, 'red'],
  ],
  loss: [
    [null, 'green'],
    [0.005, 'yellow'],
    [0.01, 'red'],
  ],
  /** Round trips: what a live lesson wants is 0.1 s. */
  delay: [
    [null, 'green'],
    [0.06, 'yellow'],
    [0.1, 'red'],
  ],
  jitter: [
    [null, 'green'],
    [0.015, 'yellow'],
    [0.03, 'red'],
  ],
  gap: [
    [null, 'green'],
    [0.05, 'orange'],
    [0.15, 'red'],
  ],
  load: [
    [null, 'green'],
    [0.8, 'orange'],
    [0.95, 'red'],
  ],
  waiting: [
    [null, 'green'],
    [600, 'orange'],
    [3600, 'red'],
  ],
  clock: [
    [null, 'red'],
    [-5, 'orange'],
    [-1, 'green'],
    [1, 'orange'],
    [5, 'red'],
  ],
} as const satisfies Record<string, readonly (readonly [number | null, string])[]>

export type Scale = keyof typeof scales

export function stepsOf(scale: Scale): Threshold[] {
  return scales[scale].map(([value, color]) => ({ value, color }))
}

export function thresholdsOf(scale: Scale): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(stepsOf(scale))
}
