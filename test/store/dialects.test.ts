/** What panels and rules get from the dialects; that the stores answer them rightly is conformance.ts. */
import { describe, expect, it } from 'vitest'
import {
  lastInfluxql,
  panelWindow as influxWindow,
  rangeInfluxql,
  shareInfluxql,
} from '../../store/influxdb/influxql.ts'
import { matchesNothing } from '../../store/match.ts'
import { panelWindow, rangePromql, sharePromql } from '../../store/victoriametrics/promql.ts'

const up = { measurement: 'terminal', field: 'up', aggregate: 'mean' } as const
const rtt = { measurement: 'terminal', field: 'rtt_seconds' } as const

describe('InfluxQL', () => {
  it('takes the time and the buckets of a panel', () => {
    expect(rangeInfluxql({ ...up, by: ['site', 'room'] }, influxWindow)).toBe(
      'SELECT mean("up") AS "value" FROM "terminal" WHERE $timeFilter GROUP BY time($__interval), "site", "room" fill(none)',
    )
  })
  it('gives one value per group without buckets', () => {
    expect(rangeInfluxql({ ...up, by: ['site'] }, { time: '$timeFilter' })).toBe(
      'SELECT mean("up") AS "value" FROM "terminal" WHERE $timeFilter GROUP BY "site"',
    )
  })
  it('makes patterns of variables and lists, and literals of everything else', () => {
    const match = { town: '$town', site: ['a.1', 'b/2'], room: "x' OR 1=1", kind: '$/ OR /' }
    expect(rangeInfluxql({ ...up, match }, { time: 't' })).toContain(
      String.raw`WHERE t AND "town" =~ /^$town$/ AND "site" =~ /^(a\.1|b\/2)$/ AND "room" = 'x\' OR 1=1' AND "kind" = '$/ OR /'`,
    )
  })
  it('filters by expected time', () => {
    expect(rangeInfluxql({ ...rtt, aggregate: 'sum', expectedOnly: true }, { time: 't' })).toContain(
      'WHERE t AND "expected" = 1',
    )
  })
  it('counts a low quantile from the other end', () => {
    expect(rangeInfluxql({ ...rtt, aggregate: { quantile: 0.25 } }, { time: 't' })).toBe(
      'SELECT percentile("negated", 75) * -1 AS "value" FROM (SELECT -1 * "rtt_seconds" AS "negated" FROM "terminal" WHERE t) WHERE t',
    )
  })
  it('gives the newest sample of each series', () => {
    const query = { measurement: 'host', fields: ['cpu_ratio'], match: { site: 's-1' } } as const
    expect(lastInfluxql(query, 't')).toBe(
      `SELECT "cpu_ratio"::field FROM "host" WHERE t AND "site" = 's-1' GROUP BY "district", "town", "category", "site", "agent" ORDER BY time DESC LIMIT 1`,
    )
  })
  it('limits the groups of a share, not what they are made of', () => {
    const query = { ...up, by: ['town'], of: ['site'], below: 0.9 }
    const text = shareInfluxql(query, { time: 't', every: '1h', maxGroups: 5 })
    expect(text.match(/SLIMIT/g)).toHaveLength(1)
    expect(text).toMatch(/GROUP BY time\(1h\), "town" fill\(none\) SLIMIT 5$/)
  })
})

describe('PromQL', () => {
  it('takes the buckets of a panel', () => {
    expect(rangePromql({ ...up, by: ['site', 'room'] }, panelWindow)).toBe(
      'sum by (site, room) (sum_over_time(terminal_up[$__interval])) / sum by (site, room) (count_over_time(terminal_up[$__interval]))',
    )
  })
  it('makes patterns of variables and lists, and literals of everything else', () => {
    const match = { town: '$town', site: ['a.1', 'b-2'], room: 'x"} or {' }
    expect(rangePromql({ ...rtt, match, aggregate: 'max' }, { window: '5m', offset: '1ms' })).toBe(
      String.raw`max (max_over_time(terminal_rtt_seconds{town=~"$town",site=~"a\\.1|b-2",room="x\"} or {"}[5m] offset 1ms))`,
    )
  })
  it('has a metric of its own for expected time', () => {
    expect(rangePromql({ ...up, aggregate: 'count', expectedOnly: true }, { window: '1h' })).toBe(
      'sum (count_over_time(terminal_up_expected[1h]))',
    )
    expect(() => rangePromql({ ...rtt, aggregate: 'mean', expectedOnly: true }, { window: '1h' })).toThrow(
      expect.objectContaining({ code: 'query_invalid' }),
    )
  })
  it('compares each group with the threshold, and averages', () => {
    const query = { measurement: 'bandwidth', field: 'link_rate_bps', aggregate: 'min' } as const
    expect(sharePromql({ ...query, by: ['town'], of: ['site'], below: 1e8 }, { window: '1d' })).toBe(
      'avg by (town) ((min by (town, site) (min_over_time(bandwidth_link_rate_bps[1d]))) < bool 100000000)',
    )
  })
})

it('tells what can match nothing', () => {
  expect([matchesNothing({ site: [] }), matchesNothing({ site: 'a', town: ['b'] }), matchesNothing()]).toEqual([
    true,
    false,
    false,
  ])
})
