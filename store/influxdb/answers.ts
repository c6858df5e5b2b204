/** Answers of InfluxDB's `/query`, chunk by chunk, as rows and series. */
import { type MeasurementName, measurements, tagsOf } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { Http } from '../remote/http.ts'
import { shorten } from '../remote/http.ts'
import type { Row, Series } from '../query.ts'

export type Value = string | number | null
/** Without rows, `values` is missing. */
export type Block = { name: string; tags?: Record<string, string>; columns: string[]; values?: Value[][] }
type Line = { error?: string; results?: { error?: string; series?: Block[] }[] }

export type Ask = (text: string, options?: { timeoutMs?: number | undefined }) => AsyncGenerator<Block>

/** Rows of one chunk: a long answer is never parsed in one go. */
const chunkRows = 2000

/** `parameters`: database and retention policy. */
export function createAsk(http: Http, server: string, parameters: Record<string, string>): Ask {
  return async function* ask(text, { timeoutMs } = {}) {
    const form = { ...parameters, q: text, epoch: 'ms', chunked: 'true', chunk_size: String(chunkRows) }
    for await (const line of http.lines({ path: '/query', form, timeoutMs })) {
      const { error, results = [] } = JSON.parse(line) as Line
      const said = error ?? results.find((result) => result.error !== undefined)?.error
      if (said !== undefined) throw new AppError('store_unavailable', `${server} refuses a query: ${shorten(said)}.`)
      for (const { series = [] } of results) yield* series
    }
  }
}

/** Whole samples, in the order of the answer. */
export async function readRows(
  blocks: AsyncIterable<Block>,
  measurement: MeasurementName,
  wanted: readonly string[] = Object.keys(measurements[measurement].fields),
): Promise<Row[]> {
  const rows: Row[] = []
  const tagNames = tagsOf(measurement)
  for await (const { tags: group, columns, values = [] } of blocks) {
    const place = new Map(columns.map((column, index) => [column, index]))
    for (const line of values) {
      const at = (column: string) => line[place.get(column) ?? -1] ?? null
      const tags = Object.fromEntries(tagNames.map((tag) => [tag, group?.[tag] ?? String(at(tag) ?? '')]))
      const fields = Object.fromEntries(wanted.map((field) => [field, numberOf(at(field))]))
      rows.push({ time: Number(line[0]), tags, fields })
    }
  }
  return rows
}

/** Series by their tags; one that is long comes in several blocks. */
export async function readSeries(blocks: AsyncIterable<Block>, by: readonly string[]): Promise<Series[]> {
  const found = new Map<string, Series>()
  for await (const { tags: group = {}, values = [] } of blocks) {
    const tags = Object.fromEntries(by.map((tag) => [tag, group[tag] ?? '']))
    const key = JSON.stringify(tags)
    const series = found.get(key) ?? { tags, points: [] }
    found.set(key, series)
    for (const [time, value] of values) {
      const number = numberOf(value ?? null)
      if (number !== null) series.points.push([Number(time), number])
    }
  }
  return [...found.values()].filter(({ points }) => points.length > 0)
}

function numberOf(value: Value): number | null {
  return typeof value === 'number' ? value : null
}
