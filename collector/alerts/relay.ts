/**
 * The webhooks of Grafana and Alertmanager, turned into notices. Both send a whole group again whenever one of its
 * alerts changes, and again after a timeout: each alert is passed on once, then as a repeat now and then.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Notice, Severity } from './notice.ts'
import { severities } from './notice.ts'

const words = z.record(z.string(), z.string()).nullish()
const alertSchema = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: words,
  annotations: words,
  startsAt: z.iso.datetime({ offset: true }),
  endsAt: z.string().nullish(),
  generatorURL: z.string().nullish(),
  fingerprint: z.string().min(1).max(200),
  dashboardURL: z.string().nullish(),
  panelURL: z.string().nullish(),
})
/** Version 1 is Grafana's, 4 Alertmanager's; the fields that are read here are the same. */
export const relayBodySchema = z.object({
  receiver: z.string().nullish(),
  externalURL: z.string().nullish(),
  truncatedAlerts: z.number().nullish(),
  alerts: z.array(alertSchema).max(10_000),
})
export type RelayBody = z.output<typeof relayBodySchema>
type Alert = RelayBody['alerts'][number]

export type RelayDeps = {
  /** When a notice with this id came first. */
  firstSeen: (id: string) => number | undefined
  repeatSeconds: number
  now: () => number
  /** Names of the places that labels tell. */
  placesOf: (labels: Readonly<Record<string, string>>) => Pick<Notice, 'site' | 'town'>
}

export function noticesOf({ alerts }: RelayBody, deps: RelayDeps): Notice[] {
  return alerts.flatMap((alert) => noticeOf(alert, deps) ?? [])
}

function noticeOf(alert: Alert, { firstSeen, repeatSeconds, now, placesOf }: RelayDeps): Notice | undefined {
  const { fingerprint, startsAt } = alert
  const labels = alert.labels ?? {}
  const annotations = alert.annotations ?? {}
  const key = `relay:${fingerprint}:${Date.parse(startsAt)}`
  const seen = firstSeen(`${key}:firing`)
  // An end of what nobody was told of is no news, such as the first message after a contact point was set up.
  if (seen === undefined && alert.status === 'resolved') return undefined
  const round = seen === undefined ? 0 : Math.floor((now() - seen) / (repeatSeconds * 1_000))
  const firing = alert.status === 'firing'
  const status = firing ? (round > 0 ? 'repeat' : 'firing') : 'recovery'
  const rule = labels['alertname'] || 'alert'
  const title = annotations['summary'] || rule
  const evidence = evidenceOf(annotations)
  const link = alert.panelURL || alert.dashboardURL || alert.generatorURL
  return {
    id: status === 'repeat' ? `${key}:repeat:${round}` : `${key}:${status}`,
    alert: key,
    status,
    rule,
    severity: severityOf(labels),
    title: { en: title, zh: title },
    ...placesOf(labels),
    startsAt: Date.parse(startsAt),
    ...(!firing && { endsAt: endOf(alert, now()) }),
    evidence: evidence.map((line) => ({ en: line, zh: line })),
    ...(link && { link }),
    labels,
  }
}

/** Lines of the description, then what else was written about it. */
function evidenceOf(annotations: Readonly<Record<string, string>>): string[] {
  const { description = '', message = '' } = annotations
  return `${description}\n${message}`
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** The year 1 stands for no end. */
function endOf({ endsAt }: Alert, nowMs: number): number {
  const end = Date.parse(endsAt ?? '')
  return end > 0 ? end : nowMs
}

function severityOf({ severity = '' }: Readonly<Record<string, string>>): Severity {
  const said = severity.toLowerCase()
  if (['page', 'disaster', 'emergency', 'error', 'high'].includes(said)) return 'critical'
  return severities.find((each) => each === said) ?? 'warning'
}

/** Whether an Authorization header proves the token: as Bearer, or as the password of Basic. */
export function provesToken(header: string, token: string): boolean {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)$/i.exec(header) ?? []
  const basic = scheme.toLowerCase() === 'basic'
  const given = basic
    ? Buffer.from(value, 'base64')
        .toString()
        .replace(/^[^:]*:/, '')
    : value
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}
