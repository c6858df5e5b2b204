/** A query text as the target of a panel or a rule, in the form of its data source. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import { DataqueryBuilder, PromQueryFormat, QueryEditorMode } from '@grafana/grafana-foundation-sdk/prometheus'
import type { Dialect } from './query.ts'

export type Target = {
  ref: string
  text: string
  format: 'time_series' | 'table'
  /** One value per series, not one per bucket. */
  instant: boolean
  legend: string
}

export function targetOf({ name }: Dialect, { ref, text, format, instant, legend }: Target): Builder<Dataquery> {
  if (name === 'influxql') return influxTarget({ refId: ref, query: text, resultFormat: format, alias: legend })
  const builder = new DataqueryBuilder().refId(ref).expr(text).legendFormat(legend).editorMode(QueryEditorMode.Code)
  builder.format(format === 'table' ? PromQueryFormat.Table : PromQueryFormat.TimeSeries)
  return instant ? builder.instant() : builder.range()
}

/** The SDK has no type for InfluxDB's queries; the names are those that Grafana's backend reads. */
function influxTarget(fields: {
  refId: string
  query: string
  resultFormat: string
  alias: string
}): Builder<Dataquery> {
  return { build: () => ({ ...fields, rawQuery: true, _implementsDataqueryVariant: () => undefined }) }
}
