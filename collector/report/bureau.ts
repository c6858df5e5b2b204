/** The monthly report of the bureau: all schools, by figure, town and kind. Pure but for the drawing. */
import { dateOf } from '../../core/calendar.ts'
import { type Category, categories } from '../../core/standard.ts'
import type { Verdict } from '../../core/catalog.ts'
import type { DirectionVerdict, SiteVerdict } from '../judge/verdict.ts'
import { localDay } from '../local-time.ts'
import type { Registry } from '../registry.ts'
import { townsChart } from './charts.ts'
import { type Block, type Cell, filled, type Lang, type Report, type Table } from './document.ts'
import type { Month } from './month.ts'
import type { Figures, School } from './read-schools.ts'
import { methodLines } from './method.ts'
import { at, figure, gapBlocks, kpiTable, pointsBetween, pooled } from './plan.ts'
import { footerOf, nameIn, percentText, reasonOf, subtitleOf, whyOf } from './say.ts'
import { categoryWords, headWords, reasonWords, verdictWords, words } from './words.ts'

export type BureauInput = {
  registry: Registry
  month: Month
  schools: readonly School[]
  figures: Figures
  lang: Lang
  now: number
}

export async function bureauReport(input: BureauInput): Promise<Report> {
  const { registry, month, schools, lang, now } = input
  const { district } = registry.data
  // Rates are of those that stand at the end, as the figures of the plan; lists have those too that left within the month.
  const atEnd = { ...input, schools: schools.filter(({ end }) => end === month.end) }
  const counted = schools.some(({ whole }) => whole.directions.some(({ evidence }) => evidence.length > 0))
  const own = schools.filter(({ site }) => site.rule !== undefined).length
  const method = [
    ...methodLines(registry.standard, { lang, timezone: district.timezone }),
    ...(own === 0 ? [] : [filled(words.rules_own, lang, { count: own })]),
  ]
  return {
    lang,
    timezone: district.timezone,
    title: `${nameIn(district.name, lang)} · ${words.bureau_title[lang]}`,
    subtitle: subtitleOf(month, district.timezone, lang),
    warnings: [
      ...(district.simulated ? [words.simulated[lang]] : []),
      ...(counted ? [] : [filled(words.no_data, lang, { month: month.name })]),
    ],
    blocks: [
      summary(atEnd.schools, lang),
      kpiTable(input),
      ...(await townBlocks(atEnd)),
      categoryTable(atEnd),
      ...(await gapBlocks(input)),
      schoolTable(input),
      leftOutTable(schools, lang),
      noVerdictTable(schools, lang),
      { type: 'text', title: words.how[lang], lines: method },
    ],
    footer: footerOf(now, district.timezone, lang),
  }
}

type Tally = Record<Verdict, number>
function tallyOf(verdicts: readonly SiteVerdict[]): Tally {
  const count = (which: Verdict) => verdicts.filter(({ verdict }) => verdict === which).length
  return { met: count('met'), below: count('below'), unknown: count('unknown') }
}
const rateOf = ({ met, below }: Tally) => (met + below === 0 ? null : met / (met + below))

function summary(schools: readonly School[], lang: Lang): Block {
  const tally = tallyOf(schools.map(({ verdict }) => verdict))
  const before = tallyOf(schools.map((school) => school.before))
  return {
    type: 'facts',
    items: [
      { label: words.compliance[lang], value: percentText(rateOf(tally)) },
      { label: `${words.compliance[lang]} · ${words.month_before[lang]}`, value: percentText(rateOf(before)) },
      { label: headWords.met[lang], value: String(tally.met), tone: 'met' },
      { label: headWords.below[lang], value: String(tally.below), tone: 'below' },
      { label: headWords.unknown[lang], value: String(tally.unknown), tone: 'unknown' },
      { label: words.schools[lang], value: String(schools.length) },
    ],
  }
}

type Group = { id: string; name: string; schools: readonly School[] }

function groupTable(groups: readonly Group[], scope: 'town' | 'category', { figures, lang }: BureauInput): Table {
  const [title, name] = scope === 'town' ? [words.towns, words.town] : [words.categories, words.category]
  const others = ['links_up', 'classrooms_working', 'schools_reporting', 'live_class'] as const
  return {
    type: 'table',
    name: title[lang],
    title: title[lang],
    columns: [
      { head: name[lang], kind: 'text' },
      { head: words.schools[lang], kind: 'count' },
      ...(['met', 'below', 'unknown'] as const).map((one) => ({
        head: headWords[one][lang],
        kind: 'count' as const,
      })),
      { head: words.rate_of_known[lang], kind: 'ratio' },
      { head: words.month_before[lang], kind: 'ratio' },
      { head: words.change[lang], kind: 'points' },
      ...others.map((kpi) => ({ head: words[`short_${kpi}`][lang], kind: 'ratio' as const })),
    ],
    rows: groups.map(({ id, name: shown, schools }) => {
      const tally = tallyOf(schools.map(({ verdict }) => verdict))
      const [now, before] = [rateOf(tally), rateOf(tallyOf(schools.map((school) => school.before)))]
      const shares = others.map((kpi) => figure(kpi, pooled(at(figures.month, kpi, scope, id))))
      return [
        shown,
        schools.length,
        tally.met,
        tally.below,
        tally.unknown,
        now,
        before,
        pointsBetween(now, before),
        ...shares,
      ]
    }),
    empty: words.none[lang],
  }
}

async function townBlocks(input: BureauInput): Promise<Block[]> {
  const { registry, month, schools, lang } = input
  const place = new Map(registry.data.towns.map((town, i) => [town.id, i]))
  const byTown = [...Map.groupBy(schools, ({ site }) => site.town)]
  const groups = byTown
    .toSorted(([a], [b]) => (place.get(a) ?? 0) - (place.get(b) ?? 0))
    .map(([id, own]) => ({
      id,
      name: nameIn(registry.townName(id, month.end - 1), lang),
      schools: own,
    }))
  const bars = groups.map(({ name, schools: own }) => ({ name, ...tallyOf(own.map(({ verdict }) => verdict)) }))
  const names = { met: headWords.met[lang], below: headWords.below[lang], unknown: headWords.unknown[lang] }
  const chart = { type: 'chart' as const, title: words.by_town[lang], svg: await townsChart(bars, names) }
  return [groupTable(groups, 'town', input), ...(bars.length === 0 ? [] : [chart])]
}

function categoryTable(input: BureauInput): Table {
  const groups = categories.flatMap((id: Category) => {
    const schools = input.schools.filter(({ site }) => site.category === id)
    return schools.length === 0 ? [] : { id, name: categoryWords[id][input.lang], schools }
  })
  return groupTable(groups, 'category', input)
}

const deciding = ({ directions }: SiteVerdict) => directions.filter(({ decides }) => decides)
const order: readonly Verdict[] = ['below', 'unknown', 'met']

function schoolTable({ registry, month, schools, lang }: BureauInput): Table {
  const sorted = schools.toSorted(
    (a, b) =>
      order.indexOf(a.verdict.verdict) - order.indexOf(b.verdict.verdict) ||
      a.site.town.localeCompare(b.site.town) ||
      a.site.id.localeCompare(b.site.id),
  )
  const rows = sorted.map((school): Cell[] => {
    const { site, verdict, whole } = school
    const own = deciding(whole)
    const sum = (of: (one: DirectionVerdict) => number) => own.reduce((total, one) => total + of(one), 0)
    const [trials, met] = [sum((one) => one.trials), sum((one) => one.met)]
    // Of several links and directions the one that is farthest behind its target.
    const poorest = own.toSorted((a, b) => (a.metRatio ?? 2) - (b.metRatio ?? 2))[0]
    const name = nameIn(site.name, lang)
    const until = dateOf(localDay(school.end, registry.data.district.timezone) - 1)
    return [
      school.end === month.end ? name : filled(words.until, lang, { name, until }),
      site.id,
      nameIn(registry.townName(site.town, month.end - 1), lang),
      categoryWords[site.category][lang],
      poorest?.targetBps ?? null,
      { value: verdictWords[verdict.verdict][lang], tone: verdict.verdict },
      whyOf(verdict, lang),
      trials,
      met,
      trials === 0 ? null : met / trials,
      poorest?.medianBps ?? null,
      poorest?.worstBps ?? null,
      { value: verdictWords[school.before.verdict][lang], tone: school.before.verdict },
      trendOf(school, lang),
    ]
  })
  const text = { kind: 'text' } as const
  return {
    type: 'table',
    name: words.school_list[lang],
    title: words.school_list[lang],
    note: words.school_list_note[lang],
    wide: true,
    columns: [
      { head: words.school[lang], ...text },
      { head: words.id[lang], ...text },
      { head: words.town[lang], ...text },
      { head: words.category[lang], ...text },
      { head: words.target[lang], kind: 'mbps' },
      { head: words.verdict[lang], ...text },
      { head: words.why[lang], ...text },
      { head: words.tests_counted[lang], kind: 'count' },
      { head: words.tests_met[lang], kind: 'count' },
      { head: words.share[lang], kind: 'ratio' },
      { head: words.median[lang], kind: 'mbps' },
      { head: words.worst[lang], kind: 'mbps' },
      { head: words.month_before[lang], ...text },
      { head: words.trend[lang], ...text },
    ],
    rows,
    empty: words.none[lang],
  }
}

function trendOf({ verdict: { verdict: now }, before: { verdict: before } }: School, lang: Lang): Cell {
  if (before === 'unknown' || now === 'unknown') return before === 'unknown' ? words.none_before[lang] : '–'
  if (now === before) return words.same[lang]
  return now === 'met' ? { value: words.better[lang], tone: 'met' } : { value: words.worse[lang], tone: 'below' }
}

function leftOutTable(schools: readonly School[], lang: Lang): Table {
  const evidence = schools.flatMap(({ site, whole }) =>
    deciding(whole).flatMap((one) => one.evidence.map((test) => ({ site: site.id, test }))),
  )
  const left = evidence.filter(({ test }) => !test.counted)
  const groups = Map.groupBy(left, ({ test }) => reasonOf(test, lang))
  const rows = [...groups].map(([why, own]): Cell[] => [why, own.length, new Set(own.map(({ site }) => site)).size])
  return {
    type: 'table',
    name: words.sheet_left_out[lang],
    title: words.left_out[lang],
    note: filled(words.left_out_note, lang, { counted: evidence.length - left.length, left: left.length }),
    columns: [
      { head: words.why[lang], kind: 'text' },
      { head: words.tests[lang], kind: 'count' },
      { head: words.schools[lang], kind: 'count' },
    ],
    rows: rows.toSorted((a, b) => Number(b[1]) - Number(a[1])),
    empty: words.nothing_left_out[lang],
  }
}

function noVerdictTable(schools: readonly School[], lang: Lang): Table {
  const unknown = schools.filter(({ verdict }) => verdict.verdict === 'unknown')
  return {
    type: 'table',
    name: words.sheet_no_verdict[lang],
    title: words.no_verdict[lang],
    columns: [
      { head: words.school[lang], kind: 'text' },
      { head: words.id[lang], kind: 'text' },
      { head: words.why[lang], kind: 'text' },
    ],
    rows: unknown.map(({ site, verdict }) => [
      nameIn(site.name, lang),
      site.id,
      reasonWords[verdict.reason ?? 'no_trials'][lang],
    ]),
    empty: words.all_judged[lang],
  }
}
