/** `linkbell demo`: a made-up district with its history, behind the real collector, going on live. */
import { createWriteStream, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { collectorConfigSchema } from '../../collector/config.ts'
import { dayMs } from '../../collector/local-time.ts'
import { runCollector } from '../../collector/main.ts'
import { loadConfig } from '../../core/config-file.ts'
import { dateOf } from '../../core/calendar.ts'
import { AppError } from '../../core/errors.ts'
import { createLog, type Log } from '../../core/log.ts'
import { type Standard, standardsFileSchema } from '../../core/standard.ts'
import { createSqliteStore, type SqliteStore } from '../../store/sqlite.ts'
import { localDay, minuteMs, startOf } from './calendar.ts'
import { type District, makeDistrict, type RegistryInput } from './district.ts'
import { type Folder, openFolder, type Wish } from './folder.ts'
import { createGateways } from './gateways.ts'
import { type Span, testDaysBefore, writeHistory, writeTests } from './history.ts'
import { writeFigures } from './plan-history.ts'
import { createProgress, type Output } from './progress.ts'
import { writeVerdicts } from './verdict-history.ts'
import { words } from './words.ts'

export type DemoOptions = Wish & { dataDir: string; port: number }
export type DemoDeps = { signal: AbortSignal; now: () => number; version: string; lang: 'en' | 'zh'; output: Output }

const host = '127.0.0.1'
/** Older data is made anew: its stories (a repair a week ago) would be over. */
const longestGapMs = dayMs
/** Written again when it goes on: what was under way when the last run ended. Writing twice changes nothing. */
const overlapMs = 10 * minuteMs

/** Runs until `signal` aborts. Throws `config_invalid` for its options, `port_in_use` before anything is made. */
export async function demo(options: DemoOptions, deps: DemoDeps): Promise<void> {
  checkOptions(options)
  await checkPort(options.port)
  const { dataDir: directory, port, ...wish } = options
  const folder = openFolder(directory, wish)
  const { log, close } = openLog(folder, deps)
  try {
    const made = await prepare(folder, wish, log, deps)
    if (made !== undefined) await live(made, folder, port, log, deps)
  } finally {
    close()
  }
}

type Made = { district: District; historyEnd: number }

/** The district and its history, from disk or new. Undefined when it was interrupted. */
async function prepare(folder: Folder, wish: Wish, log: Log, deps: DemoDeps): Promise<Made | undefined> {
  const { signal, now, lang } = deps
  const standard = builtInStandard()
  try {
    const kept = folder.kept()
    if (kept !== undefined) {
      const district = makeDistrict({ ...wish, end: kept }, standard)
      const historyEnd = await goOn(district, folder, log, deps)
      if (historyEnd !== undefined) return { district, historyEnd }
      deps.output.write(`${words[lang].tooOld}\n`)
    }
    const end = Math.floor(now() / minuteMs) * minuteMs
    const district = makeDistrict({ ...wish, end }, standard)
    await makeHistory(district, wish, folder, log, deps)
    return { district, historyEnd: end }
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

/** Fills what is missing since the last run; undefined when that is too long ago. */
async function goOn(district: District, folder: Folder, log: Log, deps: DemoDeps): Promise<number | undefined> {
  const to = deps.now()
  const store = await createSqliteStore({ directory: folder.store, log, now: deps.now })
  try {
    const newest = await store.last({ measurement: 'host', fields: ['cpu_ratio'], from: to - longestGapMs, to })
    if (newest.length === 0) return undefined
    const from = Math.max(...newest.map(({ time }) => time)) - overlapMs
    const progress = createProgress(deps.output, words[deps.lang].filling)
    await writeTests(district, { from, to }, store)
    await writeHistory(district, { from, to }, { store, signal: deps.signal, onProgress: progress.update })
    progress.end()
    return to
  } finally {
    await store.close()
  }
}

async function makeHistory(
  district: District,
  { days, sites }: Wish,
  folder: Folder,
  log: Log,
  { signal, now, lang, output }: DemoDeps,
): Promise<void> {
  const started = performance.now()
  const { end } = district.moment
  const span = { from: end - days * dayMs, to: end }
  output.write(`${words[lang].making(sites, days)}\n`)
  folder.begin(end)
  // Days beyond the usual retention are taken as well: the collector's store deletes their samples and keeps the roll-ups.
  const retention = { raw_days: days + 1 }
  const store = await createSqliteStore({ directory: folder.store, log, now, retention })
  const progress = createProgress(output, words[lang].writing)
  try {
    await writeAll(district, span, store, log, signal, progress.update)
  } finally {
    progress.end()
    await store.close()
  }
  folder.complete(end)
  output.write(`${words[lang].made(Math.round((performance.now() - started) / 1000))}\n`)
}

async function writeAll(
  district: District,
  span: Span,
  store: SqliteStore,
  log: Log,
  signal: AbortSignal,
  onProgress: (ratio: number) => void,
): Promise<void> {
  const first = Math.min(localDay(span.from), monthBeforeLast(span.to))
  await writeTests(district, { from: startOf(first - testDaysBefore), to: span.to }, store)
  // Verdicts read what is there already, while the writer is busy with the rest.
  const results = await Promise.allSettled([
    writeHistory(district, span, { store, signal, onProgress }),
    writeVerdicts(district, span, { store, log, signal }),
    writeFigures(district, { first, end: localDay(span.to) }, { store, signal }),
  ])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Tests and figures of the plan reach back so far: the report of last month sets it beside the month before. */
function monthBeforeLast(now: number): number {
  const [year = 0, month = 0] = dateOf(localDay(now)).split('-').map(Number)
  return Date.UTC(year, month - 3, 1) / dayMs
}

async function live(
  { district, historyEnd }: Made,
  folder: Folder,
  port: number,
  log: Log,
  { signal, now, version, lang, output }: DemoDeps,
): Promise<void> {
  writeFileSync(folder.registryFile, registryText(district.input))
  const config = collectorConfigSchema.parse({
    data_dir: folder.collectorDir,
    registry_file: folder.registryFile,
    // Nobody connects to it but the collector itself: the gateways are in this process.
    broker: { type: 'embedded', host, port: 0, users_file: folder.usersFile },
    http: { host, port },
  })
  let stop = () => {}
  try {
    await runCollector(config, {
      signal,
      log,
      version,
      env: {},
      onReady: (url, receive) => {
        const gateways = createGateways({ district, version, now, from: historyEnd, receive })
        gateways.start()
        stop = gateways.stop
        output.write(`${words[lang].ready(url)}\n`)
      },
    })
  } finally {
    stop()
  }
}

/** One row a line. JSON is YAML, and made at once where a library for YAML takes seconds. */
function registryText({ district, ...tables }: RegistryInput): string {
  const sections = Object.entries(tables).map(([name, rows]) => {
    const lines = (rows ?? []).map((row) => `\n  - ${JSON.stringify(row)}`)
    return `${name}:${lines.length === 0 ? ' []' : lines.join('')}\n`
  })
  return `# ${words.en.registry}\ndistrict: ${JSON.stringify(district)}\n${sections.join('')}`
}

function builtInStandard(): Standard {
  const file = fileURLToPath(new URL('../../config/standards.yaml', import.meta.url))
  return loadConfig(file, standardsFileSchema, {}).standards[0] as Standard
}

/** The log goes to a file; warnings and errors are said on the terminal as well. */
function openLog({ logFile }: Folder, { output }: DemoDeps): { log: Log; close: () => void } {
  const warn = 40
  const write = (line: string) => {
    file.write(line)
    const { level, msg, reason } = JSON.parse(line) as { level: number; msg: string; reason?: string }
    if (level >= warn) output.write(`${msg}${reason === undefined ? '' : ` (${reason})`}\n`)
  }
  const file = createWriteStream(logFile, { flags: 'a' })
  return { log: createLog({ name: 'demo', destination: { write } }), close: () => file.end() }
}

const bounds: Record<keyof Wish, readonly [least: number, most: number]> = {
  seed: [0, 4_294_967_295],
  sites: [1, 3_000],
  days: [1, 366],
  terminals: [0, 100],
}

function checkOptions(options: Wish): void {
  for (const [name, [least, most]] of Object.entries(bounds) as [keyof Wish, readonly [number, number]][]) {
    const value = options[name]
    if (value < least || value > most)
      throw new AppError('config_invalid', `--${name} ${value}: give a number from ${least} to ${most}.`)
  }
}

/** Before a minute is spent on the history. */
function checkPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(
        new AppError(
          'port_in_use',
          `Port ${port} on ${host} cannot be used (${code}); stop the other program or give --port.`,
        ),
      ),
    )
    server.listen(port, host, () => server.close(() => resolve()))
  })
}
