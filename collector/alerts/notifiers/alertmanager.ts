/** Alertmanager's API v2. It knows alerts by their labels, so that nothing doubles, however often it is sent. */
import type { AlertmanagerChannel } from '../config.ts'
import type { Notice } from '../notice.ts'
import type { Language } from '../strings.ts'
import { createHttpNotifier, failureByStatus } from './http.ts'
import { delivered, type Notifier, type NotifierDeps } from './notifier.ts'

/**
 * Alertmanager ends what it is not told of again within 5 minutes, unless it is told an end. A recovery sets the true
 * one; an alert whose recovery is lost ends by itself after this.
 */
const assumedEndMs = 7 * 86_400_000

export function createAlertmanager({ url, token, language }: AlertmanagerChannel, { now }: NotifierDeps): Notifier {
  const base = url.endsWith('/') ? url : `${url}/`
  return createHttpNotifier(
    ({ notices }) => ({
      url: new URL('api/v2/alerts', base),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: JSON.stringify(notices.map((notice) => alertOf(notice, language, now()))),
    }),
    (answer) => failureByStatus(answer) ?? delivered,
  )
}

function alertOf(notice: Notice, language: Language, nowMs: number) {
  const { status, rule, severity, title, site, town, startsAt, endsAt, evidence, link, labels } = notice
  const end = endsAt ?? (status === 'recovery' ? nowMs : nowMs + assumedEndMs)
  const places = { ...(site && { site: site.id }), ...(town && { town: town.id }) }
  return {
    // The id of the alert among them: two alerts of a rule at one school are two.
    labels: validLabels({ ...labels, ...places, alertname: rule, severity, alert: notice.alert }),
    annotations: {
      summary: site === undefined ? title[language] : `${site.name[language]}: ${title[language]}`,
      description: evidence.map((line) => line[language]).join('\n'),
      ...(site && { site_name: site.name[language] }),
      ...(town && { town_name: town.name[language] }),
    },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(Math.max(end, startsAt)).toISOString(),
    ...(link !== undefined && { generatorURL: link }),
  }
}

/** Names of labels have letters, digits and underscores; empty values are as good as none. */
function validLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) =>
      value === '' ? [] : [[name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_'), value]],
    ),
  )
}
