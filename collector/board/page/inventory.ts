/** What a school has: kinds, ages, service life, what never answered; classrooms and teachers that are equipped. */
import type { SiteInventory } from '../api/inventory.ts'
import { fetchInventory } from './api.ts'
import { h, replace } from './dom.ts'
import { kindName } from './device-marks.ts'
import { count, percent, say, years } from './words.ts'

type Facts = SiteInventory['inventory']
type Ages = Pick<
  Facts,
  'devices_count' | 'year_known_count' | 'mean_age_years' | 'past_service_count' | 'never_seen_count'
>

/** Asked for once: it changes with the registry, not with the minute. */
export function createInventory(site: string, signal: AbortSignal): HTMLElement {
  const element = h('section', { class: 'panel inventory', hidden: true })
  fetchInventory(site, signal)
    .then((answer) => {
      element.hidden = answer.inventory.devices_count + answer.inventory.classrooms_count === 0
      replace(element, h('h2', {}, say('inventory')), ...factLines(answer.inventory), table(answer))
    })
    // The page is about the network: without its inventory it is still whole.
    .catch(() => undefined)
  return element
}

function factLines(facts: Facts): HTMLElement[] {
  const lines = [
    facts.equipped_ratio !== null &&
      say('inventory_classrooms', {
        equipped: count(facts.equipped_classrooms_count),
        all: count(facts.classrooms_count),
        share: percent(facts.equipped_ratio),
      }),
    facts.teacher_terminals_ratio !== null &&
      say('inventory_teachers', {
        terminals: count(facts.teacher_terminals_count),
        teachers: count(facts.teachers_count ?? 0),
        share: percent(facts.teacher_terminals_ratio),
      }),
  ]
  return lines.flatMap((line) => (line === false ? [] : h('p', { class: 'note' }, line)))
}

function table({ inventory, never_seen: neverSeen }: SiteInventory): HTMLElement {
  const titles = ['inventory_devices', 'inventory_age', 'inventory_past', 'inventory_unseen'] as const
  const ids = neverSeen.map(({ id }) => id).join(', ')
  return h(
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
          h('th', { scope: 'col' }, say('kind')),
          ...titles.map((name) => h('th', { scope: 'col', class: 'number' }, say(name))),
        ),
      ),
      h('tbody', {}, ...inventory.kinds.map((kind) => row(kindName(kind.kind), kind)), row(say('all'), inventory, ids)),
    ),
  )
}

function row(name: string, ages: Ages, unseenIds = ''): HTMLElement {
  const { year_known_count: known, mean_age_years: age, past_service_count: past, never_seen_count: unseen } = ages
  const cell = (text: string, title = '') => h('td', { class: 'number', title: title === '' ? undefined : title }, text)
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, name),
    cell(count(ages.devices_count)),
    cell(age === null ? '–' : years(age)),
    cell(known === 0 ? '–' : say('count_of', { met: count(past), trials: count(known) })),
    cell(unseen === null ? '–' : count(unseen), unseenIds),
  )
}
