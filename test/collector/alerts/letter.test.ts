import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeLetter, fit, type Letter, moreOf } from '../../../collector/alerts/letter.ts'
import { bounded, withBoardLink } from '../../../collector/alerts/notice.ts'
import { bytesOf } from '../../../collector/alerts/text.ts'
import { messageOf, notice, notices, recovery, start } from './notices.ts'

const compose = (message: ReturnType<typeof messageOf>, language: 'zh' | 'en' = 'zh', shown = 10) =>
  composeLetter(message, { language, timezone: 'Asia/Shanghai', boardUrl: 'https://board.example/', shown })

describe('a letter', () => {
  it('about one alert says where, what, since when in local time, and why, with a link', () => {
    expect(compose(messageOf(notice(1)))).toEqual({
      language: 'zh',
      title: '【警告】第1小学：下行带宽未达标',
      summary: [],
      entries: [
        {
          tone: 'warning',
          heading: '',
          lines: ['镇街：凤城街道', '开始：2026-11-23 10:03，已持续 12 分钟', '500 Mbit/s 中实测 301.2 Mbit/s，已复测'],
          link: { text: '查看详情', url: 'https://board.example/#/site/s1' },
        },
      ],
      omitted: 0,
    })
    const { title, entries } = compose(messageOf(notice(1)), 'en')
    expect(title).toBe('[Warning] School 1: Download below target')
    expect(entries[0]?.lines).toEqual([
      'Town: Fengcheng',
      'Since 2026-11-23 10:03, for 12 min',
      '301.2 of 500 Mbit/s, confirmed',
    ])
  })

  it('tells a repeat and a recovery from a first alarm', () => {
    expect(compose(messageOf(notice(1, { status: 'repeat', severity: 'critical' }))).title).toBe(
      '【严重·持续】第1小学：下行带宽未达标',
    )
    const over = compose(messageOf(recovery(1)), 'en')
    expect(over.title).toBe('[Recovered] School 1: Download below target')
    expect(over.entries[0]?.lines[1]).toBe('From 2026-11-23 10:03 to 2026-11-23 10:15, for 12 min')
  })

  it('about 400 schools counts them and shows the worst ten', () => {
    const all = [
      ...notices(399),
      notice(400, { severity: 'critical', rule: 'down', title: { en: 'Down', zh: '断网' } }),
    ]
    const letter = compose(messageOf(...all), 'en')
    expect(letter.title).toBe('[Critical] 400 alerts')
    expect(letter.summary).toEqual(['Download below target × 399', 'Down × 1', '400 schools'])
    expect(letter.entries).toHaveLength(10)
    expect(letter.entries[0]?.heading).toBe('[Critical] School 400: Down')
    expect(moreOf(letter)).toBe('… and 390 more')
    expect(letter.board).toEqual({ text: 'Open the board', url: 'https://board.example/' })
  })

  it('tells of an alert that came and went before anybody heard of it once, as recovered', () => {
    const letter = compose(messageOf(notice(1), notice(2), recovery(1)))
    expect(letter.title).toBe('【警告】1 条告警，1 条恢复')
    expect(letter.entries.map(({ tone }) => tone)).toEqual(['warning', 'recovery'])
    expect(compose(messageOf(notice(1), notice(2), recovery(1), recovery(2))).title).toBe('【已恢复】2 条恢复')
  })

  it.each([
    [90_000, '90 s'],
    [119 * 60_000, '119 min'],
    [5 * 3_600_000 + 60_000, '5 h 1 min'],
    [80 * 3_600_000, '3 d 8 h'],
    [-5_000, '0 s'],
  ])('tells %i ms as %s', (ms, expected) => {
    const { entries } = composeLetter(
      { ...messageOf(notice(1)), at: start + ms },
      { language: 'en', timezone: 'Asia/Shanghai', shown: 10 },
    )
    expect(entries[0]?.lines[1]).toBe(`Since 2026-11-23 10:03, for ${expected}`)
  })
})

describe('fit', () => {
  const write = (letter: Letter) => JSON.stringify({ ...letter, more: moreOf(letter) })

  it('leaves out entries before it cuts lines, and says how many', () => {
    const full = compose(messageOf(...notices(20)), 'en')
    const room = bytesOf(write(full)) - 1
    const fitted = JSON.parse(fit(full, room, write)) as { entries: unknown[]; more: string }
    expect(fitted.entries).toHaveLength(9)
    expect(fitted.more).toBe('… and 11 more')
  })

  it('keeps any letter within any limit that a robot has, nearly using it up when it must cut', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 3_000 })
    const one = fc.record({ title: text, evidence: fc.array(text, { maxLength: 30 }), site: text })
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), (all) => {
        const made = all.map(({ title, evidence, site }, index) =>
          notice(index, {
            title: { en: title, zh: title },
            evidence: evidence.map((line) => ({ en: line, zh: line })),
            site: { id: 's', name: { en: site, zh: site } },
          }),
        )
        const text = fit(compose(messageOf(...made)), 4_096, write)
        expect(bytesOf(text)).toBeLessThanOrEqual(4_096)
        expect(text.isWellFormed()).toBe(true)
      }),
      { numRuns: 60 },
    )
    const long = notice(1, {
      evidence: Array.from({ length: 20 }, () => ({ en: '长'.repeat(900), zh: '长'.repeat(900) })),
    })
    expect(bytesOf(fit(compose(messageOf(long)), 4_096, write))).toBeGreaterThan(4_096 - 22 * 3)
  })
})

describe('a notice on its way in', () => {
  it('is made small enough to keep thousands of', () => {
    const huge = bounded(
      notice(1, {
        title: { en: 'x'.repeat(9_000), zh: '长\n'.repeat(9_000) },
        evidence: Array.from({ length: 500 }, () => ({ en: 'e'.repeat(9_000), zh: 'e' })),
        labels: Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`l${i}`, 'v'.repeat(9_000)])),
      }),
    )
    expect(bytesOf(JSON.stringify(huge))).toBeLessThan(60_000)
    expect(huge.title.zh).not.toContain('\n')
  })

  it.each([
    ['javascript:alert(1)', undefined],
    ['not an address', undefined],
    ['https://board.example/a(b)[c]*', 'https://board.example/a%28b%29%5Bc%5D%2A'],
  ])('has the link %s as %s', (link, expected) => {
    expect(bounded(notice(1, { link })).link).toBe(expected)
  })
})

describe('a link to the board', () => {
  const { link: _, site, ...district } = notice(1)
  const linkOf = (base: string | undefined, over: object = {}) =>
    withBoardLink({ ...district, ...(site && { site }), ...over }, base).link

  it('leads to the school, or to all where there is none', () => {
    expect(linkOf('https://board.example/')).toBe('https://board.example/#/site/s1')
    expect(linkOf('https://bureau.example/linkbell/')).toBe('https://bureau.example/linkbell/#/site/s1')
    expect(linkOf('https://board.example', { site: undefined })).toBe('https://board.example/#/sites')
  })

  it('is none without an address, and never instead of one that is there', () => {
    expect(linkOf(undefined)).toBeUndefined()
    expect(linkOf('https://board.example/', { link: 'https://grafana.example/a' })).toBe('https://grafana.example/a')
  })

  it.each(['zh', 'en'] as const)('stands with each of the shown alerts, and is never cut in two (%s)', (language) => {
    const all = notices(400).map(({ link: _none, ...each }) => withBoardLink(each, 'https://board.example/'))
    const letter = compose(messageOf(...all), language)
    const write = ({ entries }: Letter) => entries.map(({ heading, link }) => `${heading} ${link?.url}`).join('\n')
    for (const maxBytes of [200, 500, 4_096, 15_000]) {
      const text = fit(letter, maxBytes, write)
      expect(bytesOf(text)).toBeLessThanOrEqual(maxBytes)
      for (const line of text.split('\n')) expect(line).toMatch(/ https:\/\/board\.example\/#\/site\/s\d+$/)
    }
  })
})
