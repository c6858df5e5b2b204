/** What the servers tell of themselves on `/metrics`: when they started, how they are set, what they dropped. */
import { AppError } from '../../core/errors.ts'
import { durationMs } from '../remote/duration.ts'
import type { Http } from '../remote/http.ts'
import type { Inspection } from '../remote/remote-store.ts'

export type Setup = {
  /** Changes whenever a server that keeps samples starts anew. */
  readStart: () => Promise<string>
  inspect: () => Promise<Inspection>
}

type Page = {
  start: string
  version: string
  flags: ReadonlyMap<string, string>
  /** Rows that were dropped since the server started, by reason. */
  dropped: ReadonlyMap<string, number>
  freeBytes: number
}

/** `nodes`: those that keep samples, and with a cluster also those that are asked. */
export type SetupDeps = {
  nodes: readonly { http: Http; url: string }[]
  server: string
  retentionDays: number | undefined
}

const dayMs = 86_400_000
/** Two samples of a series are never closer than a ping is long. */
const longestDedupMs = 1_000
const lowBytes = 2 * 1024 ** 3

export function createSetup({ nodes, server, retentionDays }: SetupDeps): Setup {
  let before: ReadonlyMap<string, number> | undefined

  const readPages = () => Promise.all(nodes.map(async ({ http }) => pageOf(await http.text({ path: '/metrics' }))))
  const readStart = async () => (await readPages()).map(({ start }) => start).join(' ')

  return {
    readStart,
    inspect: async () => {
      const pages = await readPages()
      const dropped = new Map<string, number>()
      for (const page of pages) {
        for (const [why, rows] of page.dropped) dropped.set(why, (dropped.get(why) ?? 0) + rows)
      }
      // Dropped since this program asked first; what others lost before is theirs.
      before ??= dropped
      const problems = pages.flatMap((page, index) => [
        ...flagProblems(page.flags, nodes[index]?.url ?? server),
        ...retentionProblems(page.flags, nodes[index]?.url ?? server, retentionDays),
        ...diskProblems(page, nodes[index]?.url ?? server),
      ])
      for (const [why, rows] of dropped) {
        const more = rows - (before.get(why) ?? 0)
        if (more > 0) problems.push(`${server} dropped ${more} rows that it had accepted: ${why}; its log says which.`)
      }
      // Distributions build it without a version.
      const version = pages[0]?.version ?? ''
      return { problems, facts: version === '' ? {} : { version } }
    },
  }
}

function flagProblems(flags: Page['flags'], server: string): string[] {
  const problems: string[] = []
  const dedup = flags.get('dedup.minScrapeInterval') ?? '0s'
  const dedupMs = durationMs(dedup) ?? 0
  if (dedupMs === 0) {
    problems.push(
      `${server} runs without -dedup.minScrapeInterval: each sample that is sent again counts twice in sums and counts. Start it with -dedup.minScrapeInterval=1ms.`,
    )
  } else if (dedupMs > longestDedupMs) {
    problems.push(
      `${server} runs with -dedup.minScrapeInterval=${dedup}: of samples closer together only the last is kept. Set it to 1ms.`,
    )
  }
  for (const [flag, wanted, effect] of [
    ['influxTrimTimestamp', '1ms', 'times are cut, and different samples become one'],
    ['influxMeasurementFieldSeparator', '_', 'samples are stored under names that no query asks for'],
    ['influxSkipSingleField', 'false', 'samples with one field are stored under a name that no query asks for'],
    ['influxSkipMeasurement', 'false', 'samples are stored under names that no query asks for'],
    ['precisionBits', '64', 'values are rounded'],
  ] as const) {
    const value = flags.get(flag)
    if (value !== undefined && value !== wanted) {
      problems.push(`${server} runs with -${flag}=${value}: ${effect}. Set it to ${wanted}.`)
    }
  }
  return problems
}

function retentionProblems(flags: Page['flags'], server: string, days: number | undefined): string[] {
  const kept = flags.get('retentionPeriod')
  if (days === undefined || kept === undefined) return []
  const keptDays = Math.round(retentionMs(kept) / dayMs)
  if (keptDays >= days) return []
  return [
    `${server} keeps ${keptDays} days (-retentionPeriod=${kept}), and ${days} are asked for (retention_days): older samples are deleted, and refused without a word. Start it with -retentionPeriod=${days}d, or lower retention_days.`,
  ]
}

function diskProblems({ freeBytes }: Page, server: string): string[] {
  if (freeBytes >= lowBytes) return []
  return [`The disk of ${server} is nearly full: ${Math.floor(freeBytes / 1024 ** 2)} MiB are free; free space.`]
}

/** The lines of a Prometheus page that matter here. */
function pageOf(text: string): Page {
  const flags = new Map<string, string>()
  const dropped = new Map<string, number>()
  let start: string | undefined
  let version = ''
  let freeBytes = Infinity
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    const label = (key: string) => new RegExp(`\\b${key}="((?:[^"\\\\]|\\\\.)*)"`).exec(labels)?.[1] ?? ''
    switch (name) {
      case 'flag':
        flags.set(label('name'), label('value'))
        break
      case 'process_start_time_seconds':
        start = value
        break
      case 'vm_app_version':
        version = label('short_version') || label('version')
        break
      case 'vm_rows_ignored_total':
        if (Number(value) > 0) dropped.set(reasons[label('reason')] ?? label('reason'), Number(value))
        break
      case 'vm_rows_invalid_total':
        if (label('type') === 'influx' && Number(value) > 0) dropped.set('lines it cannot read', Number(value))
        break
      case 'vm_hourly_series_limit_rows_dropped_total':
      case 'vm_daily_series_limit_rows_dropped_total':
        if (Number(value) > 0) dropped.set('more series than -storage.max…Series allows', Number(value))
        break
      case 'vm_free_disk_space_bytes':
        freeBytes = Math.min(freeBytes, Number(value))
        break
    }
  }
  if (start === undefined) {
    throw new AppError(
      'store_unavailable',
      'The page /metrics of VictoriaMetrics does not tell when it started: a restart would go unnoticed, and what it loses with it.',
    )
  }
  return { start, version, flags, dropped, freeBytes }
}

const reasons: Record<string, string> = {
  big_timestamp: 'times more than two days ahead',
  small_timestamp: 'times older than -retentionPeriod',
}

/** Without a unit, months (-retentionPeriod). */
function retentionMs(text: string): number {
  const [, number = '', unit = ''] = /^([\d.]+)(h|d|w|y)?$/.exec(text) ?? []
  const unitMs = { h: dayMs / 24, d: dayMs, w: 7 * dayMs, y: 365 * dayMs, '': 31 * dayMs }[unit]
  return Number(number) * (unitMs ?? 0)
}
