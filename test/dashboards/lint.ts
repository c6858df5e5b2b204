/** What a dashboard must hold to: the rules of Grafana's dashboard-linter that fit, and some of our own. */

export type Panel = {
  id: number
  type: string
  title?: string
  description?: string
  gridPos: { x: number; y: number; w: number; h: number }
  datasource?: { uid?: string }
  targets?: { refId: string; expr?: string; query?: string }[]
  fieldConfig?: {
    defaults: { unit?: string; mappings?: unknown[] }
    overrides: { properties: { id: string; value?: unknown }[] }[]
  }
}
type Variable = {
  name: string
  type: string
  label?: string
  refresh?: number
  includeAll?: boolean
  allValue?: string
  query?: unknown
}
export type Dashboard = {
  uid: string
  title: string
  description?: string
  editable?: boolean
  panels: Panel[]
  templating: { list: Variable[] }
}

const titled = ['stat', 'table', 'timeseries', 'bargauge', 'state-timeline', 'geomap']
const withoutQueries = ['row', 'alertlist']
/** Filled in by Grafana itself. */
const builtIn = /^(timeFilter|datasource|tag_\w+|__\w+)$/

/** In sentences; empty when all is well. `units`: those that Grafana knows. */
export function faultsOf(dashboard: Dashboard, units: ReadonlySet<string>): string[] {
  const variables = new Set(dashboard.templating.list.map(({ name }) => name))
  return [
    ...(/^[a-zA-Z0-9_-]{1,40}$/.test(dashboard.uid) ? [] : [`uid ${dashboard.uid}`]),
    ...(dashboard.description ? [] : ['no description']),
    ...(dashboard.editable === false ? [] : ['editable']),
    ...(variables.has('datasource') ? [] : ['no variable datasource']),
    ...dashboard.templating.list.flatMap(variableFaults),
    ...repeated(dashboard.panels.map(({ id }) => id)).map((id) => `panel id ${id} twice`),
    ...overlaps(dashboard.panels),
    ...dashboard.panels.flatMap((panel) =>
      panelFaults(panel, units, variables).map((fault) => `${panel.title}: ${fault}`),
    ),
  ]
}

function variableFaults({ name, type, label, refresh, includeAll, allValue }: Variable): string[] {
  return [
    ...(label ? [] : [`variable ${name} without label`]),
    ...(type === 'query' && refresh !== 2 ? [`variable ${name} is not read again when the time changes`] : []),
    ...(includeAll && !allValue ? [`variable ${name} without allValue`] : []),
  ]
}

function panelFaults(panel: Panel, units: ReadonlySet<string>, variables: ReadonlySet<string>): string[] {
  const { type, title, description, datasource, targets = [], fieldConfig } = panel
  if (withoutQueries.includes(type)) return []
  const used = [fieldConfig?.defaults.unit, ...overridden(panel)].filter((unit) => unit !== undefined)
  const texts = targets.map(({ expr, query }) => expr ?? query ?? '')
  const unknown = texts.flatMap((text) => [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name as string))
  const filters = [...variables].filter((name) => name !== 'datasource')
  return [
    ...(titled.includes(type) ? [] : [`type ${type}`]),
    ...(title && description ? [] : ['no title or description']),
    ...(datasource?.uid === '${datasource}' ? [] : ['its data source is not the variable']),
    ...(targets.length > 0 ? [] : ['no query']),
    ...repeated(targets.map(({ refId }) => refId)).map((ref) => `query ${ref} twice`),
    ...(used.length > 0 ? [] : ['no unit']),
    ...used.filter((unit) => !units.has(unit)).map((unit) => `unit ${unit} is none of Grafana's`),
    ...unknown.filter((name) => !builtIn.test(name) && !variables.has(name)).map((name) => `no variable $${name}`),
    ...texts.filter((text) => !filters.some((name) => text.includes(`$${name}`))).map((text) => `no filter in ${text}`),
    ...texts
      .filter((text) => /rate\(/.test(text) && !text.includes('$__rate_interval'))
      .map(() => 'rate without $__rate_interval'),
  ]
}

function overridden({ fieldConfig }: Panel): string[] {
  const properties = fieldConfig?.overrides.flatMap((override) => override.properties) ?? []
  return properties.filter(({ id }) => id === 'unit').map(({ value }) => String(value))
}

function repeated<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.indexOf(value) !== index)
}

function overlaps(panels: readonly Panel[]): string[] {
  return panels.flatMap(({ title, gridPos: a }, index) => [
    ...(a.x >= 0 && a.x + a.w <= 24 ? [] : [`${title} stands outside of the grid`]),
    ...panels
      .slice(index + 1)
      .filter(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
      .map((other) => `${title} and ${other.title} overlap`),
  ])
}
