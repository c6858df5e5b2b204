/** All schools: the plan's scoreboard, every school as a mark, and the list with the worst first. */
import type { SiteList } from '../schemas.ts'
import { fetchSites, watch } from './api.ts'
import { createAlerts } from './alerts.ts'
import { h, replace } from './dom.ts'
import { createReports } from './reports.ts'
import { createSiteList } from './list.ts'
import { categoryTable, tiles } from './scoreboard.ts'
import type { Shell } from './shell.ts'
import { atMostEvery } from './timing.ts'
import { townGrid } from './towns.ts'
import { say } from './words.ts'

/** Verdicts change a few times a day; presence and new tests arrive by the stream. */
const refreshMs = 4_000
const pollMs = 60_000

export function openOverview(shell: Shell): { close: () => void } {
  const score = h('section', { class: 'score' })
  const towns = h('section', { class: 'panel towns' })
  const alerts = createAlerts()
  const ending = new AbortController()
  const reports = createReports(undefined, ending.signal)
  const list = createSiteList()
  const notice = h('div', { class: 'notice', role: 'status' }, say('loading'))
  replace(shell.main, notice)
  let shown = false
  let closed = false

  function draw(answer: SiteList): void {
    shell.tell(answer.district, answer.simulated, answer.generated_at)
    if (answer.total === 0) {
      shown = false
      return replace(shell.main, h('div', { class: 'notice' }, say('no_sites')))
    }
    replace(score, tiles(answer, list.show), categoryTable(answer, list.show))
    replace(towns, ...townGrid(answer, list.show))
    list.update(answer)
    alerts.tell(answer.sites)
    reports.update(answer.generated_at)
    if (!shown) replace(shell.main, score, alerts.element, reports.element, towns, list.element)
    shown = true
  }

  async function load(): Promise<void> {
    try {
      const answer = await fetchSites()
      if (!closed) draw(answer)
    } catch (error) {
      if (closed || shown) return
      const reason = error instanceof Error ? error.message : String(error)
      const retry = h('button', { type: 'button', onclick: () => void load() }, say('retry'))
      replace(shell.main, h('div', { class: 'notice failed' }, say('load_failed', { reason }), ' ', retry))
    }
  }

  const refresh = atMostEvery(refreshMs, () => void load())
  const poll = setInterval(refresh, pollMs)
  const unwatch = watch('?measurement=bandwidth', refresh, shell.live)
  void load()
  return {
    close: () => {
      closed = true
      ending.abort()
      clearInterval(poll)
      refresh.cancel()
      alerts.close()
      unwatch()
    },
  }
}
