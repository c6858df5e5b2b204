/** The dialects that dashboards and rules are written in. */
import { influxql } from './influxql.ts'
import { promql } from './promql.ts'

export const dialects = [influxql, promql] as const
