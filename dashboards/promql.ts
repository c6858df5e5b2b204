/** Questions as PromQL, without what only VictoriaMetrics knows: they run on Prometheus and Mimir as well. */
import { type Measurement, measurements } from '../core/catalog.ts'
import { metric } from '../store/victoriametrics/promql.ts'
import { type Condition, type Dialect, type Question, recentSeconds, storeQuery, type Window } from './query.ts'

const across = { mean: 'avg', min: 'min', max: 'max', sum: 'sum', count: 'count' } as const
const functions = {
  last: 'last_over_time',
  mean: 'avg_over_time',
  min: 'min_over_time',
  max: 'max_over_time',
  count: 'count_over_time',
} as const

export const promql: Dialect = {
  name: 'promql',
  datasource: 'prometheus',
  all: '.+',
  write: (question, window) => {
    const text = asked(question, window)
    const { combine, perSecond } = question
    const whole = combine === undefined ? text : `(${text}) ${combine.op} (${asked(combine.with, window)})`
    return perSecond ? `(${whole}) / ($__interval_ms / 1000)` : whole
  },
  values: (measurement, field, tag, match) => `label_values(${metric({ measurement, field, match })}, ${tag})`,
  legend: (tags) => tags.map((tag) => `{{${tag}}}`).join(' '),
}

function asked(question: Question, window: Window): string {
  let text = filtered(samples(question, window), question.where)
  for (const { across: aggregate, by, where } of question.steps) {
    text = filtered(`${across[aggregate]}${by.length > 0 ? ` by (${by.join(', ')})` : ''} (${text})`, where)
  }
  return text
}

/** The value of each series. */
function samples(question: Question, window: Window): string {
  const selected = metric(storeQuery(question))
  const span = window === 'span' ? '$__range' : window === 'buckets' ? '$__interval' : `${window.seconds}s`
  switch (question.over) {
    case 'spread':
      return `max_over_time(${selected}[${span}]) - min_over_time(${selected}[${span}])`
    case 'heard':
      // Milliseconds, as Grafana counts time.
      return `1000 * max_over_time(timestamp(${selected})[${span}:${intervalOf(question)}s])`
    case 'recent':
      // What stopped has no recent sample: 0 for those that had one in the span.
      return `count_over_time(${selected}[${recentSeconds}s]) or 0 * count_over_time(${selected}[${span}])`
    default:
      return `${functions[question.over]}(${selected}[${span}])`
  }
}

function filtered(text: string, condition: Condition | undefined): string {
  return condition === undefined ? text : `(${text}) ${condition.op === '=' ? '==' : condition.op} ${condition.value}`
}

function intervalOf({ measurement }: Question): number {
  return (measurements[measurement] as Measurement).intervalSeconds
}
