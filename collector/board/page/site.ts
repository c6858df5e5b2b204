/** One school in depth: its links with their verdicts and tests, the traffic, the path, and what stands behind them. */
import type { SiteDetail } from '../schemas.ts'
import { ApiError, fetchSite, type LiveEvent, watch } from './api.ts'
import { h, replace } from './dom.ts'
import { categoryName, presenceName, selfTestLabel, verdictLabel } from './marks.ts'
import type { Shell } from './shell.ts'
import { createTestButton, type TestButton } from './test-button.ts'
import { type Range, ranges, usualRange } from './site-charts.ts'
import { createFrame, type Frame } from './site-frame.ts'
import { atMostEvery } from './timing.ts'
import { dateTime, day, fullTime, part, pick, say } from './words.ts'

const refreshMs = 2_000
const chartsMs = 20_000
const pollMs = 60_000

/** `asked`: the range in the address, if any. */
export function openSite(shell: Shell, id: string, asked: Range | undefined): { close: () => void } {
  const ending = new AbortController()
  const top = h('div', { class: 'top' })
  const test = createTestButton(id, ending.signal)
  let range = asked
  let frame: Frame | undefined
  let framed = ''
  replace(shell.main, h('div', { class: 'notice', role: 'status' }, say('loading')))

  function draw(site: SiteDetail, shown: Range): void {
    shell.tell(site.district, site.simulated, site.generated_at)
    document.title = `${pick(site.name)} · ${document.title}`
    // Nobody hears an agent that is away, and a made-up school has no line.
    test.show(!site.simulated && site.presence.state === 'online')
    replace(top, ...heading(site, id, shown, test), test.notice)
    const links = site.links.map((link) => link.id).join(' ')
    if (frame === undefined || links !== framed) {
      frame?.close()
      frame = createFrame(site, shown, ending.signal)
      framed = links
      replace(shell.main, h('article', { class: 'site' }, top, frame.element))
    }
    frame.update(site)
  }

  async function load(): Promise<void> {
    try {
      const site = await fetchSite(id, ending.signal)
      range ??= await usualRange(id, ending.signal)
      if (!ending.signal.aborted) draw(site, range)
    } catch (error) {
      // What is shown stays; the next event or minute asks again.
      if (!ending.signal.aborted && frame === undefined) replace(shell.main, failure(error))
    }
  }

  const refresh = atMostEvery(refreshMs, () => void load())
  const refreshCharts = atMostEvery(chartsMs, () => frame?.refreshCharts())
  const poll = setInterval(refresh, pollMs)
  const onEvent = (event: LiveEvent) => {
    refresh()
    if (event.type !== 'stored') return
    if (event.data.measurement === 'bandwidth') frame?.refreshCharts()
    else refreshCharts()
  }
  const unwatch = watch(`?site=${encodeURIComponent(id)}`, onEvent, shell.live)
  void load()
  return {
    close: () => {
      ending.abort()
      clearInterval(poll)
      refresh.cancel()
      refreshCharts.cancel()
      unwatch()
      frame?.close()
    },
  }
}

function failure(error: unknown): HTMLElement {
  const gone = error instanceof ApiError && error.status === 404
  const reason = error instanceof Error ? error.message : String(error)
  const text = gone ? say('not_found') : say('load_failed', { reason })
  return h('div', { class: 'notice failed' }, text, ' ', h('a', { href: '#/sites' }, say('all_schools')))
}

const ruleFigures = ({
  window_days,
  min_share,
  at_ratio,
  daily_ratio,
  least_ratio,
}: SiteDetail['standard']['rule']) => ({
  days: window_days,
  share: part(min_share),
  at: part(at_ratio),
  daily: part(daily_ratio),
  least: part(least_ratio),
})

function heading(site: SiteDetail, id: string, range: Range, test: TestButton): HTMLElement[] {
  const { name, town, category, presence, verdict, self_test, standard, window } = site
  const choose = (each: Range) =>
    h(
      'a',
      {
        href: `#/site/${encodeURIComponent(id)}?range=${each}`,
        'aria-current': each === range ? 'true' : undefined,
        'data-key': each,
      },
      say(`range_${each}`),
    )
  const { rule } = standard
  return [
    h('nav', {}, h('a', { href: '#/sites', 'data-key': 'back' }, `← ${say('all_schools')}`)),
    h(
      'div',
      { class: 'title' },
      h('h1', {}, pick(name)),
      verdictLabel(verdict, presence.state),
      self_test && selfTestLabel(),
      h('span', { class: 'space' }),
      test.button,
      h('div', { class: 'segments', role: 'group', 'aria-label': say('range') }, ...ranges.map(choose)),
    ),
    h(
      'p',
      { class: 'place' },
      `${pick(town.name)} · ${categoryName(category)} · ${site.id} · `,
      h(
        'span',
        { class: `presence ${presence.state}`, title: presence.since === null ? undefined : fullTime(presence.since) },
        presenceName(presence.state),
        presence.since !== null &&
          presence.state !== 'online' &&
          ` · ${say('since', { time: dateTime(presence.since) })}`,
      ),
      h(
        'span',
        { class: 'standard', title: pick(standard.source) },
        [
          say('standard', { title: pick(standard.title) }),
          say(`rule_${rule.preset}`, ruleFigures(rule)),
          ...(window === null ? [] : [`${day(window.from)} – ${day(window.to)}`]),
        ].join(' · '),
      ),
    ),
  ]
}
