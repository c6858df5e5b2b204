/** `linkbell store check` and `store copy`, as a person runs them, against real servers. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { StoreConfig } from '../../../collector/store-config.ts'
import { createLog } from '../../../core/log.ts'
import { createSqliteStore } from '../../../store/sqlite.ts'
import { has } from '../../services/capabilities.ts'
import { createInfluxdb, type InfluxdbService } from '../../services/influxdb.ts'
import { createVictoriametrics, type VictoriametricsService } from '../../services/victoriametrics.ts'
import { openInfluxdb } from '../../store/influxdb/influxdb-store.ts'
import { numbered } from '../../store/remote.ts'
import { openVictoriametrics } from '../../store/victoriametrics/victoriametrics-store.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const hour = 3_600_000
const samples = 60

let folder: string
const start = Math.floor(Date.now() / hour) * hour - 3 * hour

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'linkbell-store-command-'))
  const log = createLog({ name: 'test', level: 'silent' })
  const store = await createSqliteStore({ directory: join(folder, 'data', 'store'), log, now: Date.now })
  const { durable } = await store.write(Array.from({ length: samples }, (_, n) => numbered(n, start + n * 60_000)))
  await durable
  await store.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function configFile(name: string, store: Partial<StoreConfig>): string {
  const broker = { type: 'external', url: 'mqtt://127.0.0.1' }
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, stringify({ data_dir: join(folder, 'data'), registry_file: 'd.yaml', broker, store }))
  return file
}

const linkbell = (...args: string[]) => run('store', ...args)

function run(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'bin/linkbell.js'), ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: `${stdout}${stderr}` }),
    )
  })
}

const from = () => configFile('from', { type: 'sqlite' })

describe.skipIf(!has('influxd'))('with InfluxDB', () => {
  let server: InfluxdbService
  const to = () => configFile('influxdb', { type: 'influxdb', url: server.url })
  beforeAll(async () => {
    server = await createInfluxdb()
    await server.start()
  })
  afterAll(() => server.stop())

  it('check finds it in order, and makes the database', async () => {
    const { code, out } = await linkbell('check', '--config', to(), '--json')
    expect(JSON.parse(out)).toMatchObject({ ok: true, type: 'influxdb', problems: [] })
    expect(code).toBe(0)
  })
  it('check tells what would lose data, and fails', async () => {
    await server.query('ALTER RETENTION POLICY autogen ON linkbell DURATION 7d')
    const { code, out } = await linkbell('check', '--config', to())
    expect(out).toMatch(/keeps 7 days, and 1096 days are asked for .*ALTER RETENTION POLICY/)
    expect(code).toBe(1)
    await server.query('ALTER RETENTION POLICY autogen ON linkbell DURATION INF')
  })
  it('the doctor looks at it as well', async () => {
    const district = { id: 'd1', name: 'District' }
    writeFileSync(join(folder, 'd.yaml'), stringify({ district, towns: [], sites: [], agents: [] }))
    const { out } = await run('doctor', '--config', to(), '--json', '--lang', 'en')
    const { checks } = JSON.parse(out) as { checks: { id: string }[] }
    expect(checks.find(({ id }) => id === 'store')).toMatchObject({
      status: 'ok',
      found: `influxdb ${server.url} takes samples and gives them back`,
    })
  })
  it('copy brings all samples over, once, and goes on where it stopped', async () => {
    const first = await linkbell('copy', from(), to(), '--json')
    expect(JSON.parse(first.out)).toEqual({ ok: true, copied: samples * 5, refused: 0, reasons: [] })
    const state = JSON.parse(readFileSync(join(folder, 'data', 'store-copy.json'), 'utf8')) as { to: string }
    expect(state.to).toContain(server.url)
    const again = await linkbell('copy', from(), to(), '--json')
    expect(JSON.parse(again.out)).toMatchObject({ ok: true, copied: 0 })
    const { store } = await openInfluxdb(server.url)
    const rows = await store.rows({ measurement: 'terminal', from: start, to: Date.now(), limit: 10_000 })
    await store.close()
    expect(rows).toHaveLength(samples * 5)
    expect(rows.at(-1)).toMatchObject({ tags: { site: 's1', terminal: 't-4' }, fields: { rtt_seconds: 0.059, up: 1 } })
  })
})

describe.skipIf(!has('victoria-metrics'))('with VictoriaMetrics', () => {
  let server: VictoriametricsService
  const to = () =>
    configFile('victoriametrics', { type: 'victoriametrics', url: server.url, settle_seconds: 1, retention_days: 30 })
  beforeAll(async () => {
    server = await createVictoriametrics({ flags: ['-retentionPeriod=1y'] })
    await server.start()
  })
  afterAll(() => server.stop())

  it('check finds it in order', async () => {
    const { code, out } = await linkbell('check', '--config', to())
    expect(out).toContain('The store victoriametrics is in order.')
    expect(code).toBe(0)
  })
  it('copy brings all samples over, once', async () => {
    const { out } = await linkbell('copy', from(), to(), '--json')
    expect(JSON.parse(out)).toMatchObject({ ok: true, copied: samples * 5 })
    await server.flush()
    const { store } = await openVictoriametrics(server.url)
    const rows = await store.rows({ measurement: 'terminal', from: start, to: Date.now(), limit: 10_000 })
    await store.close()
    expect(rows).toHaveLength(samples * 5)
  })
  it('check names a server that is not there', async () => {
    const file = configFile('away', { type: 'victoriametrics', url: 'http://127.0.0.1:9' })
    const { code, out } = await linkbell('check', '--config', file)
    expect(out).toContain('VictoriaMetrics at http://127.0.0.1:9 cannot be reached')
    expect(code).toBe(1)
  })
  it('copy refuses to copy a store into itself', async () => {
    const { code, out } = await linkbell('copy', from(), from())
    expect([code, out]).toEqual([2, expect.stringContaining('the same store')])
  })
})
