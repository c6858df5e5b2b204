/** The evidence sheet of one school, for its carrier: every test, every window, what ordinary traffic showed. */
import { dateOf } from '../../core/calendar.ts'
import { directions } from '../../core/standard.ts'
import type { Row } from '../../store/query.ts'
import { judgeAt } from '../judge/judge-sites.ts'
import { localDay, timeOn } from '../local-time.ts'
import { type Registry, standardOf } from '../registry.ts'
import { daysChart, directionColours, testsChart } from './charts.ts'
import { type Block, type Cell, filled, type Lang, type Report, type Table } from './document.ts'
import type { Month } from './month.ts'
import type { Passive } from './read-passive.ts'
import type { School } from './read-schools.ts'
import { methodLines } from './method.ts'
import { footerOf, nameIn, subtitleOf, wallTime, whyOf } from './say.ts'
import { testColumns, testRows } from './tests.ts'
import { categoryWords, directionWords, levelWords, reasonWords, verdictWords, words } from './words.ts'

export type SiteInput = {
  registry: Registry
  month: Month
  school: School
  /** Of the month, with all their fields. */
  tests: readonly Row[]
  /** Tests of the month and of the windows that reach into it. */
  judged: readonly Row[]
  passive: Passive
  lang: Lang
  now: number
}

export async function siteReport(input: SiteInput): Promise<Report> {
  const { registry, month, school, tests, lang, now } = input
  const { site } = school
  const { district } = registry.data
  const method = methodLines(standardOf(registry, site), { lang, timezone: district.timezone })
  return {
    lang,
    timezone: district.timezone,
    title: `${nameIn(site.name, lang)} · ${words.site_title[lang]}`,
    subtitle: subtitleOf(month, district.timezone, lang),
    warnings: [
      ...(district.simulated ? [words.simulated[lang]] : []),
      ...(tests.length > 0 ? [] : [filled(words.no_data, lang, { month: month.name })]),
    ],
    blocks: [
      facts(input),
      linkTable(input),
      ...(await testCharts(input)),
      {
        type: 'text',
        title: words.how[lang],
        lines: [...method, ...(site.rule === undefined ? [] : [words.rule_own[lang]])],
      },
      windowTable(input),
      ...(await passiveBlocks(input)),
      pathTable(input),
      {
        type: 'table',
        name: words.all_tests[lang],
        title: words.all_tests[lang],
        wide: true,
        columns: testColumns(lang),
        rows: testRows(tests, school.whole, lang),
        empty: words.no_tests[lang],
      },
    ],
    footer: footerOf(now, district.timezone, lang),
  }
}

function facts({ registry, month, school: { site, verdict, before }, tests, lang }: SiteInput): Block {
  return {
    type: 'facts',
    items: [
      { label: words.verdict[lang], value: verdictWords[verdict.verdict][lang], tone: verdict.verdict },
      { label: words.month_before[lang], value: verdictWords[before.verdict][lang], tone: before.verdict },
      { label: words.id[lang], value: site.id },
      { label: words.town[lang], value: nameIn(registry.townName(site.town, month.end - 1), lang) },
      { label: words.category[lang], value: categoryWords[site.category][lang] },
      { label: words.tests[lang], value: String(tests.length) },
    ],
  }
}

const verdictColumns = (lang: Lang): Table['columns'] => [
  { head: words.link[lang], kind: 'text' },
  { head: words.direction[lang], kind: 'text' },
  { head: words.target[lang], kind: 'mbps' },
  { head: words.verdict[lang], kind: 'text' },
  { head: words.why[lang], kind: 'text' },
  { head: words.tests_counted[lang], kind: 'count' },
  { head: words.tests_met[lang], kind: 'count' },
  { head: words.share[lang], kind: 'ratio' },
  { head: words.median[lang], kind: 'mbps' },
  { head: words.worst[lang], kind: 'mbps' },
]

type Judged = School['verdict']['directions'][number]
function verdictCells(one: Judged, lang: Lang): Cell[] {
  const why =
    one.reason === undefined
      ? whyOf({ ...one, directions: [{ ...one, decides: true }] }, lang)
      : reasonWords[one.reason][lang]
  return [
    one.link,
    directionWords[one.direction][lang],
    one.targetBps,
    { value: verdictWords[one.verdict][lang], tone: one.verdict },
    why,
    one.trials,
    one.met,
    one.metRatio,
    one.medianBps,
    one.worstBps,
  ]
}

/** The last window of the month, link by link. */
function linkTable({ registry, month, school: { site, verdict }, lang }: SiteInput): Table {
  const links = new Map(registry.linksOf(site.id, month.end - 1).map((link) => [link.id, link]))
  return {
    type: 'table',
    name: words.verdict[lang],
    title: words.verdict[lang],
    columns: [
      ...verdictColumns(lang),
      { head: words.decides[lang], kind: 'text' },
      { head: words.carrier[lang], kind: 'text' },
    ],
    rows: verdict.directions.map((one) => [
      ...verdictCells(one, lang),
      words[one.decides ? 'yes' : 'no'][lang],
      links.get(one.link)?.carrier ?? '',
    ]),
    empty: words.none[lang],
  }
}

async function testCharts({ registry, month, school, tests, lang }: SiteInput): Promise<Block[]> {
  const { timezone } = registry.data.district
  const wall = (time: number) => wallTime(time, timezone)
  const span = { from: wall(month.from), to: wall(month.end) }
  const { threshold_ratio } = standardOf(registry, school.site)
  return await Promise.all(
    directions.flatMap((direction) => {
      const own = tests.filter(({ tags, fields }) => tags['direction'] === direction && fields['link_rate_bps'] != null)
      if (own.length === 0) return []
      const targets = new Set(
        school.whole.directions.flatMap((one) => (one.direction === direction ? one.targetBps : [])),
      )
      const lines = [...targets].flatMap((target) => [
        { name: `${words.target_line[lang]} ${target / 1e6}`, value: target / 1e6 },
        { name: words.threshold[lang], value: (target * threshold_ratio) / 1e6 },
      ])
      const links = Map.groupBy(own, ({ tags }) => tags['link'] ?? '')
      const colours = [directionColours[direction], '#6d4fa3', '#0f766e']
      const series = [...links].map(([name, rows], i) => ({
        name,
        colour: colours[i % colours.length] as string,
        points: rows.map(({ time, fields }) => [wall(time), (fields['link_rate_bps'] ?? 0) / 1e6] as const),
      }))
      const title = filled(words.chart_tests, lang, { direction: directionWords[direction][lang] })
      return testsChart(series, lines, span).then((svg) => ({ type: 'chart' as const, title, svg }))
    }),
  )
}

/** A verdict for each day, by the rule, as the judge says it at the end of that day. */
function windowTable({ registry, month, school: { site }, judged, lang }: SiteInput): Table {
  const { timezone } = registry.data.district
  const last = localDay(month.end - 1, timezone)
  const first = localDay(month.from, timezone)
  const rows = Array.from({ length: last - first + 1 }, (_, i) => first + i).flatMap((day) => {
    const time = Math.min(timeOn(day + 1, 0, timezone), month.end) - 1
    const { directions: own } = judgeAt(registry, registry.siteAt(site.id, time) ?? site, judged, time)
    return own.filter(({ decides }) => decides).map((one): Cell[] => [dateOf(day), ...verdictCells(one, lang)])
  })
  return {
    type: 'table',
    name: words.windows[lang],
    title: words.windows[lang],
    note: filled(words.windows_note, lang, { days: standardOf(registry, site).rule.window_days }),
    columns: [{ head: words.date[lang], kind: 'date' }, ...verdictColumns(lang)],
    rows,
    empty: words.none[lang],
  }
}

async function passiveBlocks({ passive: { wan }, lang }: SiteInput): Promise<Block[]> {
  const table: Table = {
    type: 'table',
    name: words.sheet_wan[lang],
    title: words.wan[lang],
    note: words.wan_note[lang],
    columns: [
      { head: words.date[lang], kind: 'date' },
      { head: words.link[lang], kind: 'text' },
      { head: words.mean_down[lang], kind: 'mbps' },
      { head: words.peak_down[lang], kind: 'mbps' },
      { head: words.mean_up[lang], kind: 'mbps' },
      { head: words.peak_up[lang], kind: 'mbps' },
      { head: words.up_share[lang], kind: 'ratio' },
    ],
    rows: wan.map((day) => [
      day.date,
      day.link,
      day.rx_mean_bps ?? null,
      day.rx_peak_bps ?? null,
      day.tx_mean_bps ?? null,
      day.tx_peak_bps ?? null,
      day.up ?? null,
    ]),
    empty: words.wan_none[lang],
  }
  if (wan.length < 2) return [table]
  const line = (field: 'rx_peak_bps' | 'tx_peak_bps', direction: 'down' | 'up') => ({
    name: directionWords[direction][lang],
    colour: directionColours[direction],
    points: wan.flatMap((day) => (day[field] === undefined ? [] : [[day.date.slice(5), day[field] / 1e6] as const])),
  })
  const svg = await daysChart([line('rx_peak_bps', 'down'), line('tx_peak_bps', 'up')])
  return [{ type: 'chart', title: words.chart_wan[lang], svg }, table]
}

function pathTable({ passive: { path }, lang }: SiteInput): Table {
  return {
    type: 'table',
    name: words.sheet_path[lang],
    title: words.path[lang],
    columns: [
      { head: words.date[lang], kind: 'date' },
      { head: words.level[lang], kind: 'text' },
      { head: words.rtt[lang], kind: 'milliseconds' },
      { head: words.jitter[lang], kind: 'milliseconds' },
      { head: words.loss[lang], kind: 'ratio' },
    ],
    rows: path
      .toSorted(byLevel)
      .map((day) => [
        day.date,
        levelWords[day.level]?.[lang] ?? day.level,
        day.rtt_mean_seconds ?? null,
        day.jitter_seconds ?? null,
        day.loss_ratio ?? null,
      ]),
    empty: words.path_none[lang],
  }
}

/** Day by day from the school outwards. */
function byLevel(a: Passive['path'][number], b: Passive['path'][number]): number {
  const far = ({ level }: { level: string }) => Object.keys(levelWords).indexOf(level)
  return a.date.localeCompare(b.date) || far(a) - far(b)
}
