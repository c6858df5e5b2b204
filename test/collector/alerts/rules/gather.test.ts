import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGather } from '../../../../collector/alerts/rules/gather.ts'
import { createFleet } from '../../../../collector/fleet.ts'
import { createSqliteStore, type SqliteStore } from '../../../../store/sqlite.ts'
import { createMemoryLog } from '../../../services/memory-log.ts'
import { district, registryOf } from '../../district.ts'

const minute = 60_000

describe('facts', () => {
  let folder: string
  let store: SqliteStore
  let now = Date.parse('2026-11-23T12:00:00Z')
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linkbell-facts-'))
    store = await createSqliteStore({ directory: folder, log: createMemoryLog().log, now: () => now })
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })

  async function swept(minutes: number, up: number): Promise<void> {
    const place = { district, town: 't1', category: 'rural', site: 's1' }
    for (let i = 0; i < minutes; i++) {
      now += minute
      const tags = { ...place, agent: 'a-gw1', room: 'none', terminal: 'ap-1', kind: 'ap' }
      await store.write([{ measurement: 'terminal', times: [now], tags, fields: { up: [up] } }])
    }
  }

  it('of the devices of a few schools are new at every look', async () => {
    const registry = registryOf({ terminals: [{ id: 'ap-1', kind: 'ap', site: 's1', address: '10.0.0.1' }] })
    const fleet = createFleet({ now: () => now, onChange: () => undefined })
    const verdicts = () => new Map()
    const gather = createGather({
      registry: () => registry,
      fleet,
      store,
      verdicts,
      parts: {},
      rules: [],
      now: () => now,
    })
    const states = async () => (await gather()).devices.get('s1')?.map(({ state }) => state)
    await swept(4, 1)
    expect(await states()).toEqual(['up'])
    await swept(4, 0)
    expect(await states()).toEqual(['down'])
    await swept(2, 1)
    expect(await states()).toEqual(['up'])
  })
})
