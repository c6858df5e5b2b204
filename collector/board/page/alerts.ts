/** What rings, with a button for who knows of it; what rang; and where nothing is to ring for a while (maintenance.ts). */
import type { AlertDocument, AlertList } from '../api/alerts.ts'
import type { SiteList } from '../schemas.ts'
import type { StringName } from '../strings.ts'
import { acknowledgeAlert, fetchAlertHistory, fetchAlerts } from './api.ts'
import { h, replace } from './dom.ts'
import { createMaintenance } from './maintenance.ts'
import { count, dateTime, pick, say } from './words.ts'

const pollMs = 10_000
/** Those that matter most; the rest at a click, but a storm nobody reads. */
const fewShown = 6
const mostShown = 100

export type AlertSection = { element: HTMLElement; tell: (sites: SiteList['sites']) => void; close: () => void }

/** Hidden where the collector does not look at rules. What is typed into the form stays when the list is drawn anew. */
export function createAlerts(): AlertSection {
  const number = h('small', {})
  const list = h('div', { 'aria-live': 'polite' })
  const failure = h('p', { class: 'asked', role: 'status' })
  const maintenance = createMaintenance(act)
  const history = createHistory()
  const element = h(
    'section',
    { class: 'panel alerts', hidden: true },
    h('h2', {}, say('alerts'), number),
    list,
    failure,
    history,
    maintenance.element,
  )
  let closed = false
  let isWhole = false

  async function act(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      replace(failure)
      await load()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      replace(failure, h('span', { class: 'failed' }, say('alert_failed', { reason })))
    }
  }

  function draw(answer: AlertList): void {
    const { judged, alerts } = answer
    element.hidden = !judged
    replace(number, alerts.length > 0 && count(alerts.length))
    drawList(alerts)
    maintenance.update(answer)
  }

  function drawList(alerts: AlertList['alerts']): void {
    if (alerts.length === 0) return replace(list, h('p', { class: 'note' }, say('alerts_none')))
    const items = alerts.slice(0, isWhole ? mostShown : fewShown).map((alert) => item(alert, act))
    const toggle = () => {
      isWhole = !isWhole
      drawList(alerts)
    }
    const words = isWhole ? say('alerts_fewer') : say('alerts_all', { count: count(alerts.length) })
    const more = h('button', { type: 'button', class: 'more', 'data-key': 'alerts-more', onclick: toggle }, words)
    replace(list, h('ul', {}, ...items), alerts.length > fewShown && more)
  }

  async function load(): Promise<void> {
    const answer = await fetchAlerts().catch(() => undefined)
    if (!closed && answer !== undefined) draw(answer)
  }

  const poll = setInterval(() => void load(), pollMs)
  void load()
  return {
    element,
    tell: maintenance.tell,
    close: () => {
      closed = true
      clearInterval(poll)
    },
  }
}

export type Act = (work: () => Promise<unknown>) => Promise<void>

function item(alert: AlertDocument, act: Act): HTMLElement {
  const { id, acknowledged, hidden_by: hidden, flapping, starts_at: since } = alert
  const button = h(
    'button',
    { type: 'button', 'data-key': `ack ${id}`, onclick: () => void act(() => acknowledgeAlert(id)) },
    say('alert_acknowledge'),
  )
  const marks = [
    say('alert_since', { time: dateTime(since) }),
    flapping && say('alert_flapping'),
    hidden !== null && say(hidden === 'maintenance' ? 'alert_maintained' : 'alert_hidden'),
    acknowledged !== null && say('alert_acknowledged', { by: acknowledged.by, time: dateTime(acknowledged.at) }),
  ]
  const note = marks.filter((mark) => mark !== false).join(' · ')
  return h(
    'li',
    {},
    h('div', {}, heading(alert), ...evidence(alert)),
    h('p', { class: 'note' }, note),
    acknowledged === null && button,
  )
}

function heading({ severity, title, site, town }: AlertDocument): HTMLElement {
  const place = site ?? town
  const link = site === null ? null : h('a', { href: `#/site/${encodeURIComponent(site.id)}` }, pick(site.name))
  const what = `${say(`alert_${severity}` as StringName)} · ${pick(title)}`
  return h(
    'p',
    {},
    h('strong', { class: severity === 'critical' ? 'failed' : undefined }, what),
    place && ' · ',
    link ?? (place && pick(place.name)),
  )
}

const evidence = (alert: AlertDocument) => alert.evidence.map((line) => h('p', { class: 'note' }, pick(line)))

/** Asked for when it is opened. */
function createHistory(): HTMLElement {
  const content = h('ul', { class: 'plain' })
  const load = async () => {
    const answer = await fetchAlertHistory().catch(() => ({ alerts: [] }))
    const ended = answer.alerts.filter(({ state }) => state === 'resolved')
    const lines = ended.map((alert) => {
      const times = { from: dateTime(alert.starts_at), to: dateTime(alert.ends_at ?? alert.starts_at) }
      return h(
        'li',
        {},
        h('div', {}, heading(alert), ...evidence(alert)),
        h('p', { class: 'note' }, say('alert_ended', times)),
      )
    })
    replace(content, ...(lines.length === 0 ? [h('li', { class: 'note' }, say('alerts_none'))] : lines))
  }
  const details = h(
    'details',
    { ontoggle: () => void (details.open && load()) },
    h('summary', {}, say('alerts_history')),
    content,
  )
  return details
}
