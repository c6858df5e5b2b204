import { describe, expect, it } from 'vitest'
import { registeredAt } from '../../../../collector/alerts/rules/places.ts'
import { createRegistry } from '../../../../collector/registry.ts'
import { loadConfig } from '../../../../core/config-file.ts'
import { registrySchema } from '../../../../core/registry.ts'
import { standardsFileSchema } from '../../../../core/standard.ts'

const name = { en: 'n', zh: 'n' }
const standard = loadConfig('config/standards.yaml', standardsFileSchema, {}).standards[0]
const registryOf = (rest: object) =>
  createRegistry(
    registrySchema.parse({
      district: { id: 'd', name },
      towns: [{ id: 't', name }],
      sites: ['s1', 's2'].map((id) => ({ id, name, town: 't', category: 'town' })),
      ...rest,
    }),
    standard as NonNullable<typeof standard>,
  )

describe('what an alert is about', () => {
  const full = registryOf({
    paths: [{ id: 'p', level: 'city', host: 'h', sites: ['s1'] }],
    services: [{ id: 'learn', url: 'http://learn.test/' }],
    terminals: [{ id: 'pc1', kind: 'pc', site: 's1', room: 'r1', address: '192.0.2.1' }],
  })
  const empty = registryOf({})

  it.each([
    [{ site: 's1', level: 'city' }, ['level']],
    [{ site: 's2', level: 'city' }, []],
    [{ level: 'city' }, ['level']],
    [{ site: 's1', level: 'province' }, []],
    [{ service: 'learn' }, ['service']],
    [{ site: 's1', room: 'r1', kind: 'pc' }, ['room', 'kind']],
    [{ site: 's2', room: 'r1', kind: 'pc' }, []],
    [{ site: 's1' }, []],
  ])('of %o the registry has %o, and nothing once it is taken out', (labels, names) => {
    expect(registeredAt(full, 0, labels)).toEqual(names)
    expect(registeredAt(empty, 0, labels)).toEqual([])
  })
})
