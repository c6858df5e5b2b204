/** A board over a real store in a temporary folder, filled with a made-up district and judged once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type CollectorConfig, collectorConfigSchema } from '../../../collector/config.ts'
import { type BoardDeps, createBoard } from '../../../collector/board/server.ts'
import { createJudge } from '../../../collector/judge/judge.ts'
import { type Holding, openHolding } from '../../../collector/holding.ts'
import { createLive, type Live } from '../../../collector/live.ts'
import { createSqliteStore, type SqliteStore } from '../../../store/sqlite.ts'
import { type District, makeDistrict, type Wish } from './district.ts'

export type Running = {
  url: string
  district: District
  store: SqliteStore
  live: Live
  logged: { level: number; msg: string }[]
  get: (path: string, headers?: Record<string, string>) => Promise<{ status: number; headers: Headers; body: Json }>
  holding: Holding
  stop: () => Promise<void>
}
// Answers are looked into by tests that know what they asked for.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any

export function httpConfig(over: Partial<CollectorConfig['http']> = {}): CollectorConfig['http'] {
  const { http } = collectorConfigSchema.parse({
    registry_file: 'district.yaml',
    broker: { type: 'embedded', users_file: 'unused' },
  })
  return { ...http, port: 0, ...over }
}

export async function startBoard(wish: Partial<Wish> = {}, over: Partial<BoardDeps> = {}): Promise<Running> {
  const now = wish.now ?? Date.now()
  const district = makeDistrict({ sites: 12, days: 8, ...wish, now })
  const directory = await mkdtemp(join(tmpdir(), 'linkbell-board-'))
  const logged: Running['logged'] = []
  const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const store = await createSqliteStore({ directory, log, now: () => now })
  const live = createLive()
  const holding = openHolding(join(directory, 'state.sqlite'), 1_000_000, log)
  await (await store.write(district.batches)).durable
  const registry = () => district.registry
  const judge = createJudge({ store, registry, live, log, now: () => now, intervalSeconds: 3_600 })
  await judge.start()
  const board = createBoard({
    config: httpConfig(),
    store,
    registry,
    fleet: district.fleet,
    judge,
    live,
    holding,
    log,
    now: () => now,
    version: '0.1.0',
    ...over,
  })
  const { url } = await board.start()
  return {
    url,
    district,
    store,
    live,
    holding,
    logged,
    get: async (path, headers = {}) => {
      const response = await fetch(new URL(path, url), { headers })
      const text = await response.text()
      const json = response.headers.get('content-type')?.includes('json') === true
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
    },
    stop: async () => {
      await board.stop()
      await judge.stop()
      await store.close()
      holding.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
