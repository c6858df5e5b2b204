/** Bandwidth rows for judging, written as short as they are thought of. */
import {
  causes,
  methods,
  outcomes,
  triggers,
  type Cause,
  type Method,
  type Outcome,
  type Trigger,
} from '../../../core/catalog.ts'
import { standardSchema } from '../../../core/standard.ts'
import type { Row } from '../../../store/query.ts'

export const hourMs = 3_600_000
export const M = 1e6

export const standard = standardSchema.parse({
  id: 'plan',
  title: { en: 'The plan', zh: '规划' },
  source: 'The plan',
  targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
})

export type Said = {
  time: number
  outcome: Outcome
  rate?: number | null
  target?: number
  cause?: Cause
  method?: Method
  trigger?: Trigger
  link?: string
  direction?: 'down' | 'up'
  site?: string
}

export function row(said: Said): Row {
  const { outcome, cause = 'none', method = 'counter', trigger = 'scheduled', target = 500 * M } = said
  return {
    time: said.time,
    tags: { site: said.site ?? 's1', link: said.link ?? 'wan', direction: said.direction ?? 'down', testpoint: 'tp-1' },
    fields: {
      link_rate_bps: said.rate === undefined ? (outcome === 'met' ? 495 * M : 300 * M) : said.rate,
      goodput_bps: said.rate == null ? null : said.rate * 0.94,
      target_bps: target,
      outcome: outcomes[outcome],
      cause: causes[cause],
      method: methods[method],
      trigger: triggers[trigger],
    },
  }
}
