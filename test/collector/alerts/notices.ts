/** Notices and channels to test with. */
import { alertsConfigSchema, type Channel } from '../../../collector/alerts/config.ts'
import { composeLetter, type Message } from '../../../collector/alerts/letter.ts'
import { bounded, type Notice } from '../../../collector/alerts/notice.ts'
import type { NotifierDeps } from '../../../collector/alerts/notifiers/notifier.ts'

/** 10:03 in Shanghai. */
export const start = Date.parse('2026-11-23T02:03:00Z')

export function notice(number: number, over: Partial<Notice> = {}): Notice {
  return {
    id: `link-below:s${number}:firing`,
    alert: `link-below:s${number}`,
    status: 'firing',
    rule: 'link-below',
    severity: 'warning',
    title: { en: 'Download below target', zh: '下行带宽未达标' },
    site: { id: `s${number}`, name: { en: `School ${number}`, zh: `第${number}小学` } },
    town: { id: 't1', name: { en: 'Fengcheng', zh: '凤城街道' } },
    startsAt: start,
    evidence: [{ en: '301.2 of 500 Mbit/s, confirmed', zh: '500 Mbit/s 中实测 301.2 Mbit/s，已复测' }],
    link: `https://board.example/#/site/s${number}`,
    labels: { site: `s${number}` },
    ...over,
  }
}

export function recovery(number: number): Notice {
  return notice(number, { id: `link-below:s${number}:recovery`, status: 'recovery', endsAt: start + 720_000 })
}

export function notices(count: number): Notice[] {
  return Array.from({ length: count }, (_, index) => notice(index + 1))
}

export const messageOf = (...all: Notice[]): Message => ({ id: 'm-1', at: start + 720_000, notices: all.map(bounded) })

/** A channel as it comes out of the configuration. */
export function channel<T extends Channel['type']>(
  type: T,
  fields: Record<string, unknown>,
): Extract<Channel, { type: T }> {
  const { channels } = alertsConfigSchema.parse({ channels: [{ name: 'duty', type, ...fields }] })
  return channels[0] as Extract<Channel, { type: T }>
}

export function deps(over: Partial<{ now: () => number; language: 'zh' | 'en' }> = {}): NotifierDeps {
  const { now = Date.now, language = 'zh' } = over
  const boardUrl = 'https://board.example/'
  return {
    now,
    compose: (message, shown) => composeLetter(message, { language, timezone: 'Asia/Shanghai', boardUrl, shown }),
  }
}
