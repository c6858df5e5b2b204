import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../../collector/board/api/routes.ts'
import { type Json, type Running, startBoard } from './setup.ts'

let board: Running
let document: Json
beforeAll(async () => {
  board = await startBoard({ sites: 1, days: 1 })
  document = (await board.get('/api/v1/openapi.json')).body
})
afterAll(() => board.stop())

test('the document that is served is the one in docs', () => {
  expect(document).toEqual(JSON.parse(readFileSync('docs/openapi.json', 'utf8')))
})

test('every route stands in it with its parameters and the schema of its answer', () => {
  for (const { method, path, response } of routes) {
    const operation = document.paths[path][method.toLowerCase()]
    expect(operation.responses['200'].content['application/json'].schema.$ref).toBe(
      `#/components/schemas/${response.name}`,
    )
  }
  const { parameters } = document.paths['/api/v1/series'].get
  const of = (name: string) => parameters.find((parameter: Json) => parameter.name === name)
  expect(of('measurement')).toMatchObject({ in: 'query', required: true })
  expect(of('measurement').schema.enum).toContain('bandwidth')
  expect(of('every_seconds')).toMatchObject({ required: false, schema: { type: 'integer', minimum: 1 } })
  expect(of('site').required).toBe(false)
  const { requestBody } = document.paths['/api/v1/sites/{id}/bandwidth-test'].post
  expect(Object.keys(requestBody.content['application/json'].schema.properties)).toEqual(['link', 'confirm_in_lesson'])
})

test('every reference in it leads somewhere', () => {
  const names = Object.keys(document.components.schemas)
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
  expect(references.length).toBeGreaterThan(20)
  expect(references.filter((name) => !names.includes(name ?? ''))).toEqual([])
})
