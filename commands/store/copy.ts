/**
 * `linkbell store copy FROM TO`: samples from the store of one collector.yaml into that of another. It goes on where it
 * stopped: how far each measurement is durable lies in a file beside FROM's data, and a sample that comes twice changes
 * nothing. Hourly roll-ups of the embedded store, whose samples are gone already, are no samples and stay behind.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { collectorConfigSchema, type CollectorConfig } from '../../collector/config.ts'
import { openStore } from '../../collector/store-config.ts'
import type { Batch } from '../../core/batch.ts'
import { type MeasurementName, measurementNames, tagsOf } from '../../core/catalog.ts'
import { type Environment, loadConfig } from '../../core/config-file.ts'
import { AppError, messageOf } from '../../core/errors.ts'
import { createLog } from '../../core/log.ts'
import type { Row } from '../../store/query.ts'
import type { Store } from '../../store/store.ts'

export type StoreCopyOptions = { from: string; to: string; json: boolean }
export type StoreCopyDeps = { env: Environment; signal: AbortSignal; write: (line: string) => void; now: () => number }

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Rows that are read at once; more are read in halves. */
const rowsAtOnce = 20_000
const longestSliceMs = 30 * dayMs
const retryMs = 1_000
const tellEveryMs = 2_000

type State = { to: string; done: Partial<Record<MeasurementName, number>> }
type Totals = { copied: number; refused: number; reasons: Set<string> }
type Task = StoreCopyDeps & { source: Store; target: Store; totals: Totals; tell: (text: string) => void }

/** Whether everything was copied. Throws `aborted` when it was stopped. */
export async function copyStore(options: StoreCopyOptions, deps: StoreCopyDeps): Promise<boolean> {
  const [from, to] = [options.from, options.to].map((file) =>
    loadConfig(file, collectorConfigSchema, deps.env, 'give the collector.yaml of each store'),
  )
  if (from === undefined || to === undefined) return false
  if (placeOf(from) === placeOf(to)) {
    throw new AppError('config_invalid', `Both files name the same store, ${placeOf(to)}; there is nothing to copy.`)
  }
  const log = createLog({ name: 'store', level: 'error', destination: process.stderr })
  const begun = new AsyncDisposableStack()
  try {
    const source = await openStore(from.store, { dataDir: from.data_dir, log, now: deps.now })
    begun.defer(source.close)
    const target = await openStore(to.store, { dataDir: to.data_dir, log, now: deps.now })
    begun.defer(target.close)
    const totals: Totals = { copied: 0, refused: 0, reasons: new Set() }
    const tell = teller(options.json ? () => undefined : deps.write)
    await copyAll({ ...deps, source, target, totals, tell }, join(from.data_dir, 'store-copy.json'), placeOf(to), from)
    report(options, deps, totals, placeOf(to))
    return totals.refused === 0
  } finally {
    await begun.disposeAsync()
  }
}

async function copyAll(task: Task, stateFile: string, to: string, { store }: CollectorConfig): Promise<void> {
  const state = readState(stateFile, to)
  const end = task.now()
  const days = store.type === 'sqlite' ? store.long_days : store.retention_days || 3660
  for (const measurement of measurementNames) {
    const start = state.done[measurement] ?? end - days * dayMs
    await copyMeasurement(task, measurement, start, end, (time) => {
      state.done[measurement] = time
      writeState(stateFile, state)
    })
  }
}

/** What is durable is noted in its order; when some may be lost, all behind it is copied again. */
async function copyMeasurement(
  task: Task,
  measurement: MeasurementName,
  start: number,
  end: number,
  note: (time: number) => void,
): Promise<void> {
  let noted = start
  while (noted < end) {
    const waiting: { to: number; durable: Promise<boolean> }[] = []
    let lost = false
    let settling = Promise.resolve()
    for await (const { to, durable } of slices(task, measurement, noted, end)) {
      waiting.push({ to, durable })
      settling = settling.then(async () => {
        if (lost || !(await durable)) lost = true
        else note((noted = to))
      })
      if (lost) break
    }
    await settling
  }
}

/** Reads and writes slice after slice, as long as rows allow; each is accepted when it is given out. */
async function* slices(task: Task, measurement: MeasurementName, from: number, end: number) {
  let width = hourMs
  for (let at = from; at < end; ) {
    task.signal.throwIfAborted()
    const to = Math.min(end, at + width)
    const rows = await task.source.rows({ measurement, from: at, to, limit: rowsAtOnce })
    if (rows.length >= rowsAtOnce && to - at > 1) {
      width = Math.max(1, Math.floor((to - at) / 2))
      continue
    }
    const { durable } =
      rows.length === 0 ? { durable: Promise.resolve(true) } : await writeRows(task, measurement, rows)
    task.totals.copied += rows.length
    task.tell(`${measurement} until ${new Date(to).toISOString()}: ${task.totals.copied} samples`)
    yield { to, durable }
    at = to
    if (rows.length < rowsAtOnce / 4) width = Math.min(longestSliceMs, width * 2)
  }
}

/** Gives the rows until they are accepted; the result is whether they are durable. */
async function writeRows(
  task: Task,
  measurement: MeasurementName,
  rows: readonly Row[],
): Promise<{ durable: Promise<boolean> }> {
  const batch = batchOf(measurement, rows)
  for (;;) {
    task.signal.throwIfAborted()
    const { rejected, retry, durable } = await task.target.write([batch])
    for (const reason of rejected.values()) {
      task.totals.refused++
      task.totals.reasons.add(reason)
    }
    if (retry.length === 0) {
      const isKept = durable.then(
        () => true,
        () => false,
      )
      return { durable: isKept }
    }
    await sleep(retryMs)
  }
}

function batchOf(measurement: MeasurementName, rows: readonly Row[]): Batch {
  const fields = Object.keys(rows[0]?.fields ?? {}).filter((name) => rows.some((row) => row.fields[name] !== null))
  return {
    measurement,
    times: rows.map(({ time }) => time),
    tags: Object.fromEntries(tagsOf(measurement).map((tag) => [tag, rows.map(({ tags }) => tags[tag] ?? '')])),
    fields: Object.fromEntries(fields.map((name) => [name, rows.map((row) => row.fields[name] ?? null)])),
  }
}

function placeOf({ store, data_dir }: CollectorConfig): string {
  switch (store.type) {
    case 'sqlite':
      return join(data_dir, 'store')
    case 'influxdb':
      return `${store.url} ${store.database}`
    case 'victoriametrics':
      return store.url ?? store.cluster?.insert_url ?? ''
  }
}

function readState(file: string, to: string): State {
  if (!existsSync(file)) return { to, done: {} }
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as State
    return state.to === to ? state : { to, done: {} }
  } catch (cause) {
    throw new AppError('io', `${file} cannot be read (${messageOf(cause)}); delete it to copy from the beginning.`, {
      cause,
    })
  }
}

function writeState(file: string, state: State): void {
  writeFileSync(`${file}.new`, JSON.stringify(state))
  renameSync(`${file}.new`, file)
}

function teller(write: (line: string) => void): (text: string) => void {
  let last = 0
  return (text) => {
    if (performance.now() - last < tellEveryMs) return
    last = performance.now()
    write(text)
  }
}

function report({ json }: StoreCopyOptions, { write }: StoreCopyDeps, totals: Totals, to: string): void {
  const { copied, refused, reasons } = totals
  if (json) return write(JSON.stringify({ ok: refused === 0, copied, refused, reasons: [...reasons] }))
  for (const reason of reasons) write(`! ${reason}`)
  write(`${copied} samples are durable in ${to}${refused === 0 ? '' : `, but for some of ${refused} batches`}.`)
}
