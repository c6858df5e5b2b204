import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultsIn } from '../../../../collector/judge/terminals/faults.ts'
import { type Point, stretchesOf } from '../../../../collector/judge/terminals/stretches.ts'

const minuteMs = 60_000
const always = () => true
/** One sample a minute: `+` answered, `-` not, `x` cut off, a blank none. */
const samples = (text: string, everyMs = minuteMs): Point[] =>
  text
    .split('')
    .flatMap((sign, i) => (sign === ' ' ? [] : [{ time: i * everyMs, up: sign === 'x' ? undefined : sign === '+' }]))
/** State and the minute it began. */
const told = (text: string, expected: (time: number) => boolean = always, until = (text.length - 1) * minuteMs) =>
  stretchesOf(samples(text), expected, until).map(({ state, from }) => [state, from / minuteMs])

describe('a device', () => {
  test.each([
    ['up after two answers, since the first', '++', [['up', 0]]],
    ['unknown while there is one sample', '+', [['unknown', 0]]],
    ['up although a sweep or two were lost', '++-++--++', [['up', 0]]],
    [
      'down after three misses, since the first',
      '++---',
      [
        ['up', 0],
        ['down', 2],
      ],
    ],
    [
      'down with one stray answer',
      '++-+--',
      [
        ['up', 0],
        ['down', 2],
      ],
    ],
    [
      'down until two answers',
      '---+-++',
      [
        ['down', 0],
        ['up', 5],
      ],
    ],
    [
      'unknown while its gateway is cut off',
      '++xxx++',
      [
        ['up', 0],
        ['unknown', 2],
        ['up', 5],
      ],
    ],
    [
      'unknown where samples are missing',
      '++      ++',
      [
        ['up', 0],
        ['unknown', 1],
        ['up', 8],
      ],
    ],
    ['as it was where a sample or two are missing', '++  ++', [['up', 0]]],
    [
      'flapping since its first change',
      '++--++--++--++-+',
      [
        ['up', 0],
        ['flapping', 2],
      ],
    ],
  ])('is %s', (_says, text, expected) => {
    expect(told(text)).toEqual(expected)
  })

  test('is unknown when nothing has come for some minutes', () => {
    expect(told('++', always, 4 * minuteMs)).toEqual([['up', 0]])
    expect(told('++', always, 5 * minuteMs)).toEqual([
      ['up', 0],
      ['unknown', 1],
    ])
  })

  test('is off where it is silent and not expected, and down from the first expected miss', () => {
    const lesson = (time: number) => time >= 5 * minuteMs && time < 10 * minuteMs
    expect(told('++---------++++', lesson)).toEqual([
      ['up', 0],
      ['off', 2],
      ['down', 5],
      ['off', 10],
      ['up', 11],
    ])
  })

  test('does not flap by being switched on and off outside of lessons', () => {
    const text = '++--'.repeat(20)
    expect(told(text, () => false).map(([state]) => state)).not.toContain('flapping')
    expect(told(text).map(([state]) => state)).toContain('flapping')
  })

  test('is judged by its own interval', () => {
    const every = 5 * minuteMs
    expect(stretchesOf(samples('++ +++', every), always, 5 * every)).toEqual([
      { state: 'up', reason: 'answers', from: 0 },
    ])
  })

  test('is the same in whatever order its samples come, and twice', () => {
    const signs = fc.array(fc.constantFrom('+', '-', 'x', ' '), { maxLength: 80 })
    const run = signs.chain((list) => {
      const all = samples(list.join(''))
      return fc.record({ all: fc.constant(all), mixed: fc.shuffledSubarray([...all, ...all], { minLength: 0 }) })
    })
    const lesson = (time: number) => Math.floor(time / (20 * minuteMs)) % 2 === 0
    fc.assert(
      fc.property(run, ({ all, mixed }) => {
        const once = stretchesOf(all, lesson, 90 * minuteMs)
        expect(stretchesOf([...mixed, ...all], lesson, 90 * minuteMs)).toEqual(once)
        const times = once.map(({ from }) => from)
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('a fault', () => {
  const faults = (text: string, least = 0, expected: (time: number) => boolean = always) => {
    const until = text.length * minuteMs
    return faultsIn(stretchesOf(samples(text), expected, until), until, least).map(({ reason, from, to }) => [
      reason,
      from / minuteMs,
      to === undefined ? undefined : to / minuteMs,
    ])
  }

  test('is not ended by the time after lessons or by a gateway that is cut off', () => {
    const lesson = (time: number) => time < 5 * minuteMs || time >= 9 * minuteMs
    expect(faults('++------xxx---++', 0, lesson)).toEqual([['no_answer', 2, 14]])
  })

  test('lasts until it answers', () => {
    expect(faults('++----')).toEqual([['no_answer', 2, undefined]])
  })

  test('is none when it was shorter than a break', () => {
    expect(faults('++----++', 15 * minuteMs)).toEqual([])
    expect(faults('++----++-----++', 5 * minuteMs)).toEqual([['no_answer', 8, 13]])
  })
})
