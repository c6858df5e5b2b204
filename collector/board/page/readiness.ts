/** One line above the path: whether a live class can be held now, why not, and where the path degrades. */
import type { SiteDetail } from '../schemas.ts'
import { h } from './dom.ts'
import { levelName } from './sections.ts'
import { say } from './words.ts'

/** The dot of a verdict: a square for what is bad, a ring for what is unknown. */
const dots = { good: 'met', limited: 'limited', poor: 'below', unknown: 'unknown' } as const

export function readinessLine({ readiness }: SiteDetail): HTMLElement | undefined {
  const { state, level, reasons, degraded_level: degraded } = readiness
  if (state === 'unknown') return undefined
  const list = reasons.map((reason) => say(`class_${reason}`)).join(say('class_and'))
  const facts = [
    level === null ? '' : say('class_with', { level: levelName(level) }),
    list,
    degraded === null ? '' : say('degrades_at', { level: levelName(degraded) }),
  ]
  return h(
    'p',
    { class: `readiness ${state}` },
    h('span', { class: `dot ${dots[state]}`, 'aria-hidden': 'true' }),
    h('b', {}, `${say('live_class')}: ${say(`class_state_${state}`)}`),
    h('small', {}, facts.filter((text) => text !== '').join(' · ')),
  )
}
