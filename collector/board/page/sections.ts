/** What is known of a school beside its links: path, host, platforms, agents. */
import { measurements } from '../../../core/catalog.ts'
import type { StringName } from '../strings.ts'
import type { SampleDocument, SiteDetail } from '../schemas.ts'
import { h, withCode } from './dom.ts'
import { presenceName } from './marks.ts'
import { serverNow } from './server-time.ts'
import { ago, bytes, count, dateTime, duration, fullTime, milliseconds, percent, pick, say, stateOf } from './words.ts'

type Cell = Node | string
const levels = ['site', 'district', 'city', 'province', 'internet']

/** A fact sheet of name and value. */
function sheet(rows: readonly (readonly [string, Cell] | undefined)[]): HTMLElement {
  const known = rows.filter((row) => row !== undefined)
  return h('dl', { class: 'sheet' }, ...known.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))
}

function titled<M extends keyof typeof measurements>(measurement: M, sample: SampleDocument | undefined) {
  const fields: Readonly<Record<string, { title: { en: string; zh: string } }>> = measurements[measurement].fields
  return (field: keyof (typeof measurements)[M]['fields'] & string, format: (value: number) => string) => {
    const value = sample?.fields[field]
    const title = fields[field]?.title
    return value === null || value === undefined || title === undefined
      ? undefined
      : ([pick(title), format(value)] as const)
  }
}

export function levelName(level: string): string {
  return levels.includes(level) ? say(`level_${level}` as StringName) : level
}

export const levelRank = (level: string) => levels.indexOf(level)

export function pathTable({ latest }: SiteDetail): HTMLElement {
  const fields = measurements.path.fields
  const rows = [...latest.path].sort((a, b) => levelRank(a.tags['level'] ?? '') - levelRank(b.tags['level'] ?? ''))
  const shown = ['rtt_mean_seconds', 'rtt_p95_seconds', 'jitter_seconds'] as const
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      { class: 'path' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, say('level')),
          ...shown.map((name) => h('th', { scope: 'col', class: 'number' }, pick(fields[name].title))),
          h('th', { scope: 'col', class: 'number' }, say('loss')),
        ),
      ),
      h('tbody', {}, ...rows.map((sample) => pathRow(sample, shown))),
    ),
  )
}

function pathRow({ tags, fields, time }: SampleDocument, shown: readonly string[]): HTMLElement {
  const level = tags['level'] ?? ''
  const cell = (value: number | null | undefined, format: (value: number) => string) =>
    h('td', { class: 'number' }, value === null || value === undefined ? '–' : format(value))
  const loss = fields['loss_ratio']
  return h(
    'tr',
    { title: dateTime(time) },
    h(
      'th',
      { scope: 'row' },
      h('b', { class: `key level-${levelRank(level) + 1}` }, levelName(level)),
      h('small', {}, tags['target'] ?? ''),
    ),
    ...shown.map((name) => cell(fields[name], milliseconds)),
    fields['up'] === 0
      ? h('td', { class: 'number bad' }, say('unreachable'))
      : h(
          'td',
          { class: `number${loss !== null && loss !== undefined && loss > 0 ? ' bad' : ''}` },
          loss === null || loss === undefined ? '–' : percent(loss, 1),
        ),
  )
}

export function hostSheet({ latest, presence }: SiteDetail, charts: readonly HTMLElement[]): HTMLElement {
  const sample = latest.host[0]
  const row = titled('host', sample)
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, say('host')),
    sample === undefined
      ? h(
          'p',
          { class: 'empty' },
          say(presence.state === 'silent' || presence.state === 'offline' ? 'no_recent' : 'waiting'),
        )
      : sheet([
          row('cpu_ratio', percent),
          row('memory_used_ratio', percent),
          row('memory_available_bytes', bytes),
          row('load_1m_count', (value) => value.toFixed(2)),
          row('disk_used_ratio', percent),
          row('disk_free_bytes', bytes),
          row('temperature_celsius', (value) => `${value.toFixed(0)} °C`),
          row('uptime_seconds', duration),
        ]),
    ...(sample === undefined ? [] : charts),
  )
}

export function serviceList({ services }: SiteDetail): HTMLElement {
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, say('services')),
    services.length === 0
      ? h('p', { class: 'empty' }, ...withCode(say('no_services')))
      : h('ul', { class: 'services' }, ...services.map(serviceEntry)),
  )
}

function serviceEntry({ name, url, latest }: SiteDetail['services'][number]): HTMLElement {
  const { fields } = measurements.service
  const value = (field: keyof typeof fields) => latest?.fields[field] ?? null
  const up = value('up')
  const total = value('total_seconds')
  const left = value('certificate_left_seconds')
  const phase = stateOf(fields.failed_phase, value('failed_phase'))
  const facts =
    up === null
      ? []
      : [
          up === 1 ? (total === null ? '' : milliseconds(total)) : `${pick(fields.failed_phase.title)}: ${phase}`,
          value('status_code') === null ? '' : `HTTP ${value('status_code')}`,
          left === null ? '' : `${say('certificate')} ${say('days', { count: count(Math.floor(left / 86_400)) })}`,
        ]
  return h(
    'li',
    {},
    h('span', { class: `dot ${up === null ? 'unknown' : up === 1 ? 'met' : 'below'}`, 'aria-hidden': 'true' }),
    h('b', { title: url }, pick(name)),
    h('span', { class: `state ${up === 0 ? 'bad' : ''}` }, up === null ? say('no_data') : stateOf(fields.up, up)),
    facts.length > 0 && h('small', {}, facts.filter((text) => text !== '').join(' · ')),
  )
}

export function agentSheets({ agents, latest }: SiteDetail): HTMLElement {
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, say(agents.length > 1 ? 'agents' : 'agent')),
    ...(agents.length === 0
      ? [h('p', { class: 'empty' }, say('no_agent'))]
      : agents.map((agent) => agentSheet(agent, latest))),
  )
}

function agentSheet(agent: SiteDetail['agents'][number], latest: SiteDetail['latest']): HTMLElement {
  const { presence, version, gaps } = agent
  const own = (sample: SampleDocument) => sample.tags['agent'] === agent.id
  const sample = latest.agent.find(own)
  const row = titled('agent', sample)
  const waiting = (sample?.fields['spool_batches_count'] ?? 0) > 0
  const failing = latest.probe.filter((sample) => own(sample) && sample.fields['up'] === 0)
  const { failure } = measurements.probe.fields
  return h(
    'div',
    { class: 'agent' },
    h('h3', {}, agent.id, ' ', h('span', { class: `presence ${presence.state}` }, presenceName(presence.state))),
    sheet([
      presence.since === null
        ? undefined
        : [
            say('presence'),
            h('span', { title: fullTime(presence.since) }, say('since', { time: dateTime(presence.since) })),
          ],
      presence.last_batch_at === null
        ? undefined
        : [
            say('last_batch'),
            h('time', { title: fullTime(presence.last_batch_at) }, ago(presence.last_batch_at, serverNow())),
          ],
      version === null ? undefined : [say('version'), version],
      [say('revision'), revisionWords(agent)],
      row('spool_batches_count', count),
      waiting ? row('spool_age_seconds', duration) : undefined,
      row('dropped_batches_count', count),
      row('clock_offset_seconds', (value) => milliseconds(value)),
      row('cpu_ratio', (value) => percent(value, 2)),
      row('memory_bytes', bytes),
      gaps.length === 0 ? undefined : [say('gaps'), h('ul', {}, ...gaps.map(gapEntry))],
    ]),
    failing.length > 0 &&
      h(
        'ul',
        { class: 'failing' },
        ...failing.map(({ tags, fields }) =>
          h(
            'li',
            {},
            say('probe_failed', { probe: tags['probe'] ?? '', failure: stateOf(failure, fields['failure']) }),
          ),
        ),
      ),
  )
}

function revisionWords({ revision, wanted_revision, refused }: SiteDetail['agents'][number]): HTMLElement {
  const short = (text: string) => text.slice(0, 8)
  if (refused !== null)
    return h(
      'span',
      { class: 'bad' },
      say('revision_refused', { revision: short(refused.revision), reason: refused.reason }),
    )
  if (revision === null) return h('span', {}, say('revision_none'))
  if (wanted_revision !== null && revision !== wanted_revision) {
    return h(
      'span',
      { class: 'bad' },
      say('revision_behind', { revision: short(revision), wanted: short(wanted_revision) }),
    )
  }
  return h('span', { title: revision }, say('revision_current', { revision: short(revision) }))
}

function gapEntry({ from, to, batches_count, reason }: SiteDetail['agents'][number]['gaps'][number]): HTMLElement {
  return h('li', {}, say('gap', { from: dateTime(from), to: dateTime(to), batches: count(batches_count), reason }))
}
