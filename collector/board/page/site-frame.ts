/** The frame of one school: what stays (charts, an open list of evidence), and what is drawn anew with each answer. */
import type { SiteDetail } from '../schemas.ts'
import { h, replace } from './dom.ts'
import { createInventory } from './inventory.ts'
import { createReports } from './reports.ts'
import { readinessLine } from './readiness.ts'
import { agentSheets, hostSheet, pathTable, serviceList } from './sections.ts'
import { createTerminals } from './terminals.ts'
import { createSiteCharts, type Range } from './site-charts.ts'
import { directionCards, evidenceTable, linkHeading, monthBytes } from './verdict.ts'
import { say } from './words.ts'

export type Frame = {
  element: HTMLElement
  update: (site: SiteDetail) => void
  refreshCharts: () => void
  close: () => void
}

export function createFrame(site: SiteDetail, range: Range, signal: AbortSignal): Frame {
  const charts = createSiteCharts(site, range, signal)
  const slots = new Map(site.links.map((link) => [link.id, { cards: h('div'), evidence: h('div') }]))
  const path = h('div')
  const terminals = createTerminals()
  const side = h('div', { class: 'side' })
  const reports = createReports(site.id, signal)

  function linkPanel(link: SiteDetail['links'][number]): HTMLElement {
    const slot = slots.get(link.id)
    const own = charts.links.get(link.id)
    return h(
      'section',
      { class: 'panel link' },
      linkHeading(link),
      slot?.cards,
      h('h3', {}, say('history')),
      ...(own?.tests ?? []),
      slot?.evidence,
      h('h3', {}, say('wan'), h('small', {}, say('wan_note'))),
      ...(own?.wan ?? []),
    )
  }

  const wide = h(
    'div',
    { class: 'wide' },
    h('div', { class: 'links' }, ...site.links.map(linkPanel)),
    reports.element,
    h('section', { class: 'panel' }, h('h2', {}, say('path')), path, ...charts.path),
    terminals.element,
    createInventory(site.id, signal),
  )
  charts.refresh()
  return {
    element: h('div', { class: 'columns' }, wide, side),
    update: (next) => {
      for (const link of next.links) {
        const slot = slots.get(link.id)
        if (slot === undefined) continue
        replace(slot.cards, directionCards(next, link))
        const open = slot.evidence.querySelector('details')?.open === true
        const any = link.evidence.down.length + link.evidence.up.length > 0
        replace(slot.evidence, any && evidenceTable(next, link, open), monthBytes(next, link.id))
      }
      replace(path, readinessLine(next), next.latest.path.length > 0 && pathTable(next))
      replace(side, agentSheets(next), hostSheet(next, charts.host), serviceList(next))
      terminals.update(next)
      reports.update(next.generated_at)
    },
    refreshCharts: charts.refresh,
    close: charts.close,
  }
}
