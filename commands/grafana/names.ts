/** Names of the district put into generated dashboards: stored samples carry ids only (core/catalog.ts). */
import type { Text } from '../../core/catalog.ts'
import { type Language, tagTitles } from '../../dashboards/strings.ts'

export type Names = Readonly<Record<'town' | 'site', ReadonlyMap<string, Text>>>

type Property = { id: string; value: unknown }
type Override = { matcher: { id: string; options: string }; properties: Property[] }
type Target = { legendFormat?: string; alias?: string }
type Panel = { type: string; targets?: Target[]; fieldConfig?: { overrides: Override[] } }
type Variable = Record<string, unknown> & { name: string; type: string }
export type Dashboard = { panels: Panel[]; templating: { list: Variable[] } }

const named = ['town', 'site'] as const

export function withNames({ panels, templating, ...rest }: Dashboard, names: Names, language: Language): Dashboard {
  return {
    ...rest,
    templating: { list: templating.list.map((variable) => withChoices(variable, names, language)) },
    panels: panels.map((panel) => withLegends(withColumns(panel, names, language), names, language)),
  }
}

/** Columns of ids show names; links from them still carry the id. */
function withColumns(panel: Panel, names: Names, language: Language): Panel {
  if (panel.fieldConfig === undefined) return panel
  const overrides = panel.fieldConfig.overrides.map((override) => {
    const tag = named.find((each) => [tagTitles[each][language], each].includes(override.matcher.options))
    if (tag === undefined || (panel.type !== 'table' && panel.type !== 'geomap')) return override
    const options = Object.fromEntries(
      [...names[tag]].map(([id, text], index) => [id, { text: text[language], index }]),
    )
    return {
      ...override,
      properties: [...override.properties, { id: 'mappings', value: [{ type: 'value', options }] }],
    }
  })
  return { ...panel, fieldConfig: { ...panel.fieldConfig, overrides } }
}

/** Series that are called after a town show its name. */
function withLegends(panel: Panel, names: Names, language: Language): Panel {
  const [{ legendFormat, alias } = {}] = panel.targets ?? []
  const byTown = legendFormat === '{{town}}' || alias === '$tag_town'
  if (!byTown || panel.type === 'table' || panel.fieldConfig === undefined) return panel
  const overrides = [...names.town].map(([id, text]) => ({
    matcher: { id: 'byName', options: id },
    properties: [{ id: 'displayName', value: text[language] }],
  }))
  return { ...panel, fieldConfig: { ...panel.fieldConfig, overrides: [...panel.fieldConfig.overrides, ...overrides] } }
}

/** A query can answer ids only; a list knows both. */
function withChoices(variable: Variable, names: Names, language: Language): Variable {
  const tag = named.find((each) => each === variable.name)
  if (tag === undefined) return variable
  const { datasource: _, query: __, refresh: ___, sort: ____, regex: _____, ...rest } = variable
  const choices = [...names[tag]].map(([id, text]) => `${escaped(text[language])} : ${id}`)
  return { ...rest, type: 'custom', query: choices.join(', ') }
}

/** Commas part the choices, ` : ` a name from its id. */
function escaped(name: string): string {
  return name.replaceAll(',', '\\,').replaceAll(' : ', ':')
}
