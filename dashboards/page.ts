/** A dashboard as data, and the small layout helper: rows of panels, left to right, top to bottom, 24 columns wide. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import type { MeasurementName } from '../core/catalog.ts'
import { categories } from '../core/standard.ts'
import { type Context, dataSourceOf, type Panel, panelOf } from './panel.ts'
import type { Filter } from './query.ts'
import { names, pages, phrases, type RowKey, rows, tagTitles } from './strings.ts'

/** A variable whose values are those of a tag. */
export type Variable = {
  tag: 'town' | 'site' | 'level' | 'agent'
  measurement: MeasurementName
  field: string
  match?: Filter
  multi: boolean
}
export type Row = { key: RowKey; panels: readonly (readonly Panel[])[] }
export type Page = {
  key: keyof typeof pages
  /** How far back it looks when opened. */
  from: string
  refresh: string
  variables: readonly (Variable | 'category')[]
  rows: readonly Row[]
}

const columnsOfGrid = 24
const tag = 'linkbell'

export function uidOf(key: Page['key'], language: Context['language']): string {
  return `linkbell-${key}-${language}`
}

export function dashboardOf(page: Page, context: Context): dashboard.Dashboard {
  const { language, dialect } = context
  const { title, says } = pages[page.key]
  const builder = new dashboard.DashboardBuilder(title[language])
    .uid(uidOf(page.key, language))
    .description(says[language])
    .tags([tag, language])
    .readonly()
    .timezone('browser')
    .refresh(page.refresh)
    .time({ from: page.from, to: 'now' })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(otherPages(context))
  builder.withVariable(
    new dashboard.DatasourceVariableBuilder('datasource').label(phrases.datasource[language]).type(dialect.datasource),
  )
  for (const variable of page.variables) builder.withVariable(variableOf(variable, context))
  return { ...builder.build(), panels: laidOut(page, context) }
}

/** Keeps the time and the variables on the way to another page. */
function otherPages({ language }: Context): Builder<dashboard.DashboardLink> {
  const link = new dashboard.DashboardLinkBuilder(phrases.otherPages[language])
    .type(dashboard.DashboardLinkType.Dashboards)
    .tags([tag, language])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true)
    .build()
  // The SDK hides links in a menu by default; these are the way around.
  delete link.placement
  return { build: () => link }
}

function variableOf(variable: Variable | 'category', { dialect, language }: Context) {
  if (variable === 'category') {
    const values = categories.map((id) => `${names['category']?.[id]?.[language] ?? id} : ${id}`).join(', ')
    return new dashboard.CustomVariableBuilder('category')
      .label(tagTitles.category[language])
      .values(values)
      .multi(true)
      .includeAll(true)
      .allValue(dialect.all)
      .current({ text: ['All'], value: ['$__all'] })
  }
  const { tag: name, measurement, field, match = {}, multi } = variable
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(tagTitles[name][language])
    .datasource(dataSourceOf(dialect))
    .query(dialect.values(measurement, field, name, match))
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(multi)
    .includeAll(multi)
  return multi ? builder.allValue(dialect.all).current({ text: ['All'], value: ['$__all'] }) : builder
}

/** Id of a panel by its key: rules point to it. */
export function panelIdOf(page: Page, key: Panel['key']): number {
  const keys = page.rows.flatMap((row) => [undefined, ...row.panels.flat().map((panel) => panel.key)])
  return keys.indexOf(key) + 1
}

/** Where each panel stands, in reading order. */
export function placesOf(page: Page): Map<Panel, dashboard.GridPos> {
  const places = new Map<Panel, dashboard.GridPos>()
  let y = 0
  for (const row of page.rows) {
    y += 1
    for (const line of row.panels) {
      let x = 0
      for (const panel of line) {
        places.set(panel, { x, y, w: panel.width, h: panel.height })
        x += panel.width
      }
      y += Math.max(...line.map(({ height }) => height))
    }
  }
  return places
}

/** Ids count up in reading order, those of rows among them. */
function laidOut(page: Page, context: Context): (dashboard.Panel | dashboard.RowPanel)[] {
  const places = placesOf(page)
  let id = 0
  return page.rows.flatMap(({ key, panels }) => {
    const first = places.get(panels[0]?.[0] as Panel) as dashboard.GridPos
    const row = new dashboard.RowBuilder(rows[key][context.language])
      .id(++id)
      .gridPos({ x: 0, y: first.y - 1, w: columnsOfGrid, h: 1 })
      .build()
    const placed = panels.flat().map((panel) => {
      const gridPos = places.get(panel) as dashboard.GridPos
      return panelOf(panel, { id: ++id, gridPos }, context)
    })
    return [row, ...placed]
  })
}
