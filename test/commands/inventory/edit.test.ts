import fc from 'fast-check'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { changedText } from '../../../commands/inventory/edit.ts'
import type { Change } from '../../../commands/inventory/plan.ts'
import { district } from './sheets.ts'

const change = (index: number, values: Change['values']): Change => ({
  table: 'terminals',
  index,
  id: 'x',
  site: 'east',
  values,
  before: {},
})
const fresh = (site: string, values: Change['values']): Change => ({
  table: 'terminals',
  id: 'x',
  site,
  values: { site, ...values },
  before: {},
})

describe('changedText', () => {
  it('is the text itself without a change', () => {
    expect(changedText(district, [])).toBe(district)
  })

  it('keeps the line ends of Windows', () => {
    const text = changedText(district.replaceAll('\n', '\r\n'), [change(0, { address: '10.1.0.9' })])
    expect(text).toBe(district.replace('10.1.0.11, mac', '10.1.0.9, mac').replaceAll('\n', '\r\n'))
  })

  it('puts a new row behind the last of its site, in the way that one is written', () => {
    const text = changedText(district, [fresh('west', { id: 'a', kind: 'pc' }), fresh('east', { id: 'b', kind: 'pc' })])
    expect(text).toContain("serial: '0012' }\n  - { site: west, id: a, kind: pc }\n")
    expect(text).toContain('address: 10.1.0.12\n  - site: east\n    id: b\n    kind: pc\n\n  # The west.')
    expect(text.length).toBe(
      district.length +
        '  - { site: west, id: a, kind: pc }\n'.length +
        '  - site: east\n    id: b\n    kind: pc\n'.length,
    )
  })

  it('adds a table that is not there', () => {
    const bare = 'district: { id: a } # no newline at the end'
    expect(changedText(bare, [fresh('east', { id: 'a' }), fresh('west', { id: 'b' })])).toBe(
      `${bare}\nterminals:\n  - { site: east, id: a }\n  - { site: west, id: b }\n`,
    )
  })

  it.each([
    ['an empty list', 'terminals: [] # none yet\nservices: []\n'],
    ['a list in one line', 'terminals: [{ site: east, id: a }] # short\nservices: []\n'],
    ['nothing', 'terminals:\nservices: [] # none\n'],
  ])('writes the whole anew for %s, with its comments', (_, text) => {
    const changed = changedText(text, [fresh('east', { id: 'new' })])
    expect(parse(changed).terminals.at(-1)).toEqual({ site: 'east', id: 'new' })
    expect(changed.match(/#.*/g)).toEqual(text.match(/#.*/g))
  })

  it('touches no row that is written with an anchor', () => {
    const text = 'terminals:\n  - &a { site: east, id: a }\n  - *a\n'
    for (const index of [0, 1])
      expect(() => changedText(text, [change(index, { name: 'x' })])).toThrow('change it by hand')
  })

  it('says what was meant and keeps all comments and other lines, whatever is changed', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.integer(),
      fc.constant('yes'),
      fc.constant('0012'),
      fc.constant('# x'),
    )
    const edit = fc.tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom('name', 'address', 'serial', 'model'),
      fc.option(value, { nil: undefined }),
    )
    const added = fc.tuple(fc.constantFrom('east', 'west', 'north'), value)
    fc.assert(
      fc.property(
        fc.uniqueArray(edit, { maxLength: 4, selector: ([index]) => index }),
        fc.array(added, { maxLength: 4 }),
        (edits, news) => {
          const changes = [
            ...edits.map(([index, key, to]) => change(index, { [key]: to })),
            ...news.map(([site, name], n) => fresh(site, { id: `n${n}`, name })),
          ]
          const text = changedText(district, changes)
          const before = parse(district)
          const after = parse(text)
          for (const [index, key, to] of edits) {
            const { id, valid_from: from } = before.terminals[index]
            const row = after.terminals.find(
              (one: Record<string, unknown>) => one['id'] === id && one['valid_from'] === from,
            )
            expect(row[key]).toBe(to)
          }
          expect(after.terminals).toHaveLength(before.terminals.length + news.length)
          expect({ ...after, terminals: 0 }).toEqual({ ...before, terminals: 0 })
          const untouched = district
            .split('\n')
            .filter(
              (line) => !/id: (east|west)-(panel|pc|ap)|kind: pc|site: east$|address: 10.1.0.12|purchase/.test(line),
            )
          for (const line of untouched) expect(text.split('\n')).toContain(line)
        },
      ),
      { numRuns: 60 },
    )
  })
})
