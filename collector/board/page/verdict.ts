/** The verdict on each link of a school, with what it rests on, in words. */
import { causes, measurements, methods } from '../../../core/catalog.ts'
import type { DirectionDocument, EvidenceDocument, SiteDetail } from '../schemas.ts'
import { type Child, h, withCode } from './dom.ts'
import { mark, rateBar, selfTestLabel, verdictLabel } from './marks.ts'
import {
  bitRate,
  bytes,
  count,
  currentLanguage,
  day,
  dateTime,
  fullTime,
  megabits,
  part,
  percent,
  pick,
  roundRate,
  say,
  stateOf,
} from './words.ts'

type Link = SiteDetail['links'][number]
const { fields } = measurements.bandwidth
const directionNames = ['down', 'up'] as const

export function linkHeading({ name, carrier }: Link): HTMLElement {
  const named = carrier !== null && (name.en.includes(carrier) || name.zh.includes(carrier))
  return h('h2', {}, pick(name), carrier !== null && !named && h('small', {}, carrier))
}

export function directionCards(site: SiteDetail, link: Link): HTMLElement {
  return h('div', { class: 'directions' }, ...directionNames.map((name) => directionCard(site, link, name)))
}

function directionCard(site: SiteDetail, link: Link, name: 'down' | 'up'): HTMLElement {
  const direction = link.directions[name]
  const { target_bps, median_bps, latest } = direction
  const shown = median_bps ?? latest?.link_rate_bps ?? null
  return h(
    'div',
    { class: `direction ${direction.decides ? direction.verdict : 'watched'}` },
    h(
      'p',
      { class: 'head' },
      h('b', { class: `key ${name}` }, say(name)),
      direction.decides ? verdictLabel(direction.verdict) : h('span', { class: 'tag' }, say('watched')),
      latest?.self_test === true && selfTestLabel(),
    ),
    h(
      'p',
      { class: 'figure' },
      shown === null ? '–' : megabits(shown),
      h(
        'small',
        {},
        shown === null ? ' ' : ` Mbit/s ${say(median_bps === null ? 'newest' : 'median')} · `,
        say('of_target', { target: roundRate(target_bps) }),
      ),
    ),
    rateBar(shown, direction, site.standard.asked_ratio),
    h('p', { class: 'words' }, ...wordsOf(site, link, name).flatMap(withCode)),
    facts(direction, site.standard.asked_ratio),
  )
}

function facts(
  { trials_count, met_count, met_ratio, worst_bps, latest }: DirectionDocument,
  askedRatio: number,
): HTMLElement {
  const entry = (name: string, ...value: Child[]) => [h('dt', {}, name), h('dd', {}, ...value)]
  const met = say('count_of', { met: count(met_count), trials: count(trials_count) })
  return h(
    'dl',
    { class: 'facts' },
    ...entry(say('trials'), met_ratio === null ? '–' : `${met} · ${percent(met_ratio)}`),
    ...entry(say('worst'), worst_bps === null ? '–' : bitRate(worst_bps)),
    ...entry(
      say('latest'),
      ...(latest?.link_rate_bps == null ? ['–'] : newest(latest, latest.link_rate_bps, askedRatio)),
    ),
  )
}

/** A latest test that missed what is asked says so, whatever the median. */
function newest({ outcome, self_test, target_bps, time }: EvidenceDocument, bps: number, askedRatio: number): Child[] {
  const below = outcome === 'below' && !self_test && bps < askedRatio * (target_bps ?? Infinity)
  const words = `${below ? `${say('below_short')} · ` : ''}${bitRate(bps)} · `
  return [below && mark('below'), words, h('time', { datetime: time, title: fullTime(time) }, dateTime(time))]
}

/** Why the verdict is what it is. */
function wordsOf(site: SiteDetail, link: Link, name: 'down' | 'up'): string[] {
  const { verdict, reason, trials_count, latest } = link.directions[name]
  const { rule } = site.standard
  const from = site.window === null ? '' : day(site.window.from)
  if (verdict !== 'unknown')
    return [...judgedWords(site, link.directions[name], from), ...inconclusive(link.evidence[name])]
  switch (reason) {
    case 'too_few_trials':
      return [
        trials_count < rule.min_trials
          ? say('says_too_few', { trials: count(trials_count), from, needed: count(rule.min_trials) })
          : say('says_one_day', { trials: count(trials_count), from }),
        ...inconclusive(link.evidence[name]),
      ]
    case 'self_test_only':
      return [say('says_self_test_only', { from })]
    case 'not_judged':
      return [say('says_not_judged')]
    default:
      return [latest === null ? say('first_test') : say('says_no_trials', { from })]
  }
}

/** In the order in which they are told: the share belongs to what was counted. */
const told = ['share', 'mean', 'every_day', 'few_days_under'] as const

/** What was seen; and of a direction that decides, what the rule asks for, clause by clause. */
function judgedWords({ standard }: SiteDetail, direction: DirectionDocument, from: string): string[] {
  const { verdict, decides, met_count, mean_ratio, trials_count, target_bps, median_bps, failed } = direction
  const { rule, asked_ratio } = standard
  const values = {
    met: count(met_count),
    trials: count(trials_count),
    from,
    threshold: roundRate(asked_ratio * target_bps),
    ratio: part(asked_ratio),
    target: roundRate(target_bps),
    share: part(rule.min_share),
    mean: mean_ratio === null ? '–' : percent(mean_ratio),
    daily: part(rule.daily_ratio),
    least: part(rule.least_ratio),
  }
  const isMean = rule.clauses.includes('mean')
  const seen = say(isMean ? 'says_mean' : 'says_met', values)
  if (!decides) return [seen]
  const asked = told
    .filter((clause) => rule.clauses.includes(clause))
    .map((clause) => say(clause === 'share' && rule.min_share === 1 ? 'asks_all' : `asks_${clause}`, values))
  const broken = rule.clauses.length > 1 ? failed.map((clause) => say(`fails_${clause}`)) : []
  const fine = verdict === 'below' && failed.includes('share') && (median_bps ?? 0) >= asked_ratio * target_bps
  return [
    ...[seen, ...asked].flatMap((text, i) => (i === 0 ? [text] : [gap(), text])),
    ...(broken.length > 0 ? [gap(), say('says_failed', { clauses: broken.join(say('list_comma')) })] : []),
    ...(fine ? [gap(), say('says_median_fine')] : []),
  ]
}

function inconclusive(evidence: readonly EvidenceDocument[]): string[] {
  const left = evidence.filter(({ left_out }) => left_out === 'inconclusive')
  if (left.length === 0) return []
  const byCause = new Map<string, number>()
  for (const { cause } of left) byCause.set(cause, (byCause.get(cause) ?? 0) + 1)
  const named = [...byCause]
    .sort(([, a], [, b]) => b - a)
    .map(([cause, times]) => say('cause_times', { cause: causeName(cause), count: count(times) }))
  return [gap(), say('says_inconclusive', { count: count(left.length), causes: named.join(say('list_comma')) })]
}

/** Between two sentences. */
const gap = () => (currentLanguage() === 'zh' ? '' : ' ')

const causeName = (cause: string) => stateOf(fields.cause, causes[cause as keyof typeof causes])

/** Every trial, counted or not, and why; and the rule that they are judged by. */
export function evidenceTable({ standard }: SiteDetail, link: Link, open: boolean): HTMLElement {
  const rows = directionNames
    .flatMap((direction) => link.evidence[direction].map((evidence) => ({ direction, evidence })))
    .sort((a, b) => b.evidence.time.localeCompare(a.evidence.time))
  const heads = ['time', 'result', 'link_rate', 'target', 'method', 'counted'] as const
  return h(
    'details',
    { class: 'evidence', open },
    h('summary', {}, say('evidence'), h('span', {}, say('evidence_count', { count: count(rows.length) }))),
    h(
      'p',
      { class: 'note' },
      say('rule_words', { rule: pick(standard.rule.demand), source: pick(standard.rule.source) }),
    ),
    h(
      'div',
      { class: 'scroll' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...heads.map((name) =>
              h('th', { scope: 'col', class: name === 'link_rate' || name === 'target' ? 'number' : '' }, say(name)),
            ),
          ),
        ),
        h('tbody', {}, ...rows.map(({ direction, evidence }) => evidenceRow(direction, evidence))),
      ),
    ),
  )
}

function evidenceRow(direction: 'down' | 'up', evidence: EvidenceDocument): HTMLElement {
  const { time, outcome, link_rate_bps, target_bps, method, tests, counted } = evidence
  const verdict = outcome === 'inconclusive' || evidence.self_test ? 'unknown' : outcome
  const result = evidence.self_test
    ? selfTestLabel()
    : outcome === 'inconclusive'
      ? h('span', {}, stateOf(fields.outcome, 2))
      : verdictLabel(verdict)
  return h(
    'tr',
    { class: counted ? '' : 'left-out' },
    h('td', {}, h('time', { datetime: time, title: fullTime(time) }, dateTime(time))),
    h(
      'td',
      {},
      h('b', { class: `key ${direction}` }, say(direction)),
      ' ',
      result,
      tests > 1 && h('small', {}, say('confirmed', { count: tests })),
    ),
    h('td', { class: 'number' }, link_rate_bps === null ? '–' : bitRate(link_rate_bps)),
    h('td', { class: 'number' }, target_bps === null ? '–' : roundRate(target_bps)),
    h('td', {}, stateOf(fields.method, methodCode(method))),
    h('td', {}, countedWords(evidence)),
  )
}

const methodCode = (method: EvidenceDocument['method']) => methods[method]

function countedWords({ counted, left_out, cause, target_bps }: EvidenceDocument): string {
  if (counted) return say('counted_yes')
  if (left_out === 'self_test') return say('left_out_self_test')
  if (left_out === 'target_changed') return say('left_out_target_changed', { target: roundRate(target_bps ?? 0) })
  return say('left_out_inconclusive', { cause: causeName(cause) })
}

/** What tests have cost the line this month, as of the latest that cost anything. */
export function monthBytes({ latest }: SiteDetail, link: string): HTMLElement | false {
  const [newest] = latest.bandwidth
    .filter(({ tags, fields: { month_used_bytes: used } }) => tags['link'] === link && used != null)
    .sort((a, b) => b.time.localeCompare(a.time))
  const { month_used_bytes: used, month_limit_bytes: limit } = newest?.fields ?? {}
  if (used == null || limit == null) return false
  return h('p', { class: 'note' }, say('month_bytes', { used: bytes(used), limit: bytes(limit) }))
}
