/** The rules for vmalert and Prometheus. Robots are reached by way of Alertmanager and Linkbell's relay. */
import { promql } from '../promql.ts'
import { yamlOf } from '../provisioning.ts'
import type { Condition, Question } from '../query.ts'
import type { Language } from '../strings.ts'
import { evaluationSeconds, type Rule, rules } from './rules.ts'
import { annotationsOf, labelsOf } from './words.ts'

function expressionOf({ question, seconds, when, unless }: Rule): string {
  const text = (one: Question) => promql.write(one, { seconds })
  if (when === 'absent') return `absent(${text(question)})`
  const rings = compared(text(question), when)
  return unless === undefined ? rings : `${rings} unless ${compared(text(unless.question), unless.when)}`
}

function compared(text: string, { op, value }: Condition): string {
  return `(${text}) ${op === '=' ? '==' : op} ${value}`
}

export function prometheusRules(language: Language): string {
  const groups = [
    {
      name: 'linkbell',
      interval: `${evaluationSeconds}s`,
      rules: rules.map((rule) => ({
        alert: rule.title[language],
        expr: expressionOf(rule),
        for: `${rule.forMinutes}m`,
        labels: labelsOf(rule),
        annotations: annotationsOf(rule, language, '$value'),
      })),
    },
  ]
  return `# Alert rules for vmalert or Prometheus. Generated from dashboards/alerts/rules.ts.\n${yamlOf({ groups })}`
}
