/** The figures that the plan is judged by. */
import type { SiteList, Summary } from '../schemas.ts'
import { h } from './dom.ts'
import { categoryName, mark } from './marks.ts'
import type { Filter } from './list.ts'
import { count, percent, roundRate, say } from './words.ts'

type Show = (filter: Partial<Filter>) => void
type Counts = Pick<Summary, 'met' | 'below' | 'unknown' | 'compliance_ratio'>

export function tiles({ summary }: SiteList, show: Show): HTMLElement {
  const { met, below, unknown, compliance_ratio, sites, online, silent, offline } = summary
  const judged = met + below
  const rate = compliance_ratio === null ? '–' : percent(compliance_ratio)
  return h(
    'div',
    { class: 'tiles' },
    h(
      'div',
      { class: 'tile lead' },
      h('h2', {}, say('compliance')),
      h('p', { class: 'figure' }, rate),
      shareBar(summary),
      h(
        'p',
        { class: 'note' },
        judged === 0 ? say('compliance_none') : say('compliance_note', { met: count(met), judged: count(judged) }),
      ),
    ),
    tile('below', count(below), say('below'), below === 0 ? '' : say('below_note'), () => show({ verdict: 'below' })),
    tile('unknown', count(unknown), say('unknown'), unknown === 0 ? '' : say('unknown_note'), () =>
      show({ verdict: 'unknown' }),
    ),
    tile(
      undefined,
      `${count(online)}`,
      say('online'),
      silent + offline === 0 ? '' : say('online_note', { silent: count(silent), offline: count(offline) }),
      () => show({ presence: silent + offline === 0 ? 'all' : 'away' }),
      ` / ${count(sites)}`,
    ),
  )
}

function tile(
  verdict: 'below' | 'unknown' | undefined,
  figure: string,
  title: string,
  note: string,
  onclick: () => void,
  after = '',
): HTMLElement {
  return h(
    'button',
    { class: `tile ${verdict ?? ''}`, type: 'button', onclick, 'data-key': `tile-${title}` },
    h('h2', {}, verdict !== undefined && mark(verdict), title),
    h('p', { class: `figure${figure === '0' ? ' none' : ''}` }, figure, after !== '' && h('small', {}, after)),
    h('p', { class: 'note' }, note),
  )
}

/** Met, below and unknown as parts of one bar, in this order. */
function shareBar({ met, below, unknown }: Counts): HTMLElement {
  const bar = h('div', { class: 'share-bar', 'aria-hidden': 'true' })
  for (const [name, value] of [
    ['met', met],
    ['below', below],
    ['unknown', unknown],
  ] as const) {
    if (value === 0) continue
    const part = h('span', { class: name })
    part.style.flexGrow = String(value)
    bar.append(part)
  }
  return bar
}

export function categoryTable({ summary, sites }: SiteList, show: Show): HTMLElement {
  const head = ['category', 'target', 'schools', 'met_short', 'below_short', 'unknown', 'rate'] as const
  const rows = summary.by_category.map((group) => {
    const targets = new Set(
      sites.flatMap((site) =>
        site.category === group.category ? (site.links[0]?.directions.down.target_bps ?? []) : [],
      ),
    )
    // A school may hold a contract for more; the category's own target is the least.
    const target = targets.size === 0 ? '–' : roundRate(Math.min(...targets))
    const pick = () => show({ category: group.category, verdict: 'all', town: 'all' })
    const name = h(
      'button',
      { type: 'button', class: 'plain', onclick: pick, 'data-key': `category-${group.category}` },
      categoryName(group.category),
    )
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, name, h('small', { class: 'narrow' }, target)),
      h('td', { class: 'number' }, target),
      ...[group.sites, group.met, group.below, group.unknown].map((value, i) =>
        h('td', { class: `number${value === 0 ? ' zero' : ''}${i === 2 && value > 0 ? ' bad' : ''}` }, count(value)),
      ),
      h('td', { class: 'rate' }, shareBar(group), h('span', {}, rateText(group))),
    )
  })
  return h(
    'div',
    { class: 'panel categories' },
    h('h2', {}, say('by_category')),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...head.map((name, i) =>
            h('th', { scope: 'col', class: i === 0 ? '' : i === 6 ? 'rate' : 'number' }, say(name)),
          ),
        ),
      ),
      h('tbody', {}, ...rows),
    ),
  )
}

export function rateText({ compliance_ratio }: Counts): string {
  return compliance_ratio === null ? '–' : percent(compliance_ratio, 0)
}
