/** What arrives at the centre, one readable line each, from the board's own event stream: it has come the whole way. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Field, type Measurement, measurementOf, type Text } from '../../core/catalog.ts'
import { formatBytes, formatRate, formatSeconds } from '../../core/units.ts'

export type LiveOptions = { url: string; signal: AbortSignal; lang: keyof Text; write: (line: string) => void }
type Stored = {
  measurement: string
  time: string | number
  tags: Record<string, string>
  fields: Record<string, number | null>
}

const retryMs = 1_000
/** Figures of a line: what a reader wants first. The rest is on the board. */
const shown: Record<string, string[]> = {
  host: ['cpu_ratio', 'memory_used_ratio', 'disk_used_ratio', 'temperature_celsius'],
  wan: ['rx_mean_bps', 'tx_mean_bps', 'rx_peak_bps', 'tx_peak_bps'],
  path: ['rtt_mean_seconds', 'jitter_seconds', 'loss_ratio'],
  service: ['up', 'total_seconds', 'status_code'],
  bandwidth: [
    'link_rate_bps',
    'goodput_bps',
    'target_bps',
    'outcome',
    'method',
    'transferred_bytes',
    'duration_seconds',
  ],
}
const shownTags: Record<string, string[]> = {
  wan: ['link'],
  path: ['level', 'target'],
  service: ['service'],
  bandwidth: ['link', 'direction'],
}

/** Follows the stream until `signal` aborts, over restarts of the collector. */
export async function followLive(options: LiveOptions): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await followOnce(options)
    } catch {
      // The supervisor says why the collector is away.
    }
    await sleep(retryMs, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

async function followOnce({ url, signal, lang, write }: LiveOptions): Promise<void> {
  const response = await fetch(new URL('api/v1/live', url), { signal, headers: { accept: 'text/event-stream' } })
  if (!response.ok || response.body === null) throw new Error(`the event stream answers ${response.status}`)
  let buffered = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (buffered + chunk).split('\n\n')
    buffered = blocks.pop() ?? ''
    for (const block of blocks) {
      const line = lineOf(block, lang)
      if (line !== undefined) write(line)
    }
  }
}

function lineOf(block: string, lang: keyof Text): string | undefined {
  if (!/^event: stored$/m.test(block)) return undefined
  const data = /^data: (.*)$/m.exec(block)?.[1]
  return data === undefined ? undefined : describeSample(JSON.parse(data) as Stored, lang)
}

/** One sample as a line; undefined for those that only matter on the board. */
function describeSample({ measurement, time, tags, fields }: Stored, lang: keyof Text): string | undefined {
  const definition: Measurement | undefined = measurementOf(measurement)
  const names = shown[measurement]
  if (definition === undefined || names === undefined) return undefined
  const label = (shownTags[measurement] ?? []).flatMap((tag) => tags[tag] ?? []).join(' ')
  const figures = names.flatMap((name) => {
    const field = definition.fields[name]
    const value = fields[name]
    return field === undefined || value === undefined || value === null
      ? []
      : `${field.title[lang]} ${show(field, value, lang)}`
  })
  const clock = new Date(time).toTimeString().slice(0, 8)
  return `${clock}  ${definition.title[lang]}${label === '' ? '' : ` [${label}]`}: ${figures.join(lang === 'zh' ? '，' : ', ')}`
}

function show(field: Field, value: number, lang: keyof Text): string {
  if (field.states !== undefined) return field.states[value]?.[lang] ?? String(value)
  switch (field.unit) {
    case 'bps':
      return formatRate(value)
    case 'bytes':
      return formatBytes(value)
    case 'seconds':
      return formatSeconds(value)
    case 'ratio':
      return `${(value * 100).toFixed(1)} %`
    case 'celsius':
      return `${value.toFixed(1)} °C`
    default:
      return String(value)
  }
}
