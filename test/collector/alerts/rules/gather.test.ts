import { type AddressInfo, createServer, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGather } from '../../../../collector/alerts/rules/gather.ts'
import { createFleet } from '../../../../collector/fleet.ts'
import { openStore, storeSchema } from '../../../../collector/store-config.ts'
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

  it('tell which agents two machines speak as, until they have not taken turns for a quarter of an hour', async () => {
    const registry = registryOf({})
    const fleet = createFleet({ now: () => now, onChange: () => undefined })
    const gather = createGather({
      registry: () => registry,
      fleet,
      store,
      verdicts: () => new Map(),
      parts: {},
      rules: [],
      now: () => now,
    })
    const status = { v: 1 as const, on: true, conn: 1, at: now, version: '0', stream: 's', gaps: [] }
    const [agent = ''] = registry.agents(now)
    const taken = async () => (await gather()).agents.map((each) => [each.agent, each.taken])
    expect(await taken()).toEqual([])
    for (const boot of ['b1', 'b2']) fleet.report(agent, { ...status, boot }, now)
    expect(await taken()).toEqual([[agent, false]])
    fleet.report(agent, { ...status, boot: 'b1' }, now)
    expect(await taken()).toEqual([[agent, true]])
    now += 16 * minute
    expect(await taken()).toEqual([[agent, false]])
  })

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

  it('are there although the store hangs, and say that it does not answer', async () => {
    const sockets = new Set<Socket>()
    const hanging = createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`
    const config = storeSchema.parse({ type: 'victoriametrics', url, timeout_seconds: 2 })
    const remote = await openStore(config, { dataDir: folder, log: createMemoryLog().log, now: () => now })
    const registry = registryOf()
    const fleet = createFleet({ now: () => now, onChange: () => undefined })
    fleet.heard('a-gw1', now)
    const gather = createGather({
      ...{ registry: () => registry, fleet, verdicts: () => new Map(), rules: [], now: () => now, patienceMs: 20 },
      store: remote,
      parts: { store: remote.health, broker: () => ({ ok: true, problems: [], facts: {} }) },
    })
    for (let look = 0; look < 2; look++) {
      const { silence, parts } = await gather()
      expect(silence.get('s1')).toBe('heard')
      expect(parts.get('store')).toEqual(['It does not answer within 0.02 s.'])
      expect(parts.get('broker')).toEqual([])
    }
    for (const socket of sockets) socket.destroy()
    hanging.close()
    await remote.close()
  })

  it('of silence after a start wait for agents to come back, by a clock that nobody sets', async () => {
    const registry = registryOf()
    let elapsed = 0
    const clocks = { now: () => now, elapsed: () => elapsed }
    const fleet = createFleet({ ...clocks, onChange: () => undefined })
    const tags = { district, town: 't1', category: 'rural', site: 's1', agent: 'a-gw1' }
    await store.write([{ measurement: 'agent', times: [now - minute], tags, fields: { uptime_seconds: [1] } }])
    const verdicts = () => new Map()
    const gather = createGather({ registry: () => registry, fleet, store, verdicts, parts: {}, rules: [], ...clocks })
    const silence = async () => (await gather()).silence.get('s1')
    const lastHeard = now - minute
    expect(await silence()).toBeUndefined()
    now += 60 * minute
    elapsed += minute
    expect(await silence()).toBeUndefined()
    elapsed += 2 * minute + 1
    expect(await silence()).toEqual({ since: lastHeard })
  })
})
