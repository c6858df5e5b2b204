/** Ingest on a store whose outcome the test decides; everything else is real. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFleet, type Fleet } from '../../collector/fleet.ts'
import { type Holding, openHolding } from '../../collector/holding.ts'
import { createIngest, type Ingest } from '../../collector/ingest.ts'
import { createLive, type LiveEvent } from '../../collector/live.ts'
import { createMetrics } from '../../collector/metrics.ts'
import type { Registry } from '../../collector/registry.ts'
import { type Batch, batchOf, encodeBatch } from '../../core/batch.ts'
import type { Ack } from '../../core/status.ts'
import { topics } from '../../core/topics.ts'
import type { Store, WriteResult } from '../../store/store.ts'
import { createMemoryLog, type MemoryLog } from '../services/memory-log.ts'
import { district, registryOf } from './district.ts'

export const noon = Date.parse('2026-11-23T12:00:00Z')
export const stored: WriteResult = { rejected: new Map(), retry: [], durable: Promise.resolve() }

export type Outcome = (batches: readonly Batch[]) => Promise<WriteResult> | WriteResult
export type Bench = MemoryLog & {
  ingest: Ingest
  holding: Holding
  fleet: Fleet
  /** What the store was asked to write, call by call, and how it answers. */
  writes: Batch[][]
  answer: (outcome: Outcome) => void
  register: (rows: object) => void
  acks: { agent: string; ack: Ack }[]
  /** Topics of the messages that were acknowledged to the broker. */
  pubacks: number[]
  events: LiveEvent[]
  metric: (name: string) => Promise<number>
  /** Passes a payload on as it would come from the broker; its number. */
  give: (payload: Buffer, agent?: string, measurement?: string) => number
  remove: () => Promise<void>
}

export function createBench({ quarantineBytes = 1e6 } = {}): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'linkbell-ingest-'))
  const memory = createMemoryLog()
  let outcome: Outcome = () => stored
  let registry: Registry = registryOf()
  const writes: Batch[][] = []
  const store: Store = {
    write: async (batches) => {
      writes.push([...batches])
      return outcome(batches)
    },
    last: async () => [],
    rows: async () => [],
    range: async () => [],
    health: async () => ({ ok: true, problems: [], facts: {} }),
    close: async () => undefined,
  }
  const now = () => noon
  const holding = openHolding(join(folder, 'state.sqlite'), quarantineBytes, memory.log)
  const fleet = createFleet({ now, onChange: () => undefined })
  const live = createLive()
  const events: LiveEvent[] = []
  live.subscribe((event) => events.push(event))
  const metrics = createMetrics()
  const acks: Bench['acks'] = []
  const ingest = createIngest({
    store,
    registry: () => registry,
    fleet,
    holding,
    live,
    metrics: metrics.ingest,
    log: memory.log,
    now,
    acknowledge: (agent, ack) => acks.push({ agent, ack }),
  })
  const pubacks: number[] = []
  let given = 0
  return {
    ...memory,
    ingest,
    holding,
    fleet,
    writes,
    acks,
    pubacks,
    events,
    answer: (next) => {
      outcome = next
    },
    register: (rows) => {
      registry = registryOf(rows)
    },
    metric: async (name) => {
      const values = (await metrics.registry.getSingleMetric(name)?.get())?.values
      return values?.[0]?.value ?? Number.NaN
    },
    give: (payload, agent = 'a-gw1', measurement = 'wan') => {
      const number = given++
      const acknowledge = () => void pubacks.push(number)
      const topic = topics.batch(district, agent, measurement)
      ingest.accept({ topic, payload, qos: 1, retain: false, acknowledge })
      return number
    },
    remove: async () => {
      await ingest.stop()
      try {
        holding.close()
      } catch {
        // Closed by the test.
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A payload of one sample; `seq` also tells its time. */
export function payloadOf(seq: number, { agent = 'a-gw1', stream = 's', at = noon - 1_000 + seq } = {}): Buffer {
  const batch = batchOf([{ measurement: 'wan', tags: { link: 'wan' }, fields: { rx_mean_bps: seq } }], at)
  return encodeBatch({ agent, stream, seq }, batch)
}
