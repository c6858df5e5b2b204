/** VictoriaMetrics' HTTP API as far as the store asks it. Times are ms here and seconds there. */
import { AppError } from '../../core/errors.ts'
import type { Http } from '../remote/http.ts'

export type Labels = Readonly<Record<string, string>>
export type Found = { labels: Labels; points: [time: number, value: number][] }
/** Samples as they were written. */
export type Exported = { labels: Labels; times: number[]; values: number[] }
export type Api = {
  /** One value per series at a time. */
  instant: (query: string, time: number, timeoutMs?: number) => Promise<Found[]>
  /** Values from `start` to `end`, both included. */
  range: (query: string, start: number, end: number, stepMs: number, timeoutMs?: number) => Promise<Found[]>
  /** Samples in [from, to). A series may come in parts. */
  samples: (selector: string, from: number, to: number, timeoutMs?: number) => AsyncGenerator<Exported>
}

/** Servers take 16 KiB (`-search.maxQueryLen`); a long list of sites may stand in a text more than once. */
export const maxTextLength = 16_000

type Answer = {
  status: string
  error?: string
  data?: { result: { metric: Labels; value?: [number, string]; values?: [number, string][] }[] }
}

export function createApi(http: Http, timeoutMs: number): Api {
  const ask = async (path: string, form: Record<string, string>, limitMs = timeoutMs): Promise<Found[]> => {
    // `nocache`: late samples change what was answered before, and times near now are else moved back by half a minute.
    const all = { ...form, nocache: '1', timeout: `${limitMs / 1000}s` }
    const { data, error } = JSON.parse(await http.text({ path, form: all, timeoutMs: limitMs })) as Answer
    if (data === undefined) throw new AppError('store_unavailable', `VictoriaMetrics refuses a query: ${error}.`)
    return data.result.map(({ metric, value, values = value === undefined ? [] : [value] }) => ({
      labels: metric,
      points: values.map(([time, text]): [number, number] => [Math.round(time * 1000), Number(text)]),
    }))
  }
  return {
    instant: (query, time, limitMs) => ask('/api/v1/query', { query, time: seconds(time) }, limitMs),
    range: (query, start, end, stepMs, limitMs) => {
      const span = { start: seconds(start), end: seconds(end), step: seconds(stepMs) }
      return ask('/api/v1/query_range', { query, ...span }, limitMs)
    },
    samples: async function* (selector, from, to, limitMs = timeoutMs) {
      const form = { 'match[]': selector, start: seconds(from), end: seconds(to - 1) }
      for await (const line of http.lines({ path: '/api/v1/export', form, timeoutMs: limitMs })) {
        const { metric, values, timestamps } = JSON.parse(line) as Line
        yield { labels: metric, times: timestamps, values }
      }
    },
  }
}
type Line = { metric: Labels; values: number[]; timestamps: number[] }

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
