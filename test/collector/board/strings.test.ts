import { expect, test } from 'vitest'
import { strings } from '../../../collector/board/strings.ts'
import { categories } from '../../../core/standard.ts'
import { levels } from '../../../core/registry.ts'

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).toSorted()

test.each(Object.entries(strings))('%s has the same places to fill in both languages', (_name, { en, zh }) => {
  expect(en).not.toBe('')
  expect(places(zh)).toEqual(places(en))
})

test('every category and level has a name', () => {
  expect(Object.keys(strings)).toEqual(expect.arrayContaining(categories.map((category) => `category_${category}`)))
  expect(Object.keys(strings)).toEqual(expect.arrayContaining(levels.map((level) => `level_${level}`)))
})
