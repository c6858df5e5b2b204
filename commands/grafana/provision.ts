/** `linkbell grafana provision`: the generated files for Grafana, with the names, places and school days of a district. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { calendarLines } from '../../collector/alerts/rules/findings.ts'
import { dayMs, localDay } from '../../collector/local-time.ts'
import { calendarDueMs, createSchoolCalendars } from '../../collector/school-calendars.ts'
import { merged, type Span } from '../../core/calendar.ts'
import type { Text } from '../../core/catalog.ts'
import { type Environment, loadConfig } from '../../core/config-file.ts'
import { type RegistryData, registrySchema } from '../../core/registry.ts'
import { categories } from '../../core/standard.ts'
import { muteTimes } from '../../dashboards/alerts/mute-times.ts'
import { gazetteer, yamlOf } from '../../dashboards/provisioning.ts'
import type { Language } from '../../dashboards/strings.ts'
import { registryFlagCure } from '../inventory/registry-rows.ts'
import { type Dashboard, type Names, withNames } from './names.ts'

export type ProvisionOptions = {
  registryFile: string
  store: 'influxdb' | 'victoriametrics'
  language: Language
  directory: string
}
export type ProvisionDeps = { env: Environment; now: () => number; write: (line: string) => void }

const generated = fileURLToPath(new URL('../../dashboards/generated/', import.meta.url))
const dialects = { influxdb: 'influxql', victoriametrics: 'promql' } as const
/** Days of the calendar that quiet hours are written for; run it again every year, when the holidays are known. */
const daysAhead = 400

/** Writes DIR/{provisioning,dashboards,gazetteer} and, for VictoriaMetrics, DIR/rules.yaml. */
export function provision({ registryFile, store, language, directory }: ProvisionOptions, deps: ProvisionDeps): void {
  const data = loadConfig(registryFile, registrySchema, deps.env, registryFlagCure)
  const source = join(generated, dialects[store], language)
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const names = namesOf(data, deps.now())
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.json')) {
      const dashboard = JSON.parse(readFileSync(join(source, file), 'utf8')) as Dashboard
      put(join('dashboards', file), JSON.stringify(withNames(dashboard, names, language)))
    } else if (file.endsWith('.yaml')) {
      const text = readFileSync(join(source, file), 'utf8')
      put(file, file.includes('alerting') ? withSchoolDays(text, data, deps.now()) : text)
    }
  }
  const places = placesOf(data, language, deps.now())
  put(join('gazetteer', basename(gazetteer)), `${JSON.stringify(places)}\n`)
  deps.write(`${directory}: ${names.site.size} schools, ${places.length} of them with coordinates.`)
  for (const problem of calendarProblems(data, deps.now())) deps.write(problem[language])
}

function calendarProblems(data: RegistryData, now: number): Text[] {
  const sites = current(data.sites, now)
  const gaps = createSchoolCalendars(data).gaps(sites, now)
  const due = gaps.filter(({ inMs }) => inMs <= calendarDueMs)
  return calendarLines(due, new Map(sites.map(({ id, name }) => [id, { name }])))
}

/** Of each id, the row that holds now. */
function current<T extends { id: string; valid_from?: number | undefined; retired: boolean }>(
  rows: readonly T[],
  now: number,
): T[] {
  const newest = new Map<string, T>()
  for (const row of rows.toSorted((a, b) => (a.valid_from ?? 0) - (b.valid_from ?? 0)))
    if ((row.valid_from ?? 0) <= now) newest.set(row.id, row)
  return [...newest.values()].filter(({ retired }) => !retired)
}

function namesOf({ towns, sites }: RegistryData, now: number): Names {
  const named = (rows: typeof towns | typeof sites) =>
    new Map(current([...rows], now).map(({ id, name }) => [id, name]))
  return { town: named(towns), site: named(sites) }
}

/** What Grafana's map looks ids up in. */
function placesOf({ sites }: RegistryData, language: Language, now: number) {
  return current(sites, now).flatMap(({ id, name, location }) =>
    location === undefined ? [] : [{ key: id, name: name[language], latitude: location[0], longitude: location[1] }],
  )
}

/** Lessons of any kind of school are lessons of the district; a day is free where no kind has any. */
function withSchoolDays(text: string, data: RegistryData, now: number): string {
  const calendars = createSchoolCalendars(data)
  const spans = new Map<string, Span>()
  const freeDays: number[] = []
  for (let time = now; time < now + daysAhead * dayMs; time += dayMs) {
    const days = categories.map((category) => calendars.dayOf('', category, time))
    for (const { kind, lessons } of days)
      if (kind === 'school') for (const span of lessons) spans.set(span.join(), span)
    if (days.every(({ kind }) => kind === 'free')) freeDays.push(localDay(time, data.district.timezone))
  }
  const file = parse(text) as { muteTimes: unknown }
  const quiet = muteTimes(merged([...spans.values()]), data.district.timezone, freeDays)
  return yamlOf({ ...file, muteTimes: [{ orgId: 1, ...quiet }] })
}
