/** One school in depth. */
import type { FieldName } from '../core/catalog.ts'
import { type Direction, directions } from '../core/standard.ts'
import { hostLoad } from './host-load.ts'
import { type Panel, simple } from './panel.ts'
import type { Page } from './page.ts'
import { ask, by, type Question } from './query.ts'

const here = { site: '$site' }
const now = '3h'

/** The last value of each link in a direction. */
const lastOf = <M extends 'compliance' | 'bandwidth'>(measurement: M, field: FieldName<M>, direction: Direction) =>
  ask({ measurement, field, match: { ...here, direction }, over: 'last', steps: by('link').min })
const verdictOf = (direction: Direction): Question => lastOf('compliance', 'verdict', direction)

/** Three trials a day; the target is stored with each, so the line is the one that the test was held to. */
const testInterval = '8h'
const bandwidthOf = (direction: Direction): Panel => {
  const match = { ...here, direction }
  const highest = (field: 'link_rate_bps' | 'goodput_bps' | 'target_bps') =>
    ask({ measurement: 'bandwidth', field, match, over: 'max', steps: by('link').max })
  return {
    key: direction === 'down' ? 'bandwidthDown' : 'bandwidthUp',
    show: 'series',
    ask: [
      { question: highest('link_rate_bps'), name: 'linkRate' },
      { question: highest('goodput_bps'), name: 'goodput' },
      { question: highest('target_bps'), name: 'target', dashed: true },
    ],
    width: 12,
    height: 9,
    interval: testInterval,
  }
}

type WanField = FieldName<'wan'>
const useOf = (key: 'wanDown' | 'wanUp', mean: WanField, peak: WanField): Panel => {
  const wan = (field: WanField, over: 'mean' | 'max') =>
    ask({ measurement: 'wan', field, match: here, over, steps: by('link').max })
  return {
    key,
    show: 'series',
    ask: [
      { question: wan(mean, 'mean'), name: 'mean' },
      { question: wan(peak, 'max'), name: 'peak' },
    ],
    width: 12,
    height: 8,
    interval: '10m',
  }
}
const path = (field: 'rtt_p95_seconds' | 'loss_ratio' | 'jitter_seconds'): Question =>
  ask({ measurement: 'path', field, match: here, over: 'mean', steps: by('level').mean })

export const school: Page = {
  key: 'school',
  from: 'now-7d',
  refresh: '1m',
  variables: [{ tag: 'site', measurement: 'agent', field: 'uptime_seconds', multi: false }],
  rows: [
    {
      key: 'verdict',
      panels: [
        [
          simple('stat', 'verdictDown', verdictOf('down'), { width: 4, height: 4, last: now }),
          simple('stat', 'verdictUp', verdictOf('up'), { width: 4, height: 4, last: now }),
          simple('stat', 'targetDown', lastOf('compliance', 'target_bps', 'down'), { width: 4, height: 4, last: now }),
          simple('stat', 'medianDown', lastOf('compliance', 'median_bps', 'down'), { width: 4, height: 4, last: now }),
          simple('stat', 'metShareDown', lastOf('compliance', 'met_ratio', 'down'), {
            width: 4,
            height: 4,
            scale: 'share',
            last: now,
          }),
          simple(
            'stat',
            'samplesRecent',
            ask({ measurement: 'agent', field: 'uptime_seconds', match: here, over: 'recent', steps: by().sum }),
            { width: 4, height: 4 },
          ),
        ],
        [bandwidthOf('down'), bandwidthOf('up')],
        [
          {
            key: 'verdictHistory',
            show: 'timeline',
            ask: directions.map((direction) => ({ question: verdictOf(direction), name: direction })),
            width: 12,
            height: 7,
            interval: '1d',
          },
          {
            key: 'outcomes',
            show: 'timeline',
            ask: directions.map((direction) => ({
              question: lastOf('bandwidth', 'outcome', direction),
              name: direction,
            })),
            width: 12,
            height: 7,
            interval: testInterval,
          },
        ],
        [
          simple(
            'timeline',
            'causes',
            ask({ measurement: 'bandwidth', field: 'cause', match: here, over: 'max', steps: by('direction').max }),
            { width: 12, height: 7, interval: testInterval },
          ),
          { key: 'latestAlerts', show: 'alerts', ask: [], width: 12, height: 7 },
        ],
      ],
    },
    {
      key: 'use',
      panels: [[useOf('wanDown', 'rx_mean_bps', 'rx_peak_bps'), useOf('wanUp', 'tx_mean_bps', 'tx_peak_bps')]],
    },
    {
      key: 'path',
      panels: [
        [
          simple('series', 'delay', path('rtt_p95_seconds'), { width: 8, height: 8, interval: '10m' }),
          simple('series', 'loss', path('loss_ratio'), { width: 8, height: 8, scale: 'loss', interval: '10m' }),
          simple('series', 'jitter', path('jitter_seconds'), { width: 8, height: 8, interval: '10m' }),
        ],
      ],
    },
    {
      key: 'inside',
      panels: [
        [
          simple(
            'timeline',
            'terminals',
            ask({
              measurement: 'terminal',
              field: 'up',
              match: here,
              // Off at night is no fault.
              expectedOnly: true,
              over: 'max',
              steps: by('room', 'terminal').max,
            }),
            { width: 24, height: 14, interval: '10m', last: '12h' },
          ),
        ],
        [
          simple(
            'timeline',
            'services',
            ask({ measurement: 'service', field: 'up', match: here, over: 'min', steps: by('service').min }),
            { width: 12, height: 7, interval: '10m', last: '24h' },
          ),
          {
            key: 'gateway',
            show: 'series',
            ask: hostLoad(here, by('agent').mean),
            width: 12,
            height: 7,
            interval: '10m',
          },
        ],
      ],
    },
  ],
}
