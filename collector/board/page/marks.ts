/** Signs that say a verdict by shape as well as by colour, and bars that set a rate against its target. */
import { type StringName } from '../strings.ts'
import type { DirectionDocument, PresenceDocument, SiteDocument } from '../schemas.ts'
import { h, svg } from './dom.ts'
import { bitRate, roundRate, say } from './words.ts'

type Verdict = SiteDocument['verdict']
type Presence = PresenceDocument['state']

/** Met: a dot. Below: a triangle pointing down. Unknown: a ring. Struck through: the school is not online. */
export function mark(verdict: Verdict, presence: Presence = 'online'): SVGElement {
  const shape = {
    met: () => svg('circle', { cx: 8, cy: 8, r: 4 }),
    below: () => svg('path', { d: 'M1.5 3h13L8 14.5z' }),
    unknown: () => svg('circle', { cx: 8, cy: 8, r: 4.2, 'stroke-width': 1.8, fill: 'none' }),
  }[verdict]()
  const strike = presence === 'online' ? false : svg('path', { class: 'strike', d: 'M2 14 14 2' })
  return svg('svg', { class: `mark ${verdict}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, shape, strike)
}

export const verdictName = (verdict: Verdict) => say(verdict)
export const categoryName = (category: SiteDocument['category']) => say(`category_${category}` as StringName)
export const presenceName = (state: Presence) => say(`state_${state}`)

export function verdictLabel(verdict: Verdict, presence: Presence = 'online'): HTMLElement {
  return h('span', { class: `verdict ${verdict}` }, mark(verdict, presence), h('span', {}, verdictName(verdict)))
}

export function selfTestLabel(): HTMLElement {
  return h('span', { class: 'tag self-test', title: say('self_test_hint') }, say('self_test'))
}

/**
 * A rate on a scale up to 1.25 × target, with a line at what is asked of a trial. Its colour is the verdict, never the rate's own:
 * a median above the target may still be of a link that misses it every evening.
 */
export function rateBar(bps: number | null, { target_bps, verdict, decides }: DirectionDocument, askedRatio: number) {
  const scale = 100 / 1.25
  const ratio = bps === null ? 0 : Math.min(bps / target_bps, 1.25)
  const at = askedRatio * scale
  const label = bps === null ? '–' : `${bitRate(bps)} / ${roundRate(target_bps)}`
  return svg(
    'svg',
    { class: 'rate-bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('rect', { class: 'track', x: 0, y: 2.5, width: 100, height: 3 }),
    svg('rect', { class: `fill ${decides ? verdict : 'unknown'}`, x: 0, y: 2, width: ratio * scale, height: 4 }),
    svg('path', { class: 'threshold', d: `M${at} 0V8`, 'vector-effect': 'non-scaling-stroke' }),
  )
}
