/** Texts of rules with their marks filled in, as templates of Grafana and of vmalert. */
import type { Text } from '../../core/catalog.ts'
import type { Language } from '../strings.ts'
import type { Rule } from './rules.ts'

const humanized: Record<string, string> = {
  value: 'humanize',
  percent: 'humanizePercentage',
  delay: 'humanizeDuration',
  duration: 'humanizeDuration',
}

/** `value`: how the program names what rang. */
function templateOf(text: string, value: string): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, mark: string) => {
    const by = humanized[mark]
    return by === undefined ? `{{ $labels.${mark} }}` : `{{ ${value} | ${by} }}`
  })
}

export function annotationsOf({ summary, description }: Rule, language: Language, value: string) {
  const write = (text: Text) => templateOf(text[language], value)
  return { summary: write(summary), description: write(description) }
}

/** `alertname` is the rule's title; robots and routes go by these. */
export function labelsOf({ id, severity, hours }: Rule) {
  return { rule: id, severity, hours }
}
