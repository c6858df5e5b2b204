/** The generated files themselves: rules of the linter, units, shown texts and colours, by Grafana's own library. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { grafanaAlerting } from '../../dashboards/alerts/grafana.ts'
import { muteTimes } from '../../dashboards/alerts/mute-times.ts'
import { influxql } from '../../dashboards/influxql.ts'
import { type Dashboard, faultsOf, type Panel } from './lint.ts'

type Shown = { text: string; suffix?: string; color?: string }
type GrafanaData = {
  getValueFormats: () => { submenu: { value: string }[] }[]
  getDisplayProcessor: (options: unknown) => (value: unknown) => Shown
  createTheme: () => unknown
}
// It comes as CommonJS for Node, too.
const grafana = createRequire(import.meta.url)('@grafana/data') as GrafanaData
const units = new Set(grafana.getValueFormats().flatMap(({ submenu }) => submenu.map(({ value }) => value)))

const root = join(import.meta.dirname, '../../dashboards/generated')
const folders = ['influxql', 'promql'].flatMap((dialect) => ['zh', 'en'].map((language) => join(dialect, language)))
const read = (folder: string, name: string) => JSON.parse(readFileSync(join(root, folder, name), 'utf8')) as Dashboard
const dashboards = folders.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name: join(folder, name), dashboard: read(folder, name) })),
)

/** As a panel would show a value, or a column of a table by its name. */
function shown(folder: string, page: string, title: string, value: unknown, column?: string): Shown {
  const panel = read(folder, `${page}.json`).panels.find((each) => each.title === title) as Panel
  const { defaults, overrides } = panel.fieldConfig as {
    defaults: object
    overrides: { matcher: { options: string }; properties: { id: string; value: unknown }[] }[]
  }
  const own = overrides.find(({ matcher }) => matcher.options === column)?.properties ?? []
  const config = {
    color: { mode: 'thresholds' },
    ...defaults,
    ...Object.fromEntries(own.map(({ id, value: set }) => [id, set])),
  }
  // JSON has no infinity: the first step of thresholds is null there, as in Grafana's own files.
  const field = { type: typeof value === 'string' ? 'string' : 'number', config: withInfinity(config) }
  return grafana.getDisplayProcessor({ field, theme: grafana.createTheme(), timeZone: 'utc' })(value)
}

function withInfinity(config: object): unknown {
  return JSON.parse(JSON.stringify(config), (key, value: unknown) =>
    key === 'value' && value === null ? -1e300 : value,
  )
}

describe('generated dashboards', () => {
  it.each(dashboards)('$name holds to the rules', ({ dashboard }) => {
    expect(faultsOf(dashboard, units)).toEqual([])
  })

  it('have the same layout in both languages and dialects, and uids of their own in each language', () => {
    const shape = ({ dashboard }: (typeof dashboards)[number]) =>
      dashboard.panels.map(({ id, type, gridPos }) => ({ id, type, gridPos }))
    for (const page of ['overview', 'school', 'classrooms', 'path', 'linkbell']) {
      const all = dashboards.filter(({ name }) => name.endsWith(`/${page}.json`))
      expect(all).toHaveLength(4)
      for (const each of all) expect(shape(each)).toEqual(shape(all[0] as (typeof dashboards)[number]))
      expect(new Set(all.map(({ dashboard }) => dashboard.uid)).size).toBe(2)
    }
  })

  it.each([
    [
      'a unit that Grafana does not know',
      (d: Dashboard) => ((d.panels[1] as Panel).fieldConfig!.defaults.unit = 'furlongs'),
      'furlongs',
    ],
    [
      'a query without a filter',
      (d: Dashboard) => ((d.panels[1] as Panel).targets![0]!.expr = 'avg(compliance_verdict)'),
      'no filter',
    ],
    [
      'a variable that is not there',
      (d: Dashboard) => ((d.panels[1] as Panel).targets![0]!.expr = 'x{site=~"$school"}'),
      'no variable $school',
    ],
    ['a panel over another', (d: Dashboard) => ((d.panels[1] as Panel).gridPos.w = 9), 'overlap'],
    [
      'a panel without a description',
      (d: Dashboard) => ((d.panels[1] as Panel).description = ''),
      'no title or description',
    ],
  ])('would not pass with %s', (_, spoil, fault) => {
    const dashboard = read('promql/en', 'overview.json')
    spoil(dashboard)
    expect(faultsOf(dashboard, units).join('\n')).toContain(fault)
  })

  it('show values as people read them', () => {
    expect(shown('promql/en', 'overview', 'Compliance rate', 0.874)).toMatchObject({ text: '87.4', suffix: '%' })
    expect(shown('promql/en', 'school', 'Target', 500e6)).toMatchObject({ text: '500', suffix: ' Mb/s' })
    expect(shown('promql/zh', 'path', '往返时延', 0.0042)).toMatchObject({ text: '4.20', suffix: ' ms' })
    expect(shown('promql/zh', 'overview', '差距最大的链路', 'kindergarten', '学校类别').text).toBe('幼儿园')
    expect(shown('influxql/zh', 'overview', '差距最大的链路', 0, '判定').text).toBe('未达标')
  })

  it('colour what is bad red and what is good green', () => {
    const red = shown('promql/en', 'school', 'Download', 0)
    const green = shown('promql/en', 'school', 'Download', 1)
    expect(red.text).toBe('below')
    expect(green.text).toBe('met')
    expect(shown('promql/en', 'overview', 'Compliance rate', 0.5).color).toBe(red.color)
    expect(shown('promql/en', 'overview', 'Compliance rate', 0.99).color).toBe(green.color)
    expect(shown('promql/en', 'overview', 'Links below target', 3).color).toBe(red.color)
    expect(shown('promql/en', 'path', 'Loss', 0.2).color).toBe(red.color)
  })
})

describe('generated provisioning', () => {
  const alerting = (folder: string) =>
    parse(readFileSync(join(root, folder, 'provisioning/alerting/linkbell.yaml'), 'utf8')) as ReturnType<
      typeof grafanaAlerting
    >

  it.each(folders)('of %s: rules point at panels that exist, and have a condition among their queries', (folder) => {
    const pages = dashboards.filter(({ name }) => name.startsWith(folder)).map(({ dashboard }) => dashboard)
    const { groups } = alerting(folder)
    for (const rule of groups.flatMap(({ rules }) => rules)) {
      const page = pages.find(({ uid }) => uid === rule.dashboardUid)
      expect(page?.panels.find(({ id }) => id === rule.panelId)?.type).toMatch(/^(?!row)/)
      expect(rule.data.map(({ refId }) => refId)).toContain(rule.condition)
      expect(rule.uid).toMatch(/^[a-zA-Z0-9_-]{1,40}$/)
      // Variables of dashboards mean nothing in a rule, and `${…}` in an annotation would be taken for the environment.
      expect(JSON.stringify(rule.data)).not.toMatch(/\$(site|town|category|__range|__interval\b)/)
      expect(JSON.stringify(rule.annotations)).not.toContain('${')
      expect(JSON.stringify(rule.labels)).not.toContain('$')
    }
    expect(new Set(groups.flatMap(({ rules }) => rules.map(({ uid }) => uid))).size).toBe(groups[0]?.rules.length)
  })

  it('carries no secret, and routes only to what is there', () => {
    for (const folder of folders) {
      const { contactPoints, policies, muteTimes: quiet } = alerting(folder)
      const settings = contactPoints.flatMap(({ receivers }) =>
        receivers.map((receiver) => receiver.settings as Record<string, unknown>),
      )
      expect(settings.map(({ url, addresses }) => url ?? addresses)).toEqual([
        '$LINKBELL_RELAY_URL',
        '$LINKBELL_MAIL_TO',
      ])
      const names = new Set(contactPoints.map(({ name }) => name))
      for (const { receiver, routes } of policies) {
        expect(names).toContain(receiver)
        for (const route of routes) {
          if ('receiver' in route) expect(names).toContain(route.receiver)
          if ('mute_time_intervals' in route) expect(quiet.map(({ name }) => name)).toEqual(route.mute_time_intervals)
        }
      }
    }
  })

  it('is quiet outside lessons, and on free days by their dates', () => {
    const free = ['2026-10-01', '2026-10-02', '2026-10-03', '2026-10-10', '2027-01-01'].map(
      (date) => Date.parse(date) / 86_400_000,
    )
    const quiet = muteTimes(
      [
        [840, 1050],
        [480, 720],
      ],
      'Asia/Shanghai',
      free,
    )
    expect(quiet.time_intervals).toEqual([
      {
        location: 'Asia/Shanghai',
        times: [
          { start_time: '00:00', end_time: '08:00' },
          { start_time: '12:00', end_time: '14:00' },
          { start_time: '17:30', end_time: '24:00' },
        ],
      },
      { location: 'Asia/Shanghai', years: ['2026'], months: ['10'], days_of_month: ['1:3', '10'] },
      { location: 'Asia/Shanghai', years: ['2027'], months: ['1'], days_of_month: ['1'] },
    ])
    expect(grafanaAlerting(influxql, 'en', quiet).muteTimes[0]?.name).toBe('outside-lessons')
  })
})
