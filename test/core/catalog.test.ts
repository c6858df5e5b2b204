import { describe, expect, it } from 'vitest'
import {
  type Field,
  type Measurement,
  measurementNames,
  measurementOf,
  measurements,
  roundField,
  tagsOf,
} from '../../core/catalog.ts'

const each = measurementNames.map((name) => [name, measurements[name] as Measurement] as const)
/** The end of a field's name that its unit demands; a state and a code have none. */
const endings: Record<Field['unit'], RegExp> = {
  bps: /_bps$/,
  bytes: /_bytes$/,
  seconds: /_seconds$/,
  ratio: /_ratio$/,
  celsius: /_celsius$/,
  count: /_count$/,
  code: /_code$/,
  state: /^[a-z_]+(?<!_(bps|bytes|seconds|ratio|celsius|count))$/,
}

describe.each(each)('%s', (name, { tags, fields, title, says, from, intervalSeconds }) => {
  it('has fields in base units, told by their names', () => {
    for (const [field, { unit }] of Object.entries(fields)) expect(field).toMatch(endings[unit])
  })

  it('has states of whole numbers with a meaning in both languages, and only states have them', () => {
    for (const { unit, states } of Object.values(fields)) {
      expect(states !== undefined).toBe(unit === 'state')
      for (const [value, text] of Object.entries(states ?? {})) {
        expect(Number.isInteger(Number(value))).toBe(true)
        expect(text.en.length * text.zh.length).toBeGreaterThan(0)
      }
    }
  })

  it('is explained in both languages', () => {
    for (const text of [title, ...Object.values(fields).map((field) => field.title)])
      expect(text.en.length * text.zh.length).toBeGreaterThan(0)
    expect(says).toMatch(/\.$/)
    expect(intervalSeconds).toBeGreaterThan(0)
  })

  it('has tags once each, with its agent among them where an agent measures', () => {
    const all = tagsOf(name)
    expect(new Set(all).size).toBe(all.length)
    expect(all.slice(0, 4)).toEqual(['district', 'town', 'category', 'site'])
    expect(tags.includes('agent')).toBe(from === 'agent')
  })
})

describe('a measurement by its name', () => {
  it('is found, and nothing that every object has', () => {
    expect(measurementOf('path')).toBe(measurements.path)
    for (const name of ['', 'Path', 'constructor', '__proto__', 'hasOwnProperty'])
      expect(measurementOf(name)).toBeUndefined()
  })
})

describe('rounding', () => {
  it.each([
    ['path', 'rtt_mean_seconds', 0.001234567, 0.00123],
    ['path', 'loss_ratio', 1 / 3, 0.3333],
    ['wan', 'rx_mean_bps', 499_999_999.6, 500_000_000],
    ['bandwidth', 'duration_seconds', 12.34567, 12.346],
    ['host', 'temperature_celsius', -3.25, -3.2],
  ] as const)('keeps of %s %s the decimals of the catalog', (name, field, value, rounded) => {
    expect(roundField((measurements[name] as Measurement).fields[field] as Field, value)).toBe(rounded)
  })
})
