/** Every query of every dashboard and rule, against real servers: no error, no empty panel, both dialects agree. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoryKind } from '../../commands/demo/stories.ts'
import { rules } from '../../dashboards/alerts/rules.ts'
import { dialects } from '../../dashboards/dialects.ts'
import { influxql } from '../../dashboards/influxql.ts'
import { dashboardOf } from '../../dashboards/page.ts'
import { allPages } from '../../dashboards/pages.ts'
import { promql } from '../../dashboards/promql.ts'
import type { Page } from '../../dashboards/page.ts'
import type { Panel } from '../../dashboards/panel.ts'
import { ask, by, type Question } from '../../dashboards/query.ts'
import { languages } from '../../dashboards/strings.ts'
import { has } from '../services/capabilities.ts'
import { askInflux, askVictoria, type Asking, valuesOf, type Variables } from './ask.ts'
import { differences } from './compare.ts'
import { batchesOf, end, made, poorFrom, poorTown, schoolOfRoom } from './district.ts'
import { replay } from './replay.ts'
import { type Server, startInflux, startVictoria } from './servers.ts'

/** What a person would have chosen: a school with all kinds of data, everything else on "All". */
const chosen: Record<string, Variables> = {
  school: { site: 'ql-001' },
  path: { level: 'district' },
}
const allOf = { influxql: '.*', promql: '.+' } as const
const variablesOf = (page: Page, dialect: keyof typeof allOf): Variables => ({
  ...Object.fromEntries(['town', 'category', 'site', 'agent', 'level'].map((name) => [name, allOf[dialect]])),
  ...chosen[page.key],
})

const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const msOf = (duration: string) => Number.parseInt(duration, 10) * (unitMs[duration.at(-1) as string] as number)

/** The span of a panel; buckets are aligned, as both servers do, and wide enough for some hundred of them. */
function lookOf(page: Page, { last, interval = '1m' }: Panel, bucketed: boolean) {
  const span = msOf(last ?? page.from.replace('now-', ''))
  if (!bucketed) return { from: end - span, to: end, stepMs: 60_000 }
  const stepMs = Math.max(msOf(interval), Math.ceil(span / 150 / 600_000) * 600_000)
  const to = Math.ceil(end / stepMs) * stepMs
  return { from: to - Math.ceil(span / stepMs) * stepMs, to: to - 1, stepMs }
}

const week = { from: end - 7 * msOf('1d'), to: end, stepMs: msOf('1h') }
const ready = has('influxd') && has('victoria-metrics')

describe.skipIf(!ready)('queries of the dashboards', () => {
  let influx: Server
  let victoria: Server

  beforeAll(async () => {
    ;[influx, victoria] = await Promise.all([startInflux(), startVictoria()])
    for await (const batches of batchesOf(made())) await Promise.all([influx.write(batches), victoria.write(batches)])
  }, 180_000)
  afterAll(async () => {
    await Promise.all([influx?.stop(), victoria?.stop()])
  })

  /** What is wrong with a question, in sentences. */
  async function problemsOf(question: Question, page: Page, panel: Panel): Promise<string[]> {
    const bucketed = panel.show === 'series' || panel.show === 'timeline'
    const common = { look: lookOf(page, panel, bucketed), bucketed, heard: question.over === 'heard' }
    const window = bucketed ? 'buckets' : 'span'
    const asking = (dialect: keyof typeof allOf): Asking => ({ ...common, variables: variablesOf(page, dialect) })
    try {
      const [left, right] = await Promise.all([
        askInflux(influx, influxql.write(question, window), asking('influxql')),
        askVictoria(victoria, promql.write(question, window), asking('promql')),
      ])
      return differences(question, left, right)
    } catch (error) {
      return [String(error)]
    }
  }

  for (const page of allPages) {
    it(`of the page "${page.key}" have answers, the same ones in both dialects`, async () => {
      const problems: string[] = []
      for (const row of page.rows)
        for (const panel of row.panels.flat())
          for (const [index, { question }] of panel.ask.entries())
            for (const problem of await problemsOf(question, page, panel))
              problems.push(`${panel.key} ${index}: ${problem}`)
      expect(problems).toEqual([])
    }, 120_000)
  }

  it('are written into the generated files as they were asked here', () => {
    for (const dialect of dialects)
      for (const page of allPages) {
        const { panels = [] } = dashboardOf(page, { dialect, language: 'en' })
        const texts = new Set(
          panels
            .flatMap((panel) => ('targets' in panel ? (panel.targets ?? []) : []))
            .map((target) => {
              const { expr, query } = target as unknown as { expr?: string; query?: string }
              return expr ?? query
            }),
        )
        for (const { panels: lines } of page.rows)
          for (const panel of lines.flat())
            for (const [index, { question }] of panel.ask.entries()) {
              const bucketed = panel.show === 'series' || panel.show === 'timeline'
              const column = { table: `value_${'abcdef'[index]}`, map: 'value' }[panel.show as string]
              expect(texts).toContain(dialect.write(question, bucketed ? 'buckets' : 'span', column))
            }
      }
  })

  it('of tables name their column, and answer the same', async () => {
    for (const page of allPages)
      for (const panel of page.rows.flatMap((row) => row.panels.flat()).filter(({ show }) => show === 'table'))
        for (const { question } of panel.ask) {
          const asking: Asking = {
            look: lookOf(page, panel, false),
            bucketed: false,
            variables: variablesOf(page, 'influxql'),
          }
          const plain = await askInflux(influx, influxql.write(question, 'span'), asking)
          expect(await askInflux(influx, influxql.write(question, 'span', 'value_a'), asking)).toEqual(plain)
        }
  })

  it('of variables list the same values, and not none', async () => {
    for (const page of allPages)
      for (const language of languages) {
        const [left, right] = await Promise.all(
          dialects.map(async (dialect) => {
            const { templating } = dashboardOf(page, { dialect, language })
            const lists = (templating?.list ?? []).filter(({ type }) => type === 'query')
            const server = dialect.name === 'influxql' ? influx : victoria
            return Promise.all(
              lists.map(({ query }) =>
                valuesOf(dialect.name, server, query as string, {
                  variables: variablesOf(page, dialect.name),
                  look: week,
                }),
              ),
            )
          }),
        )
        expect(left).toEqual(right)
        for (const values of left ?? []) expect(values.length).toBeGreaterThan(0)
      }
  })

  it('of alert rules have answers, the same ones in both dialects', async () => {
    const problems: string[] = []
    for (const { id, question, unless, seconds } of rules)
      for (const one of [question, ...(unless === undefined ? [] : [unless.question])]) {
        const look = { from: end - seconds * 1000, to: end, stepMs: 60_000 }
        const asking: Asking = { look, bucketed: false, variables: {} }
        const [left, right] = await Promise.all([
          askInflux(influx, influxql.write(one, { seconds }), asking),
          askVictoria(victoria, promql.write(one, { seconds }), asking),
        ])
        for (const problem of differences(one, left, right)) problems.push(`${id}: ${problem}`)
      }
    expect(problems).toEqual([])
  })

  describe.skipIf(!has('vmalert'))('of alert rules, replayed by vmalert', () => {
    const district = made()
    const sitesThat = (...kinds: StoryKind[]) =>
      district.schools.filter(({ story }) => kinds.includes(story.kind)).map(({ id }) => id)
    const hour = msOf('1h')

    it('ring for links below their target and for silent schools, and for no good one', async () => {
      const to = end - 21 * hour
      const rang = await replay(victoria, end - 25 * hour, to)
      const below = rang.get('link-below') ?? []
      expect(below).toEqual(expect.arrayContaining(sitesThat('capped', 'degraded')))
      expect(below.filter((site) => sitesThat('good', 'dead', 'never').includes(site))).toEqual([])
      expect(rang.get('school-silent')).toEqual(sitesThat('dead', 'silent'))
      expect(rang.get('classrooms-down')).toEqual([schoolOfRoom(district)])
      expect(rang.has('collector-silent')).toBe(false)
    }, 120_000)

    it('ring for the level at which the way gets worse, and not for those behind it', async () => {
      const rang = await replay(victoria, poorFrom, poorFrom + 2 * hour)
      const poor = district.schools.filter(({ town }) => town === poorTown).map(({ id }) => id)
      expect(rang.get('path-loss-district')).toEqual(expect.arrayContaining(poor))
      for (const level of ['site', 'city', 'province', 'internet'])
        expect((rang.get(`path-loss-${level}`) ?? []).filter((site) => poor.includes(site))).toEqual([])
    }, 120_000)

    it('ring when nothing is stored any more', async () => {
      const rang = await replay(victoria, end + msOf('1m'), end + msOf('30m'))
      expect(rang.has('collector-silent')).toBe(true)
    }, 120_000)
  })

  describe('that are wrong are found out:', () => {
    const page = allPages.find(({ key }) => key === 'overview') as Page
    const panel: Panel = { key: 'complianceRate', show: 'stat', ask: [], width: 4, height: 4, last: '3h' }
    const verdict = { measurement: 'compliance', field: 'verdict', over: 'last', steps: by('site').min } as const

    it('a right one has no problem', async () => {
      expect(await problemsOf(ask({ ...verdict, match: { direction: 'down' } }), page, panel)).toEqual([])
    })
    it('a field that does not exist', async () => {
      const wrong = { ...verdict, field: 'verdikt' } as unknown as Question
      expect(await problemsOf(wrong, page, panel)).toEqual(['InfluxQL: no answer', 'PromQL: no answer'])
    })
    it('a filter that matches nothing', async () => {
      expect(await problemsOf(ask({ ...verdict, match: { direction: 'sideways' } }), page, panel)).toEqual([
        'InfluxQL: no answer',
        'PromQL: no answer',
      ])
    })
    it('a variable that the page does not have', async () => {
      const [problem] = await problemsOf(ask({ ...verdict, match: { site: '$school' } }), page, panel)
      expect(problem).toContain('no variable $school')
    })
    it('a tag that does not exist leaves its groups without a name', async () => {
      const wrong = { ...verdict, steps: by('school').min } as unknown as Question
      expect((await problemsOf(wrong, page, panel))[0]).toContain('no tag school')
    })
  })
})
