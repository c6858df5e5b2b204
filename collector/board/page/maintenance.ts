/** Where nothing is to ring for a while: what holds now, and a form for more. What is typed stays when the list is drawn anew. */
import type { AlertList, WindowDocument } from '../api/alerts.ts'
import type { SiteList } from '../schemas.ts'
import type { Act } from './alerts.ts'
import { endMaintenance, maintain } from './api.ts'
import { h, replace } from './dom.ts'
import { dateTime, pick, say } from './words.ts'

type Site = SiteList['sites'][number]
type Named = Pick<Site, 'id' | 'name'>
/** Name of a site, town or rule, for people. */
type NameOf = (kind: 'site' | 'town' | 'rule', id: string) => string

export type MaintenanceView = {
  element: HTMLElement
  tell: (sites: readonly Site[]) => void
  update: (answer: Pick<AlertList, 'maintenance' | 'rules'>) => void
}

export function createMaintenance(act: Act): MaintenanceView {
  const windows = h('ul', { class: 'plain' })
  const where = choice('where', say('all_schools'))
  const what = choice('rule', say('all_rules'))
  const names = new Map<string, string>()
  const nameOf: NameOf = (kind, id) => names.get(`${kind} ${id}`) ?? id

  /** The options of a kind; a select that is open must not be drawn anew without need. */
  function optionsOf(kind: 'site' | 'town' | 'rule', list: readonly Named[]): HTMLElement[] {
    for (const { id, name } of list) names.set(`${kind} ${id}`, pick(name))
    return list.map(({ id }) => h('option', { value: kind === 'rule' ? id : `${kind} ${id}` }, nameOf(kind, id)))
  }

  return {
    element: h(
      'details',
      {},
      h('summary', {}, say('maintenance')),
      windows,
      createForm(where.select, what.select, act),
    ),
    tell: (sites) => {
      const towns = [...new Map(sites.map(({ town }) => [town.id, town])).values()]
      where.offer([
        h('optgroup', { label: say('towns') }, ...optionsOf('town', towns)),
        h('optgroup', { label: say('schools') }, ...optionsOf('site', sites)),
      ])
    },
    update: ({ maintenance, rules }) => {
      what.offer(
        optionsOf(
          'rule',
          rules.map(({ id, title }) => ({ id, name: title })),
        ),
      )
      replace(windows, ...maintenance.map((window) => windowItem(window, nameOf, act)))
    },
  }
}

/** A select whose first option is all; it is drawn anew only when what it offers is new. */
function choice(name: string, all: string) {
  const select = h('select', { name }, h('option', { value: '' }, all))
  let offered = ''
  return {
    select,
    offer: (options: readonly HTMLElement[]): void => {
      const now = options.map(({ outerHTML }) => outerHTML).join('')
      if (now === offered) return
      offered = now
      const chosen = select.value
      replace(select, h('option', { value: '' }, all), ...options)
      select.value = chosen
    },
  }
}

function windowItem({ id, site, town, rule, to, note }: WindowDocument, nameOf: NameOf, act: Act): HTMLElement {
  const scope = Object.entries({ site, town, rule }).flatMap(([kind, name]) =>
    name === null ? [] : nameOf(kind as Parameters<NameOf>[0], name),
  )
  const where = scope.length === 0 ? say('all_schools') : scope.join(say('list_comma'))
  const line = say('maintenance_until', { where, time: dateTime(to), note })
  const end = h(
    'button',
    { type: 'button', class: 'plain', onclick: () => void act(() => endMaintenance(id)) },
    say('maintenance_end'),
  )
  return h('li', {}, line, ' ', end)
}

function createForm(where: HTMLSelectElement, what: HTMLSelectElement, act: Act): HTMLElement {
  const minutes = h('input', { type: 'number', name: 'minutes', min: 1, max: 43_200, value: 120, required: true })
  const note = h('input', { type: 'text', name: 'note', maxlength: 300 })
  const submit = (event: Event) => {
    event.preventDefault()
    const [kind, id] = where.value.split(' ')
    const scope = { ...(kind && { [kind]: id }), ...(what.value && { rule: what.value }) }
    void act(() => maintain({ ...scope, minutes: Number(minutes.value), note: note.value }))
  }
  const field = (label: string, input: HTMLElement) => [h('label', {}, `${label} `, input), ' ']
  return h(
    'form',
    { onsubmit: submit },
    h('p', { class: 'note' }, say('maintenance_hint')),
    ...field(say('maintenance_where'), where),
    ...field(say('maintenance_what'), what),
    ...field(say('maintenance_minutes'), minutes),
    ...field(say('maintenance_note'), note),
    h('button', { type: 'submit' }, say('maintenance_begin')),
  )
}
