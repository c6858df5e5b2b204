/** From a panel as data to Grafana's JSON. Pages (overview.ts, …) say what is asked; this file says how it is shown. */
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge'
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as GeomapBuilder } from '@grafana/grafana-foundation-sdk/geomap'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { displayOf, namesMapping, type Scale, statesMapping, stepsOf, thresholdsOf } from './display.ts'
import { type Dialect, groupsOf, type Question } from './query.ts'
import { type PanelKey, panels } from './panel-strings.ts'
import { type Language, names, phrases, tagTitles, type TitledTag } from './strings.ts'
import { gazetteer } from './provisioning.ts'
import { targetOf } from './target.ts'

/** One question of a panel. `name` stands in legends and, in a table, above the column. */
export type Asked = {
  question: Question
  name?: keyof typeof phrases
  /** A line to compare with, such as a target. */
  dashed?: boolean
  scale?: Scale
}
export type Panel = {
  key: PanelKey
  /** `bars` and `stat`: a value per group, over the span; `series` and `timeline`: in buckets; `alerts` asks nothing. */
  show: 'stat' | 'bars' | 'table' | 'map' | 'series' | 'timeline' | 'alerts'
  ask: readonly Asked[]
  width: number
  height: number
  scale?: Scale
  /** Least width of a bucket: that of the data. */
  interval?: string
  /** Looks back this long, where the page looks further: what is now. */
  last?: string
  /** Table: sorted by this column; `limit` rows. */
  sort?: { column: keyof typeof phrases; descending?: boolean }
  limit?: number
}
type Rest = Omit<Panel, 'show' | 'key' | 'ask'>
/** A panel that asks one thing. */
export function simple(show: Panel['show'], key: PanelKey, question: Question, rest: Rest): Panel {
  return { key, show, ask: [{ question }], ...rest }
}

export type Context = { dialect: Dialect; language: Language }
type Placed = { id: number; gridPos: dashboard.GridPos }

/** What the builders of all panels share; each returns itself. */
type AnyBuilder = Pick<StatBuilder, 'build'> & {
  [K in
    | 'id'
    | 'title'
    | 'description'
    | 'datasource'
    | 'gridPos'
    | 'withTarget'
    | 'withTransformation'
    | 'overrideByName'
    | 'interval'
    | 'timeFrom'
    | 'unit'
    | 'decimals'
    | 'mappings'
    | 'min'
    | 'max'
    | 'noValue'
    | 'thresholds']: (...args: Parameters<StatBuilder[K]>) => AnyBuilder
}

const source: common.DataSourceRef = { uid: '${datasource}' }
export const dataSourceOf = (dialect: Dialect): common.DataSourceRef => ({ type: dialect.datasource, ...source })
export function panelOf(panel: Panel, { id, gridPos }: Placed, context: Context): dashboard.Panel {
  const { dialect, language } = context
  const { title, says } = panels[panel.key]
  const builder = builders[panel.show]() as AnyBuilder
  builder.id(id).title(title[language]).description(says[language]).gridPos(gridPos)
  if (panel.show === 'alerts') return builder.build()
  builder.datasource(dataSourceOf(dialect))
  panel.ask.forEach((asked, index) => builder.withTarget(target(panel, asked, index, context)))
  displayed(builder, panel, context)
  if (isTable(panel)) columns(builder, panel, context)
  else panel.ask.forEach((asked, index) => seriesOverrides(builder, asked, refOf(index), context))
  return builder.build()
}

const refOf = (index: number) => String.fromCharCode(65 + index)
const isTable = ({ show }: Panel) => show === 'table' || show === 'map'
const isBucketed = ({ show }: Panel) => show === 'series' || show === 'timeline'

function target(
  panel: Panel,
  { question, name }: Asked,
  index: number,
  { dialect, language }: Context,
): Builder<Dataquery> {
  const groups = groupsOf(question)
  const tags = dialect.legend(groups)
  const text = name === undefined ? '' : phrases[name][language]
  return targetOf(dialect, {
    ref: refOf(index),
    text: dialect.write(
      question,
      isBucketed(panel) ? 'buckets' : 'span',
      isTable(panel) ? columnOf(panel, index) : undefined,
    ),
    format: isTable(panel) ? 'table' : 'time_series',
    instant: !isBucketed(panel),
    legend: [tags, text].filter((part) => part !== '').join(' ') || panels[panel.key].title[language],
  })
}

/** Unit, states and colours of the first question; the others of a chart share its axis. */
function displayed(
  builder: AnyBuilder,
  { ask, scale = 'plain', show, interval, last }: Panel,
  { language }: Context,
): void {
  const display = displayOf((ask[0] as Asked).question)
  builder
    .unit(display.unit)
    .thresholds(thresholdsOf(scale))
    .noValue(display.unit === 'short' ? '0' : phrases.none[language])
  if (display.decimals !== undefined) builder.decimals(display.decimals)
  if (display.states !== undefined) builder.mappings([statesMapping(display.field, display.states, language)])
  // Bars would begin at the least value.
  if (show === 'bars' || (show === 'series' && display.unit === 'percentunit')) builder.min(0)
  // On a scale up to 100 % the loss that spoils a lesson would not be seen.
  if (display.unit === 'percentunit' && scale !== 'loss' && (show === 'bars' || show === 'series')) builder.max(1)
  if (interval !== undefined) builder.interval(interval)
  if (last !== undefined) builder.timeFrom(last)
}

const builders: Record<Panel['show'], () => unknown> = {
  stat: () =>
    new StatBuilder()
      .colorMode(common.BigValueColorMode.Value)
      .graphMode(common.BigValueGraphMode.None)
      .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull'])),
  bars: () =>
    new BarGaugeBuilder()
      .orientation(common.VizOrientation.Horizontal)
      .displayMode(common.BarGaugeDisplayMode.Basic)
      .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull'])),
  series: () =>
    new TimeseriesBuilder()
      .lineWidth(1)
      .showPoints(common.VisibilityMode.Auto)
      .axisSoftMin(0)
      .tooltip(
        new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
      )
      .legend(legend()),
  timeline: () =>
    new TimelineBuilder()
      // Grafana's own choice of colours for it has no legend of states.
      .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
      .showValue(common.VisibilityMode.Never)
      .mergeValues(true)
      .rowHeight(0.85)
      .legend(legend()),
  table: () => new TableBuilder().cellHeight(common.TableCellHeight.Sm).filterable(true),
  map,
  alerts: alertList,
}

function legend() {
  return new common.VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
}

function map() {
  const place = { mode: common.FrameGeometrySourceMode.Lookup, lookup: 'site', gazetteer }
  const markers = new common.MapLayerOptionsBuilder()
    .type('markers')
    .name('schools')
    .location({ build: () => place })
    .tooltip(true)
    .config({
      showLegend: true,
      style: { color: { field: 'value', fixed: 'gray' }, opacity: 0.8, size: { fixed: 6, min: 2, max: 15 } },
    })
  // No tiles from the internet: a bureau's network may not reach them.
  const base = new common.MapLayerOptionsBuilder().type('default').name('base')
  return new GeomapBuilder().basemap(base).layers([markers])
}

/** Grafana's own list of what rings; there is no builder for it. */
function alertList() {
  return new dashboard.PanelBuilder().type('alertlist').options({
    viewMode: 'list',
    alertInstanceLabelFilter: '{site=~"$site"}',
    stateFilter: { firing: true, pending: true, noData: false, normal: false, error: true },
    maxItems: 20,
    sortOrder: 3,
  })
}

function seriesOverrides(builder: AnyBuilder, { question, dashed }: Asked, ref: string, { language }: Context): void {
  const groups = groupsOf(question)
  if (dashed)
    (builder as unknown as TimeseriesBuilder).overrideByQuery(ref, [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
      { id: 'custom.showPoints', value: 'never' },
      { id: 'color', value: { mode: 'fixed', fixedColor: 'text' } },
    ])
  if (groups.length !== 1) return
  for (const [id, text] of Object.entries(names[groups[0] as string] ?? {}))
    builder.overrideByName(id, [{ id: 'displayName', value: text[language] }])
}

/** Name of the column of a question in the answer; PromQL names it after the query. */
function columnOf({ show }: Panel, index: number): string {
  return show === 'map' ? 'value' : `value_${refOf(index).toLowerCase()}`
}

/** Columns of a table: ids under their titles, each question under its name, all groups in one row. */
function columns(builder: AnyBuilder, panel: Panel, { dialect, language }: Context): void {
  const groups = groupsOf((panel.ask[0] as Asked).question) as readonly TitledTag[]
  const titled = panel.ask.map(({ question, name }, index) => {
    const text = name === undefined ? panels[panel.key].title[language] : phrases[name][language]
    return {
      question,
      text: panel.show === 'map' ? 'value' : text,
      sources: sourcesOf(dialect, panel, question, index),
    }
  })
  const renames = titled.flatMap(({ sources, text }) => sources.map((name) => [name, text] as const))
  const tagNames = panel.show === 'map' ? [] : groups.map((tag) => [tag, tagTitles[tag][language]] as const)
  const timed = titled.some(({ question, sources }) => question.over === 'heard' && sources.includes('Time'))
  const hidden = timed ? ['value_a', '__name__'] : ['Time', 'time', '__name__']
  const order = [...groups, ...titled.flatMap(({ sources }) => sources)]
  if (panel.ask.length > 1) builder.withTransformation({ id: 'merge', options: {} })
  builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(hidden.map((name) => [name, true])),
      indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
      renameByName: Object.fromEntries([...renames, ...tagNames]),
    },
  })
  if (panel.sort !== undefined)
    builder.withTransformation({
      id: 'sortBy',
      options: { sort: [{ field: phrases[panel.sort.column][language], desc: panel.sort.descending ?? false }] },
    })
  if (panel.limit !== undefined) builder.withTransformation({ id: 'limit', options: { limitField: panel.limit } })
  for (const tag of groups)
    builder.overrideByName(panel.show === 'map' ? tag : tagTitles[tag][language], tagProperties(tag, language))
  panel.ask.forEach((asked, index) =>
    builder.overrideByName(titled[index]?.text ?? '', valueProperties(asked, panel, language)),
  )
}

/** Names that the column of a question may have: Grafana numbers those of Prometheus when there are several. */
function sourcesOf(dialect: Dialect, panel: Panel, question: Question, index: number): string[] {
  if (dialect.name === 'promql') return panel.ask.length > 1 ? [`Value #${refOf(index)}`] : ['Value']
  return question.over === 'heard' ? ['Time'] : [columnOf(panel, index)]
}

function tagProperties(tag: TitledTag, language: Language): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [{ id: 'unit', value: 'string' }]
  const known = names[tag]
  if (known !== undefined) properties.push({ id: 'mappings', value: [namesMapping(known, language)] })
  if (tag === 'site')
    properties.push({
      id: 'links',
      value: [
        {
          title: phrases.openSchool[language],
          url: `/d/linkbell-school-${language}?var-site=\${__value.raw:percentencode}&\${__url_time_range}&\${datasource:queryparam}`,
        },
      ],
    })
  return properties
}

function valueProperties({ question, scale }: Asked, panel: Panel, language: Language): dashboard.DynamicConfigValue[] {
  const { unit, decimals, states, field } = displayOf(question)
  const colour = states !== undefined || scale !== undefined || panel.show === 'map'
  return [
    { id: 'unit', value: unit },
    ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ...(states === undefined ? [] : [{ id: 'mappings', value: [statesMapping(field, states, language)] }]),
    ...(scale === undefined ? [] : [{ id: 'thresholds', value: { mode: 'absolute', steps: stepsOf(scale) } }]),
    ...(colour
      ? [
          { id: 'color', value: { mode: 'thresholds' } },
          { id: 'custom.cellOptions', value: { type: 'color-text' } },
        ]
      : []),
  ]
}
