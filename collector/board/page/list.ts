/** The list of schools: search, filters, order; the worst first. */
import type { SiteDocument, SiteList } from '../schemas.ts'
import { h, replace } from './dom.ts'
import { type Column, columns, type SiteRow, siteRow } from './columns.ts'
import { categoryName, verdictName } from './marks.ts'
import { count, currentLanguage, pick, say } from './words.ts'

export type Filter = {
  text: string
  verdict: SiteDocument['verdict'] | 'all'
  category: SiteDocument['category'] | 'all'
  town: string
  presence: 'all' | 'away'
}

/** Rows drawn at once; a city has thousands. */
const pageRows = 500

const nothing: Filter = { text: '', verdict: 'all', category: 'all', town: 'all', presence: 'all' }
// Kept while the page is open, so that coming back from a school finds the list as it was left.
let filter: Filter = nothing
let order: { column: Column['name']; reverse: boolean } = { column: 'verdict', reverse: false }

export type SiteListView = {
  element: HTMLElement
  update: (answer: SiteList) => void
  /** Filters, and brings the list into view. */
  show: (wanted: Partial<Filter>) => void
}

type Change = (wanted: Partial<Filter>) => void

export function createSiteList(): SiteListView {
  const controls = createControls(change)
  const head = h('tr')
  const body = h('tbody')
  const more = h('p', { class: 'more' })
  const table = h('table', { class: 'sites' }, h('thead', {}, head), body)
  const element = h('section', { class: 'panel list' }, controls.element, h('div', { class: 'scroll' }, table), more)
  let rows: SiteRow[] = []
  let limit = pageRows

  function draw(): void {
    const found = rows.filter((row) => matches(row, filter))
    const { column, reverse } = order
    const compare = columns.find(({ name }) => name === column)?.compare ?? (() => 0)
    found.sort((a, b) => (reverse ? -1 : 1) * compare(a, b) || a.name.localeCompare(b.name, currentLanguage()))
    const reset = () => change(nothing)
    replace(body, ...found.slice(0, limit).map((row) => row.draw()), found.length === 0 && emptyRow(reset))
    replace(head, ...columns.map((each) => headCell(each, order, () => sortBy(each.name))))
    controls.draw(rows, found.length)
    const left = Math.min(found.length - limit, pageRows)
    const grow = () => {
      limit += pageRows
      draw()
    }
    replace(more, left > 0 && h('button', { type: 'button', onclick: grow }, say('show_more', { count: count(left) })))
  }

  function change(wanted: Partial<Filter>): void {
    filter = { ...filter, ...wanted }
    limit = pageRows
    draw()
  }

  function sortBy(column: Column['name']): void {
    order = { column, reverse: order.column === column && !order.reverse }
    draw()
  }

  return {
    element,
    update: ({ sites }) => {
      rows = sites.map(siteRow)
      draw()
    },
    show: (wanted) => {
      change({ ...nothing, ...wanted })
      element.scrollIntoView({ behavior: 'smooth', block: 'start' })
    },
  }
}

/** Search and filters, in step with the filter whoever changes it. */
function createControls(change: Change) {
  const search = h('input', { type: 'search', placeholder: say('search'), 'aria-label': say('search') })
  const verdicts = h('div', { class: 'segments', role: 'group', 'aria-label': say('verdict') })
  const category = h('select', { 'aria-label': say('category') })
  const town = h('select', { 'aria-label': say('town') })
  const summary = h('p', { class: 'shown', role: 'status' })
  search.addEventListener('input', () => change({ text: search.value }))
  category.addEventListener('change', () => change({ category: category.value as Filter['category'] }))
  town.addEventListener('change', () => change({ town: town.value }))
  return {
    element: h('div', { class: 'filters' }, search, verdicts, category, town, summary),
    draw: (rows: readonly SiteRow[], found: number) => {
      if (search.value !== filter.text) search.value = filter.text
      replace(verdicts, ...verdictButtons(rows, change))
      const towns = new Map(rows.map(({ site }) => [site.town.id, pick(site.town.name)]))
      options(town, filter.town, say('all_towns'), [...towns])
      const kinds = [...new Set(rows.map(({ site }) => site.category))]
      options(
        category,
        filter.category,
        say('all_categories'),
        kinds.map((kind) => [kind, categoryName(kind)]),
      )
      replace(summary, say('shown', { shown: count(found), total: count(rows.length) }))
    },
  }
}

/** One button for each verdict and one for absence, with how many each would show. */
function verdictButtons(rows: readonly SiteRow[], change: Change): HTMLElement[] {
  const within = rows.filter((row) => matches(row, { ...filter, verdict: 'all', presence: 'all' }))
  const button = (key: string, name: string, number: number, pressed: boolean, wanted: Partial<Filter>) =>
    h(
      'button',
      { type: 'button', 'aria-pressed': String(pressed), onclick: () => change(wanted), 'data-key': key },
      name,
      h('span', {}, count(number)),
    )
  const buttons = (['all', 'below', 'unknown', 'met'] as const).map((verdict) => {
    const number = within.filter(({ site }) => verdict === 'all' || site.verdict === verdict).length
    const pressed = filter.verdict === verdict && filter.presence === 'all'
    const name = verdict === 'all' ? say('all') : verdictName(verdict)
    return button(verdict, name, number, pressed, { verdict, presence: 'all' })
  })
  const away = within.filter(({ site }) => site.presence.state !== 'online').length
  const pressed = filter.presence === 'away'
  if (away === 0 && !pressed) return buttons
  const wanted = { verdict: 'all', presence: pressed ? 'all' : 'away' } as const
  return [...buttons, button('away', say('legend_offline'), away, pressed, wanted)]
}

function matches({ site, sought }: SiteRow, { text, verdict, category, town, presence }: Filter): boolean {
  return (
    (verdict === 'all' || site.verdict === verdict) &&
    (category === 'all' || site.category === category) &&
    (town === 'all' || site.town.id === town) &&
    (presence === 'all' || site.presence.state !== 'online') &&
    text
      .toLowerCase()
      .split(/\s+/)
      .every((word) => sought.includes(word))
  )
}

function options(
  select: HTMLSelectElement,
  chosen: string,
  all: string,
  entries: readonly (readonly [string, string])[],
): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.localeCompare(b, currentLanguage()))
  replace(
    select,
    ...[['all', all] as const, ...sorted].map(([value, name]) =>
      h('option', { value, selected: value === chosen }, name),
    ),
  )
}

function headCell(column: Column, { column: by, reverse }: typeof order, onclick: () => void): HTMLElement {
  const sorted = column.name === by ? (reverse ? 'descending' : 'ascending') : undefined
  return h(
    'th',
    { scope: 'col', class: column.class, 'aria-sort': sorted },
    h(
      'button',
      { type: 'button', class: 'plain', onclick, 'data-key': `sort-${column.name}` },
      column.title(),
      h('i', { 'aria-hidden': 'true' }),
    ),
  )
}

function emptyRow(reset: () => void): HTMLElement {
  const clear = h('button', { type: 'button', onclick: reset }, say('clear_filter'))
  return h('tr', {}, h('td', { colspan: columns.length, class: 'empty' }, say('none_match'), ' ', clear))
}
