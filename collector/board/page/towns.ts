/** Every school of the district as one mark, in the row of its town: four hundred at a glance. */
import type { SiteDocument, SiteList } from '../schemas.ts'
import { h } from './dom.ts'
import type { Filter } from './list.ts'
import { mark, presenceName, verdictName } from './marks.ts'
import { rateText } from './scoreboard.ts'
import { currentLanguage, pick, say } from './words.ts'

const order = { below: 0, unknown: 1, met: 2 } as const

export function townGrid({ summary, sites }: SiteList, show: (filter: Partial<Filter>) => void): HTMLElement[] {
  const towns = [...summary.by_town].sort(
    (a, b) =>
      (a.compliance_ratio ?? 2) - (b.compliance_ratio ?? 2) ||
      pick(a.town.name).localeCompare(pick(b.town.name), currentLanguage()),
  )
  const rows = towns.map((group) => {
    const own = sites
      .filter(({ town }) => town.id === group.town.id)
      .sort((a, b) => order[a.verdict] - order[b.verdict])
    return h(
      'div',
      { class: 'town', role: 'row' },
      h(
        'button',
        {
          type: 'button',
          class: 'plain name',
          role: 'rowheader',
          'data-key': `town-${group.town.id}`,
          onclick: () => show({ town: group.town.id, verdict: 'all', category: 'all' }),
        },
        pick(group.town.name),
      ),
      h('span', { class: 'rate', role: 'cell' }, rateText(group)),
      h('span', { class: 'marks', role: 'cell' }, ...own.map(siteMark)),
    )
  })
  return [
    h('div', { class: 'heading' }, h('h2', {}, say('by_town')), legend()),
    h('div', { class: 'grid', role: 'table', 'aria-label': say('by_town') }, ...rows),
  ]
}

function siteMark({ id, name, verdict, presence }: SiteDocument): HTMLElement {
  const label = `${pick(name)}: ${verdictName(verdict)}${presence.state === 'online' ? '' : `, ${presenceName(presence.state)}`}`
  return h(
    'a',
    { href: `#/site/${encodeURIComponent(id)}`, title: label, 'aria-label': label, 'data-key': `mark-${id}` },
    mark(verdict, presence.state),
  )
}

function legend(): HTMLElement {
  const entry = (sign: SVGElement, name: string) => h('span', {}, sign, name)
  return h(
    'p',
    { class: 'legend' },
    h('span', {}, say('mark_hint')),
    entry(mark('met'), say('met')),
    entry(mark('below'), say('below')),
    entry(mark('unknown'), say('unknown')),
    entry(mark('met', 'offline'), say('legend_offline')),
  )
}
