import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Batch } from '../../../core/batch.ts'
import { registrySchema } from '../../../core/registry.ts'
import { createLive, type LiveEvent } from '../../../collector/live.ts'
import { createJudge, type Judge } from '../../../collector/judge/judge.ts'
import { createRegistry, type Registry } from '../../../collector/registry.ts'
import { createSqliteStore, type SqliteStore } from '../../../store/sqlite.ts'
import { hourMs, row, type Said, standard } from './rows.ts'

const start = Date.parse('2026-11-23T04:10:00Z')

let directory: string
let store: SqliteStore
let time: number
let judge: Judge
let logged: { level: number; msg: string }[]
let events: LiveEvent[]
let registry: Registry
const live = createLive()
const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'linkbell-judge-'))
  time = start
  logged = []
  events = []
  registry = registryOf(['s1', 's2'])
  store = await createSqliteStore({ directory, log, now: () => time })
  judge = newJudge()
})

afterEach(async () => {
  await judge.stop()
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

function registryOf(sites: (string | ({ id: string } & Record<string, unknown>))[]): Registry {
  const data = registrySchema.parse({
    district: { id: 'd1', name: 'District' },
    towns: [{ id: 't1', name: 'Town' }],
    sites: sites
      .map((site) => (typeof site === 'string' ? { id: site } : site))
      .map((site) => ({ name: site.id, town: 't1', category: 'town', ...site })),
  })
  return createRegistry(data, standard)
}

function newJudge(over: SqliteStore = store): Judge {
  return createJudge({ store: over, registry: () => registry, live, log, now: () => time, intervalSeconds: 3600 })
}

function batchOf(said: Said): Batch {
  const { time: at, tags, fields } = row(said)
  const place = { district: 'd1', town: 't1', category: 'town', agent: 'agent-1' }
  const columns = Object.entries(fields).map(([name, value]) => [name, [value]])
  return { measurement: 'bandwidth', times: [at], tags: { ...place, ...tags }, fields: Object.fromEntries(columns) }
}

async function storeTests(said: Said[]): Promise<void> {
  const { rejected, durable } = await store.write(said.map(batchOf))
  expect([...rejected.values()]).toEqual([])
  await durable
}

const trials = (site: string, outcome: Said['outcome'], count: number): Said[] =>
  Array.from({ length: count }, (_, i) => ({ site, outcome, time: start - (i + 1) * 8 * hourMs }))

const compliance = (to = time + 1) =>
  store.rows({ measurement: 'compliance', from: start - 24 * hourMs, to, limit: 1_000 })

describe('a round', () => {
  test('judges every site from the store and writes what it found with the tags of the registry', async () => {
    await storeTests([...trials('s1', 'met', 6), ...trials('s2', 'below', 6)])
    await judge.start()
    expect([...judge.verdicts()].map(([site, { verdict }]) => [site, verdict])).toEqual([
      ['s1', 'met'],
      ['s2', 'below'],
    ])
    const rows = await compliance()
    expect(rows).toHaveLength(4)
    const down = rows.find(({ tags }) => tags['site'] === 's2' && tags['direction'] === 'down')
    expect(down).toEqual({
      time: start,
      tags: { district: 'd1', town: 't1', category: 'town', site: 's2', link: 'wan', direction: 'down' },
      fields: {
        verdict: 0,
        target_bps: 5e8,
        median_bps: 3e8,
        worst_bps: 3e8,
        latest_bps: 3e8,
        trials_count: 6,
        met_count: 0,
        inconclusive_count: 0,
        met_ratio: 0,
      },
    })
  })

  test('leaves out what is older than the window', async () => {
    await storeTests(
      Array.from({ length: 9 }, (_, i) => ({ site: 's1', outcome: 'met', time: start - (8 + i) * 24 * hourMs })),
    )
    await judge.start()
    expect(judge.verdicts().get('s1')).toMatchObject({ verdict: 'unknown', reason: 'no_trials' })
  })

  test('never writes the rate of a self-test', async () => {
    await storeTests([{ site: 's1', outcome: 'met', method: 'self_test', time: start - hourMs }])
    await judge.start()
    const [down] = await store.last({
      measurement: 'compliance',
      match: { site: 's1', direction: 'down' },
      from: 0,
      to: time + 1,
    })
    expect(down?.fields).toMatchObject({ verdict: 2, trials_count: 0, latest_bps: null })
  })
})

describe('writing', () => {
  test('happens again only when the hour is over', async () => {
    await storeTests(trials('s1', 'met', 6))
    await judge.start()
    await judge.stop()
    time = start + 40 * 60_000
    await judge.start()
    expect(await compliance()).toHaveLength(4)
    await judge.stop()
    time = start + 60 * 60_000
    await judge.start()
    const rows = await compliance()
    expect(rows).toHaveLength(8)
    expect(rows.at(-1)?.time).toBe(Date.parse('2026-11-23T05:00:00Z'))
  })

  test('does not repeat itself after a restart', async () => {
    await storeTests(trials('s1', 'met', 6))
    await judge.start()
    await judge.stop()
    time = start + 60_000
    judge = newJudge()
    await judge.start()
    expect(await compliance()).toHaveLength(4)
  })

  test('follows a new result within moments, and says so', async () => {
    await storeTests(trials('s1', 'met', 5))
    await judge.start()
    const judged = new Promise<void>((resolve) => {
      const end = live.subscribe((event) => {
        events.push(event)
        if (event.type !== 'judged') return
        end()
        resolve()
      })
    })
    time += 60_000
    const last: Said = { site: 's1', outcome: 'met', time: start + 30_000 }
    await storeTests([last])
    live.publish({ type: 'stored', batch: batchOf(last) })
    await judged
    expect(judge.verdicts().get('s1')?.verdict).toBe('met')
    expect(judge.verdicts().get('s2')?.verdict).toBe('unknown')
    const written = await store.rows({
      measurement: 'compliance',
      match: { site: 's1' },
      from: 0,
      to: time + 1,
      limit: 9,
    })
    expect(written.filter(({ tags }) => tags['direction'] === 'down').at(-1)?.fields).toMatchObject({ trials_count: 6 })
  })

  test('forgets a site that has left the registry', async () => {
    await judge.start()
    await judge.stop()
    registry = registryOf(['s1'])
    await judge.start()
    expect([...judge.verdicts().keys()]).toEqual(['s1'])
  })
})

describe('late results', () => {
  const late: Said = { site: 's1', outcome: 'below', time: start - 90 * hourMs }
  const down = async () =>
    (
      await store.rows({
        measurement: 'compliance',
        match: { site: 's1', direction: 'down' },
        from: 0,
        to: 9e15,
        limit: 99,
      })
    ).map(({ time: at, fields }) => [at, fields['verdict'], fields['trials_count']])
  /** A verdict at `start`, hourly ones after it, and then what comes late. */
  async function threeHours(): Promise<void> {
    await storeTests(trials('s1', 'met', 5))
    await judge.start()
    await judge.stop()
    for (let hour = 1; hour <= 2; hour++) {
      time = start + hour * hourMs
      await judge.start()
      await judge.stop()
    }
  }
  const moment = (at: number) => new Date(at).toISOString()
  async function comeLate(): Promise<void> {
    const judged = new Promise<void>((resolve) => {
      const end = live.subscribe((event) => {
        if (event.type !== 'judged') return
        end()
        resolve()
      })
    })
    await storeTests([late])
    live.publish({ type: 'stored', batch: batchOf(late) })
    await judged
  }
  const hours = [start, Date.parse('2026-11-23T05:00:00Z'), Date.parse('2026-11-23T06:00:00Z')]
  const corrected = hours.flatMap((at) => [
    [at, 2, 5],
    [at + 1, 1, 6],
  ])

  test('correct the stored verdicts whose windows they touch, and leave what was said', async () => {
    await threeHours()
    await judge.start()
    expect(await down()).toEqual(hours.map((at) => [at, 2, 5]))
    await comeLate()
    expect(await down()).toEqual(corrected)
  })

  test('correct those of a school that was retired since, with all of its tests', async () => {
    await storeTests(trials('s1', 'met', 5))
    await judge.start()
    await judge.stop()
    registry = registryOf(['s1', { id: 's1', valid_from: moment(start + hourMs), retired: true }, 's2'])
    time = start + 3 * hourMs
    await judge.start()
    await comeLate()
    expect(await down()).toEqual([
      [start, 2, 5],
      [start + 1, 1, 6],
    ])
  })

  test('that are none change nothing, though the window of a school is another since', async () => {
    const month = { id: 's1', rule: { window_days: 30 } }
    registry = registryOf([month])
    await storeTests(trials('s1', 'met', 75))
    await judge.start()
    await judge.stop()
    registry = registryOf([month, { id: 's1', valid_from: moment(start + 24 * hourMs) }])
    time = start + 25 * hourMs
    judge = newJudge()
    await judge.start()
    const said = await down()
    expect(said.filter(([at]) => Number(at) < start + hourMs)).toEqual([[start, 1, 75]])
    expect(said).toHaveLength(2)
  })

  describe('after a change of targets', () => {
    const saidBefore = async (known: Registry) => {
      await storeTests(trials('s1', 'met', 6))
      await judge.start()
      await judge.stop()
      registry = known
      time = start + 25 * hourMs
      judge = newJudge()
      await judge.start()
      return (await down()).filter(([at]) => Number(at) < start + hourMs)
    }

    test('of the standard, which has no dates, leave what was said before', async () => {
      const raised = { ...standard, targets_bps: { ...standard.targets_bps, town: 1e9 } }
      expect(await saidBefore(createRegistry(registry.data, raised))).toEqual([[start, 1, 6]])
    })

    test('of the registry with a date before it correct what was said', async () => {
      const rural = { id: 's1', category: 'rural', valid_from: moment(start - 100 * hourMs) }
      expect(await saidBefore(registryOf(['s1', rural, 's2']))).toEqual([
        [start, 1, 6],
        [start + 1, 1, 6],
      ])
    })
  })

  test('are found after a restart, and a second time change nothing', async () => {
    await threeHours()
    await storeTests([late])
    for (let restart = 0; restart < 2; restart++) {
      judge = newJudge()
      await judge.start()
      await judge.stop()
      await storeTests([late])
      expect(await down()).toEqual(corrected)
    }
  })
})

describe('a store that fails', () => {
  test('is told once, and told again when it is back', async () => {
    const other = await mkdtemp(join(tmpdir(), 'linkbell-judge-'))
    const gone = await createSqliteStore({ directory: other, log, now: () => time })
    await gone.close()
    await rm(other, { recursive: true })
    let current = gone
    const following: SqliteStore = {
      ...gone,
      rows: (query) => current.rows(query),
      last: (query) => current.last(query),
      write: (batches) => current.write(batches),
    }
    await judge.stop()
    judge = newJudge(following)
    for (let round = 0; round < 3; round++) {
      await judge.start()
      await judge.stop()
    }
    const said = () => logged.filter(({ msg }) => msg.includes('erdicts')).map(({ msg }) => msg)
    expect(said()).toEqual(['Verdicts are not up to date: the store cannot be read or written.'])
    expect(judge.verdicts().size).toBe(0)
    current = store
    await judge.start()
    expect(said().at(-1)).toBe('Verdicts are up to date again.')
    expect(judge.verdicts().size).toBe(2)
  })
})

test('one site is judged at any time without writing anything', async () => {
  await storeTests(trials('s2', 'met', 6))
  expect(await judge.judgeSite('s2', start)).toMatchObject({ site: 's2', verdict: 'met' })
  expect(await judge.judgeSite('s2', start - 24 * hourMs)).toMatchObject({ verdict: 'unknown' })
  expect(await judge.judgeSite('nowhere', start)).toBeUndefined()
  expect(await compliance()).toEqual([])
})
