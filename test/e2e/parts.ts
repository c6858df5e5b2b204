/** A school and a centre in this process, made of the very parts that the agent and the collector are made of. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, createClock } from '../../agent/clock.ts'
import { createSliceKeeper, type SliceKeeper } from '../../agent/slice-file.ts'
import { openSpool, type Spool } from '../../agent/spool.ts'
import { createUplink, type Uplink } from '../../agent/uplink.ts'
import { createFleet, type Fleet } from '../../collector/fleet.ts'
import { type Holding, openHolding } from '../../collector/holding.ts'
import { createIngest, type Ingest } from '../../collector/ingest.ts'
import { createLive } from '../../collector/live.ts'
import { createMetrics } from '../../collector/metrics.ts'
import { type CollectorMqtt, createCollectorMqtt } from '../../collector/mqtt.ts'
import { batchOf } from '../../core/batch.ts'
import type { ConnectionConfig } from '../../core/connection.ts'
import type { Slice } from '../../core/slice.ts'
import type { Ack } from '../../core/status.ts'
import { createSqliteStore, type SqliteStore } from '../../store/sqlite.ts'
import { district, registryOf } from '../collector/district.ts'
import { createMemoryLog, type MemoryLog } from '../services/memory-log.ts'

export type School = MemoryLog & {
  folder: string
  spool: Spool
  uplink: Uplink
  clock: Clock
  slices: SliceKeeper
  /** What it was told to measure. */
  applied: (Slice | undefined)[]
  /** Makes a batch of the wan measurement now; its time, as the school's clock tells it. */
  make: (value: number) => number
  stop: () => Promise<void>
}

export type SchoolOptions = {
  agent?: string
  connection: ConnectionConfig
  /** Added to the wall clock, ms. */
  clockError?: number
  /** To start again where another stopped. */
  folder?: string
  /** Throws for a slice that cannot be used. */
  accept?: (slice: Slice) => void
}

export async function createSchool(options: SchoolOptions): Promise<School> {
  const { agent = 'a-gw1', connection, clockError = 0, accept } = options
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'linkbell-school-'))
  const memory = createMemoryLog()
  const { log } = memory
  const boot = randomUUID()
  const clock = createClock({ wall: () => Date.now() + clockError, monotonic: () => performance.now() }, log)
  const spool = openSpool({ directory: folder, agent, maxBytes: 1e9, boot, log, now: clock.now })
  const applied: School['applied'] = []
  const slices = createSliceKeeper({
    directory: folder,
    log,
    apply: async (slice) => {
      if (slice !== undefined) accept?.(slice)
      applied.push(slice)
    },
    onChange: () => uplink.announce(),
  })
  const uplink = createUplink({
    connection,
    district,
    agent,
    boot,
    version: 'test',
    spool,
    clock,
    log,
    plan: () => slices.state(),
    onSlice: (payload) => slices.receive(payload),
  })
  await slices.start()
  uplink.start()
  const used = new Set<number>()
  return {
    ...memory,
    folder,
    spool,
    uplink,
    clock,
    slices,
    applied,
    make: (value) => {
      // Each batch has its own millisecond: its key in the store is its name.
      let time = clock.now()
      while (used.has(time)) time++
      used.add(time)
      spool.append([batchOf([{ measurement: 'wan', tags: { link: 'wan' }, fields: { rx_mean_bps: value } }], time)])
      uplink.notify()
      return time
    },
    stop: once(async () => {
      await uplink.stop()
      spool.close()
    }),
  }
}

export type Centre = MemoryLog & {
  folder: string
  store: SqliteStore
  holding: Holding
  fleet: Fleet
  mqtt: CollectorMqtt
  ingest: Ingest
  /** Replaces rows of the registry, as a changed file does. */
  register: (rows: object) => void
  /** Figures that reached the store, as [time, value], in order of time. */
  stored: (agent?: string) => Promise<{ time: number; value: number | null | undefined; site: string | undefined }[]>
  stop: () => Promise<void>
}

export type CentreOptions = {
  connection: ConnectionConfig
  rows?: object
  folder?: string
  id?: string
  sharedGroup?: string
  /** Which acknowledgements are really sent. */
  passes?: (agent: string, ack: Ack) => boolean
}

export async function createCentre({
  connection,
  rows = {},
  passes = () => true,
  ...rest
}: CentreOptions): Promise<Centre> {
  const { id = 'c1', sharedGroup } = rest
  const folder = rest.folder ?? mkdtempSync(join(tmpdir(), 'linkbell-centre-'))
  const memory = createMemoryLog()
  const { log } = memory
  const now = Date.now
  let registry = registryOf(rows)
  const store = await createSqliteStore({ directory: join(folder, 'store'), log, now })
  const holding = openHolding(join(folder, 'state.sqlite'), 1e7, log)
  const fleet = createFleet({ now, onChange: () => undefined })
  const shared = { registry: () => registry, fleet, log, now }
  const mqtt = createCollectorMqtt({
    ...shared,
    connection,
    district,
    id,
    sharedGroup,
    boot: randomUUID(),
    since: now(),
    version: 'test',
    onTwin: () => log.error('There is another collector with this id.'),
    onBatch: (message) => ingest.accept(message),
  })
  const ingest = createIngest({
    ...shared,
    store,
    holding,
    live: createLive(),
    metrics: createMetrics().ingest,
    acknowledge: (agent, ack) => {
      if (passes(agent, ack)) mqtt.acknowledge(agent, ack)
    },
  })
  mqtt.start()
  return {
    ...memory,
    folder,
    store,
    holding,
    fleet,
    mqtt,
    ingest,
    register: (next) => {
      registry = registryOf(next)
      mqtt.distribute()
      void ingest.releaseQuarantine()
    },
    stored: async (agent = 'a-gw1') => {
      const all = { from: 0, to: Date.now() + 3_600_000, limit: 100_000 }
      const found = await store.rows({ measurement: 'wan', match: { agent }, ...all })
      return found.map(({ time, fields, tags }) => ({ time, value: fields['rx_mean_bps'], site: tags['site'] }))
    },
    stop: once(async () => {
      await mqtt.stop()
      await ingest.stop()
      await store.close()
      holding.close()
    }),
  }
}

export function removeFolders(...parts: readonly { folder: string }[]): void {
  for (const { folder } of parts) rmSync(folder, { recursive: true, force: true })
}

/** Stopped by the test, it need not be stopped again after it. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
