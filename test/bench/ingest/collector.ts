/** The collector's receive path on a store that keeps nothing; told `stall` it takes nothing. Arguments: port, agents. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFleet } from '../../../collector/fleet.ts'
import { openHolding } from '../../../collector/holding.ts'
import { createIngest } from '../../../collector/ingest.ts'
import { createLive } from '../../../collector/live.ts'
import { createMetrics } from '../../../collector/metrics.ts'
import { createCollectorMqtt } from '../../../collector/mqtt.ts'
import { createRegistry } from '../../../collector/registry.ts'
import { createLog } from '../../../core/log.ts'
import { registrySchema } from '../../../core/registry.ts'
import { standardSchema } from '../../../core/standard.ts'
import type { Store, WriteResult } from '../../../store/store.ts'

const [port, agents] = process.argv.slice(2).map(Number) as [number, number]
const folder = mkdtempSync(join(tmpdir(), 'linkbell-ingest-'))
const log = createLog({ name: 'ingest', level: 'error' })
const ids = Array.from({ length: agents }, (_, index) => `agent-${index}`)
const registry = createRegistry(
  registrySchema.parse({
    district: { id: 'd1', name: 'Bench' },
    towns: [{ id: 't1', name: 'Town' }],
    sites: ids.map((id) => ({ id: `site-${id}`, name: id, town: 't1', category: 'rural' })),
    agents: ids.map((id) => ({ id, site: `site-${id}` })),
  }),
  standardSchema.parse({
    id: 's',
    title: { en: '', zh: '' },
    source: '',
    targets_bps: { town: 5e8, rural: 1e8, 'teaching-point': 1e8, kindergarten: 1e8, special: 1e8 },
  }),
)

let batches = 0
let records = 0
let stalled: Promise<void> | undefined
let release: () => void = () => undefined
const nothing: WriteResult = { rejected: new Map(), retry: [], durable: Promise.resolve() }
const store: Store = {
  write: async (written) => {
    await stalled
    batches += written.length
    for (const batch of written) records += batch.times.length
    return nothing
  },
  last: async () => [],
  rows: async () => [],
  range: async () => [],
  health: async () => ({ ok: true, problems: [], facts: {} }),
  close: async () => undefined,
}

const metrics = createMetrics()
const mqtt = createCollectorMqtt({
  connection: { url: `mqtt://127.0.0.1:${port}` },
  district: 'd1',
  id: 'bench',
  boot: 'bench',
  since: Date.now(),
  version: 'bench',
  registry: () => registry,
  fleet: createFleet({ now: Date.now, onChange: () => undefined }),
  log,
  now: Date.now,
  onBatch: (message) => ingest.accept(message),
  onTwin: () => undefined,
})
const ingest = createIngest({
  store,
  registry: () => registry,
  fleet: createFleet({ now: Date.now, onChange: () => undefined }),
  holding: openHolding(join(folder, 'state.sqlite'), 1e8, log),
  live: createLive(),
  metrics: metrics.ingest,
  log,
  now: Date.now,
  acknowledge: mqtt.acknowledge,
})
mqtt.start()
let sessions = 0
let was = false
setInterval(() => {
  if (mqtt.connected() && !was) sessions++
  was = mqtt.connected()
}, 10)

process.on('message', (message) => {
  if (message === 'stall') {
    stalled = new Promise((resolve) => {
      release = resolve
    })
  } else if (message === 'go') {
    release()
    stalled = undefined
  }
  const { user, system } = process.cpuUsage()
  process.send?.({
    batches,
    records,
    sessions,
    connected: mqtt.connected(),
    rss: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
  })
})
process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})
