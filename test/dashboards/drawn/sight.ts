/** A generated dashboard as a person has opened it: names of the district put in, a school chosen. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Dashboard as Bare, withNames } from '../../../commands/grafana/names.ts'
import type { District } from '../../../commands/demo/district.ts'
import { registrySchema } from '../../../core/registry.ts'
import type { Language } from '../../../dashboards/strings.ts'
import type { Variables } from '../ask.ts'
import { end } from '../district.ts'
import type { Server } from '../servers.ts'
import type { Dashboard, Sight } from './page.ts'

const root = join(import.meta.dirname, '../../../dashboards/generated/promql')
export const pageNames = ['overview', 'school', 'classrooms', 'path', 'linkbell'] as const
const chosen: Record<string, Variables> = { school: { site: 'ql-001' }, path: { level: 'district' } }
const notes = {
  zh: '以虚构区县的数据执行各面板的真实查询后绘制，并非 Grafana 截图。',
  en: "Drawn from the panels' real queries on the data of a made-up district; not a picture of Grafana.",
}

export function opened(name: string, language: Language, { input }: District): Dashboard {
  const bare = JSON.parse(readFileSync(join(root, language, `${name}.json`), 'utf8')) as Bare
  const { towns, sites } = registrySchema.parse(input)
  const named = (rows: typeof towns | typeof sites) => new Map(rows.map(({ id, name }) => [id, name]))
  const names = { town: named(towns), site: named(sites) }
  return withNames(bare, names, language) as unknown as Dashboard
}

export function sightOf(name: string, language: Language, server: Server, { input }: District): Sight {
  const all = Object.fromEntries(['town', 'category', 'site', 'agent', 'level'].map((variable) => [variable, '.+']))
  const { sites } = registrySchema.parse(input)
  const places = sites.flatMap(({ id, name: called, location }) =>
    location === undefined
      ? []
      : [[id, { name: called[language], latitude: location[0], longitude: location[1] }] as const],
  )
  return { server, variables: { ...all, ...chosen[name] }, now: end, places: new Map(places), note: notes[language] }
}
