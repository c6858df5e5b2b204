import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { provision } from '../../../commands/grafana/provision.ts'
import type { Dashboard } from '../../../commands/grafana/names.ts'

const registryFile = fileURLToPath(new URL('../../../config/district.example.yaml', import.meta.url))
const now = () => Date.parse('2026-09-01T08:00:00+08:00')

describe.each([
  ['influxdb', 'zh'],
  ['victoriametrics', 'en'],
] as const)('linkbell grafana provision for %s in %s', (store, language) => {
  let directory: string
  const lines: string[] = []
  const read = (path: string) => readFileSync(join(directory, path), 'utf8')
  const dashboard = (page: string) => JSON.parse(read(`dashboards/${page}.json`)) as Dashboard

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'linkbell-grafana-'))
    provision({ registryFile, store, language, directory }, { env: {}, now, write: (line) => lines.push(line) })
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('shows names where ids are stored', () => {
    const name = { zh: '莲塘小学', en: 'Liantang Primary School' }[language]
    const site = dashboard('school').templating.list.find((variable) => variable.name === 'site')
    expect(site).toMatchObject({ type: 'custom', query: expect.stringContaining(`${name} : liantang-ps`) as string })
    const worst = dashboard('overview').panels.find(({ type }) => type === 'table')
    const mapped = worst?.fieldConfig?.overrides.flatMap(({ properties }) =>
      properties.filter(({ id }) => id === 'mappings'),
    )
    expect(JSON.stringify(mapped)).toContain(`"liantang-ps":{"text":"${name}"`)
  })

  it('calls series after the name of their town', () => {
    const town = { zh: '石角镇', en: 'Shijiao Town' }[language]
    const bars = dashboard('overview').panels.find(({ type }) => type === 'bargauge')
    expect(bars?.fieldConfig?.overrides).toContainEqual({
      matcher: { id: 'byName', options: 'shijiao' },
      properties: [{ id: 'displayName', value: town }],
    })
  })

  it('places schools that have coordinates', () => {
    const places = JSON.parse(read('gazetteer/linkbell-sites.json')) as { key: string; latitude: number }[]
    expect(places).toContainEqual(expect.objectContaining({ key: 'chengdong-ps', latitude: 23.7, longitude: 113.03 }))
  })

  it('keeps lesson rules quiet on the days that are free, and not on make-up days', () => {
    const { muteTimes } = parse(read('provisioning/alerting/linkbell.yaml')) as {
      muteTimes: { time_intervals: { years?: string[]; months?: string[]; days_of_month?: string[] }[] }[]
    }
    const october = muteTimes[0]?.time_intervals.find(
      ({ years, months }) => years?.[0] === '2026' && months?.[0] === '10',
    )
    const days = (october?.days_of_month ?? []).flatMap((run) => {
      const [from, to = from] = run.split(':').map(Number) as [number, number?]
      return Array.from({ length: to - from + 1 }, (_, i) => from + i)
    })
    expect(days).toEqual(expect.arrayContaining([1, 2, 3, 17, 18]))
    // 2026-10-10 is a Saturday with lessons.
    expect(days).not.toContain(10)
    expect(days).not.toContain(12)
  })

  it('says what it wrote', () => {
    expect(lines[0]).toMatch(/6 schools, 1 of them with coordinates/)
  })
})

describe('linkbell grafana provision', () => {
  const late = () => Date.parse('2095-12-01T08:00:00+08:00')
  const linesAt = (language: 'zh' | 'en', options = {}) => {
    const directory = mkdtempSync(join(tmpdir(), 'linkbell-grafana-'))
    const lines: string[] = []
    const deps = { env: {}, now: late, write: (line: string) => lines.push(line) }
    try {
      provision({ registryFile, store: 'influxdb', language, directory, ...options }, deps)
    } finally {
      rmSync(directory, { recursive: true })
    }
    return lines
  }

  it.each([
    ['zh', /缺少 2096 年节假日和调休：请升级联铃/],
    ['en', /lacks the holidays and make-up days of 2096: upgrade Linkbell/],
  ] as const)('tells in %s which years have no holidays', (language, words) => {
    expect(linesAt(language).slice(1)).toContainEqual(expect.stringMatching(words))
  })

  it('says which flag names a registry', () => {
    const missing = { registryFile: '/nonexistent/district.yaml' }
    expect(() => linesAt('en', missing)).toThrow(
      /district\.yaml: cannot be read: ENOENT.*; --registry FILE names another/,
    )
  })
})
