/** Does what Grafana does with the queries of a dashboard: fills in variables and macros, asks the server, reads the answer. */
import type { Server } from './servers.ts'
import { database } from './servers.ts'

export type DialectName = 'influxql' | 'promql'
/** Times in ms; `stepMs` is the width of a bucket. */
export type Look = { from: number; to: number; stepMs: number }
/** Value of each series at each time, by its tags: `{"town":"x"}` → start of the bucket → value. */
export type Answer = Map<string, Map<number, number>>
export type Variables = Record<string, string>

/** `timeMs` in place of the value where the question is when something was last heard. */
export type Asking = { variables: Variables; look: Look; bucketed: boolean; heard?: boolean }

export async function askInflux(
  { url }: Server,
  text: string,
  { variables, look, bucketed, heard }: Asking,
): Promise<Answer> {
  const filled = fill(text, variables)
    .replaceAll('$timeFilter', `time >= ${look.from}ms and time <= ${look.to}ms`)
    .replaceAll('$__interval_ms', String(look.stepMs))
    .replaceAll('$__interval', `${look.stepMs / 1000}s`)
  const answer: Answer = new Map()
  for (const { tags = {}, values } of await influx(url, filled)) {
    const points = new Map<number, number>()
    for (const [time, value] of values) if (value !== null) points.set(bucketed ? time : 0, heard ? time : value)
    if (points.size > 0) answer.set(keyOf(tags), points)
  }
  return answer
}

/** Windows end where they are evaluated: a millisecond before the next bucket begins. */
export async function askVictoria(
  { url }: Server,
  text: string,
  { variables, look, bucketed }: Asking,
): Promise<Answer> {
  const filled = fill(text, variables)
    .replaceAll('$__range', `${Math.round((look.to - look.from) / 1000)}s`)
    .replaceAll('$__interval_ms', String(look.stepMs))
    .replaceAll('$__interval', `${look.stepMs / 1000}s`)
  const answer: Answer = new Map()
  const path = bucketed ? 'query_range' : 'query'
  const times = bucketed
    ? { start: seconds(look.from + look.stepMs - 1), end: seconds(look.to), step: seconds(look.stepMs) }
    : { time: seconds(look.to) }
  for (const { metric, value, values = [] } of await victoria(url, path, { query: filled, ...times })) {
    const { __name__: _, ...tags } = metric
    const points = new Map<number, number>()
    for (const [time, text] of value === undefined ? values : [value])
      points.set(bucketed ? Math.round(time * 1000) - look.stepMs + 1 : 0, Number(text))
    answer.set(keyOf(tags), points)
  }
  return answer
}

/** Values of a variable. */
export async function valuesOf(
  dialect: DialectName,
  { url }: Server,
  text: string,
  { variables, look: { from, to } }: Pick<Asking, 'variables' | 'look'>,
): Promise<string[]> {
  const filled = fill(text, variables)
  if (dialect === 'influxql')
    return (await influx(url, filled)).flatMap(({ values }) => values.map(([, value]) => String(value))).sort()
  const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(filled) ?? []
  if (selector === undefined) throw new Error(`not understood: ${filled}`)
  const series = (await get(`${url}/api/v1/series`, {
    'match[]': selector,
    start: seconds(from),
    end: seconds(to),
  })) as {
    data: Record<string, string>[]
  }
  return [...new Set(series.data.map((tags) => tags[label as string] ?? ''))].sort()
}

function fill(text: string, variables: Variables): string {
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (all, braced: string | undefined, plain: string | undefined) => {
    const name = braced ?? plain ?? ''
    if (name === 'timeFilter' || name.startsWith('__')) return all
    const value = variables[name]
    if (value === undefined) throw new Error(`no variable ${all} on this page: ${text}`)
    return value
  })
}

type InfluxSeries = { tags?: Record<string, string>; values: [number, number | null][] }
async function influx(url: string, q: string): Promise<InfluxSeries[]> {
  const answer = (await get(`${url}/query`, { db: database, epoch: 'ms', q })) as {
    results?: { series?: InfluxSeries[]; error?: string }[]
    error?: string
  }
  const error = answer.error ?? answer.results?.[0]?.error
  if (error !== undefined) throw new Error(`${error}: ${q}`)
  return answer.results?.[0]?.series ?? []
}

type VictoriaSeries = { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }
async function victoria(url: string, path: string, parameters: Record<string, string>): Promise<VictoriaSeries[]> {
  const answer = (await get(`${url}/api/v1/${path}`, parameters)) as {
    data?: { result: VictoriaSeries[] }
    error?: string
  }
  if (answer.data === undefined) throw new Error(`${answer.error}: ${parameters['query']}`)
  return answer.data.result
}

async function get(url: string, parameters: Record<string, string>): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) })
  return answer.json()
}

function keyOf(tags: Record<string, string>): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(tags)
        .filter(([, value]) => value !== '')
        .toSorted(),
    ),
  )
}

const seconds = (ms: number) => (ms / 1000).toFixed(3)
