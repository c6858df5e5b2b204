/** Reports from the store: read, put together, written in the format that is wanted. */
import type { Text } from '../../core/catalog.ts'
import { AppError } from '../../core/errors.ts'
import type { Store } from '../../store/store.ts'
import { readTests } from '../judge/judge-sites.ts'
import type { Registry } from '../registry.ts'
import { bureauReport } from './bureau.ts'
import { csvOf } from './csv.ts'
import type { Cell, Format, Lang, Report } from './document.ts'
import { htmlOf } from './html.ts'
import { type Month, monthOf } from './month.ts'
import { readPassive } from './read-passive.ts'
import { readFigures, readSchools, schoolOf, type Standing, standingIn } from './read-schools.ts'
import { nameIn } from './say.ts'
import { xlsxOf } from './sheets.ts'
import { siteReport } from './site.ts'
import { readMonth, testColumns, testRows } from './tests.ts'
import { words } from './words.ts'

export type ReportOptions = { month: string; site?: string | undefined; format: Format; lang: Lang }
export type ReportDeps = { store: Store; registry: Registry; now: number }
type Source = ReportDeps & { month: Month; lang: Lang }

/** Throws `config_invalid` for a month that is none, and for a site that is not registered. */
export async function makeReport({ month: name, site: id, format, lang }: ReportOptions, deps: ReportDeps) {
  const month = monthOf(name, deps.now, deps.registry.data.district.timezone)
  const source: Source = { ...deps, month, lang }
  const site = id === undefined ? undefined : siteNamed(id, source)
  if (format === 'csv') return await testsOf(site, source)
  const report = site === undefined ? await bureauOf(source) : await evidenceOf(site, source)
  return format === 'html' ? htmlOf(report) : await xlsxOf(report)
}

async function bureauOf({ store, registry, month, lang, now }: Source): Promise<Report> {
  const schools = await readSchools(store, registry, month)
  const figures = await readFigures(store, registry, month)
  return await bureauReport({ registry, month, schools, figures, lang, now })
}

async function readSchool(standing: Standing, { store, registry }: Source) {
  const { site, month } = standing
  const span = { from: month.from - 1, to: month.end - 1 }
  const judged = (await readTests(store, registry, [site.id], span)).get(site.id) ?? []
  return { judged, tests: await readMonth(store, site.id, month), school: schoolOf(registry, standing, judged) }
}

async function evidenceOf(standing: Standing, source: Source): Promise<Report> {
  const { store, registry, lang, now } = source
  const { site, month } = standing
  const passive = await readPassive(store, site.id, month, registry.data.district.timezone)
  return await siteReport({ ...(await readSchool(standing, source)), registry, month, passive, lang, now })
}

/** Tests of one school, or of all with their names in front. */
async function testsOf(only: Standing | undefined, source: Source): Promise<string> {
  const { registry, month, lang } = source
  const rows: Cell[][] = []
  for (const one of only === undefined ? standingIn(registry, month) : [only]) {
    const { tests, school } = await readSchool(one, source)
    const { id, name } = one.site
    for (const row of testRows(tests, school.whole, lang)) rows.push([id, nameIn(name, lang), ...row])
  }
  const named = [words.id, words.school].map((word: Text) => ({ head: word[lang], kind: 'text' as const }))
  return await csvOf([...named, ...testColumns(lang)], rows, registry.data.district.timezone)
}

const nearest = 5

function siteNamed(id: string, { registry, month }: Source): Standing {
  const all = standingIn(registry, month)
  const standing = all.find(({ site }) => site.id === id)
  if (standing !== undefined) return standing
  const wanted = id.toLowerCase()
  const near = all
    .map(({ site: one }) => {
      const names = [one.id, nameIn(one.name, 'zh'), nameIn(one.name, 'en')].map((name) => name.toLowerCase())
      const holds = names.some((name) => name.includes(wanted))
      return { one, far: holds ? 0 : Math.min(...names.map((name) => distance(name, wanted))) }
    })
    .filter(({ far }) => far <= Math.max(2, id.length / 3))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, nearest)
    .map(({ one }) => `${one.id} (${nameIn(one.name, 'zh')})`)
  const hint = near.length === 0 ? 'look for its id in the registry' : `did you mean ${near.join(', ')}?`
  throw new AppError('config_invalid', `no site "${id}"; ${hint}`)
}

/** Signs to change, add or leave out to make one text of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + Number(a[i] !== b[j - 1])
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
