/**
 * What a panel or an alert asks, as data; written in InfluxQL or PromQL by the two dialects beside this file.
 *
 * A question has three layers. `over`: the samples of each series become one value, in each bucket of a chart or over
 * the whole span of a table. `steps`: the values of several series become one per group, step by step (rooms of a
 * school, then schools of a town). `with`: the answer of another question is subtracted or divided, group by group.
 *
 * Both dialects say the same of the same data: test/dashboards/execution.test.ts runs every question against both.
 */
import type { FieldName, MeasurementName } from '../core/catalog.ts'

/** Samples of one series → one value. `spread`: highest − lowest, for counters. `recent`: see `recentSeconds`. */
export type Over = 'last' | 'mean' | 'min' | 'max' | 'count' | 'spread' | 'heard' | 'recent'
/** Values of several series → one. */
export type Across = 'mean' | 'min' | 'max' | 'sum' | 'count'
/** Only values for which it holds go on to the next layer. */
export type Condition = { op: '=' | '!=' | '<' | '<=' | '>' | '>='; value: number }
export type Step = { across: Across; by: readonly string[]; where?: Condition }

/** Tag → a value, several values, or a variable of the dashboard (`$site`). */
export type Filter = Readonly<Record<string, string | readonly string[]>>

export type Question<M extends MeasurementName = MeasurementName> = {
  measurement: M
  field: FieldName<M>
  match?: Filter
  /** Only samples taken while the device was expected to be on. */
  expectedOnly?: boolean
  over: Over
  where?: Condition
  /** At least one; the last names the groups of the answer. */
  steps: readonly [Step, ...Step[]]
  combine?: { op: '-' | '/'; with: Question }
  /** The answer per second of the bucket. */
  perSecond?: boolean
}

/** A question with its field held to its measurement. */
export function ask<M extends MeasurementName>(question: Question<M>): Question {
  return question as unknown as Question
}

/** One step: values of all series by these tags. */
export function by(...tags: string[]): { mean: [Step]; min: [Step]; max: [Step]; sum: [Step]; count: [Step] } {
  const step = (across: Across): [Step] => [{ across, by: tags }]
  return { mean: step('mean'), min: step('min'), max: step('max'), sum: step('sum'), count: step('count') }
}

/** The part of a question that the stores' own dialects write. */
export function storeQuery({ measurement, field, match = {}, expectedOnly = false }: Question) {
  return { measurement, field, match, expectedOnly }
}

/** Tags of the groups of the answer. */
export function groupsOf({ steps }: Question): readonly string[] {
  return (steps.at(-1) as Step).by
}

/**
 * `recent` counts the samples of the last quarter of an hour: none means silent. InfluxQL counts in two whole buckets of
 * it and the one that has begun, so a school falls silent there up to as much later.
 */
export const recentSeconds = 900

/** Where a query looks: the span of the panel in one piece, in its buckets, or the last so many seconds. */
export type Window = 'span' | 'buckets' | { seconds: number }

export type Dialect = {
  name: 'influxql' | 'promql'
  /** Type of Grafana's data source. */
  datasource: 'influxdb' | 'prometheus'
  /** The question as text; InfluxQL names the column of its values, which tells those of a table apart. */
  write: (question: Question, window: Window, column?: string) => string
  /** Values of a tag, for a variable. */
  values: (measurement: MeasurementName, field: string, tag: string, match: Filter) => string
  /** Name of a series from its tags, for legends. */
  legend: (tags: readonly string[]) => string
  /** What a variable with "All" stands for. */
  all: string
}
