/** One school in depth. */
import { type Direction, directions } from '../core/standard.ts'
import type { Panel } from './panel.ts'
import type { Page } from './page.ts'
import { ask, by, type Question } from './query.ts'

const here = { site: '$site' }
const now = '3h'

const verdictOf = (direction: Direction): Question =>
  ask({
    measurement: 'compliance',
    field: 'verdict',
    match: { ...here, direction },
    over: 'last',
    steps: by('link').min,
  })
const latestOf = (field: 'target_bps' | 'median_bps' | 'met_ratio'): Question =>
  ask({ measurement: 'compliance', field, match: { ...here, direction: 'down' }, over: 'last', steps: by('link').min })

/** Three trials a day; the target is stored with each, so the line is the one that the test was held to. */
const testInterval = '8h'
const bandwidthOf = (direction: Direction): Panel => {
  const match = { ...here, direction }
  return {
    key: direction === 'down' ? 'bandwidthDown' : 'bandwidthUp',
    show: 'series',
    ask: [
      {
        question: ask({ measurement: 'bandwidth', field: 'link_rate_bps', match, over: 'max', steps: by('link').max }),
        name: 'linkRate',
      },
      {
        question: ask({ measurement: 'bandwidth', field: 'goodput_bps', match, over: 'max', steps: by('link').max }),
        name: 'goodput',
      },
      {
        question: ask({ measurement: 'bandwidth', field: 'target_bps', match, over: 'max', steps: by('link').max }),
        name: 'target',
        dashed: true,
      },
    ],
    width: 12,
    height: 9,
    interval: testInterval,
  }
}

const wan = (field: 'rx_mean_bps' | 'tx_mean_bps' | 'rx_peak_bps' | 'tx_peak_bps', over: 'mean' | 'max'): Question =>
  ask({ measurement: 'wan', field, match: here, over, steps: by('link').max })
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
          { key: 'verdictDown', show: 'stat', ask: [{ question: verdictOf('down') }], width: 4, height: 4, last: now },
          { key: 'verdictUp', show: 'stat', ask: [{ question: verdictOf('up') }], width: 4, height: 4, last: now },
          {
            key: 'targetDown',
            show: 'stat',
            ask: [{ question: latestOf('target_bps') }],
            width: 4,
            height: 4,
            last: now,
          },
          {
            key: 'medianDown',
            show: 'stat',
            ask: [{ question: latestOf('median_bps') }],
            width: 4,
            height: 4,
            last: now,
          },
          {
            key: 'metShareDown',
            show: 'stat',
            ask: [{ question: latestOf('met_ratio') }],
            width: 4,
            height: 4,
            scale: 'share',
            last: now,
          },
          {
            key: 'samplesRecent',
            show: 'stat',
            ask: [
              {
                question: ask({
                  measurement: 'agent',
                  field: 'uptime_seconds',
                  match: here,
                  over: 'recent',
                  steps: by().sum,
                }),
              },
            ],
            width: 4,
            height: 4,
          },
        ],
        [bandwidthOf('down'), bandwidthOf('up')],
        [
          {
            key: 'verdictHistory',
            show: 'timeline',
            ask: directions.map((direction) => ({
              question: ask({
                measurement: 'compliance',
                field: 'verdict',
                match: { ...here, direction },
                over: 'last',
                steps: by('link').min,
              }),
              name: direction,
            })),
            width: 12,
            height: 7,
            interval: '1d',
          },
          {
            key: 'outcomes',
            show: 'timeline',
            ask: directions.map((direction) => ({
              question: ask({
                measurement: 'bandwidth',
                field: 'outcome',
                match: { ...here, direction },
                over: 'last',
                steps: by('link').min,
              }),
              name: direction,
            })),
            width: 12,
            height: 7,
            interval: testInterval,
          },
        ],
        [
          {
            key: 'causes',
            show: 'timeline',
            ask: [
              {
                question: ask({
                  measurement: 'bandwidth',
                  field: 'cause',
                  match: here,
                  over: 'max',
                  steps: by('direction').max,
                }),
              },
            ],
            width: 12,
            height: 7,
            interval: testInterval,
          },
          { key: 'latestAlerts', show: 'alerts', ask: [], width: 12, height: 7 },
        ],
      ],
    },
    {
      key: 'use',
      panels: [
        [
          {
            key: 'wanDown',
            show: 'series',
            ask: [
              { question: wan('rx_mean_bps', 'mean'), name: 'mean' },
              { question: wan('rx_peak_bps', 'max'), name: 'peak' },
            ],
            width: 12,
            height: 8,
            interval: '10m',
          },
          {
            key: 'wanUp',
            show: 'series',
            ask: [
              { question: wan('tx_mean_bps', 'mean'), name: 'mean' },
              { question: wan('tx_peak_bps', 'max'), name: 'peak' },
            ],
            width: 12,
            height: 8,
            interval: '10m',
          },
        ],
      ],
    },
    {
      key: 'path',
      panels: [
        [
          {
            key: 'delay',
            show: 'series',
            ask: [{ question: path('rtt_p95_seconds') }],
            width: 8,
            height: 8,
            interval: '10m',
          },
          {
            key: 'loss',
            show: 'series',
            ask: [{ question: path('loss_ratio') }],
            width: 8,
            height: 8,
            scale: 'loss',
            interval: '10m',
          },
          {
            key: 'jitter',
            show: 'series',
            ask: [{ question: path('jitter_seconds') }],
            width: 8,
            height: 8,
            interval: '10m',
          },
        ],
      ],
    },
    {
      key: 'inside',
      panels: [
        [
          {
            key: 'terminals',
            show: 'timeline',
            ask: [
              {
                question: ask({
                  measurement: 'terminal',
                  field: 'up',
                  match: here,
                  // Off at night is no fault.
                  expectedOnly: true,
                  over: 'max',
                  steps: by('room', 'terminal').max,
                }),
              },
            ],
            width: 24,
            height: 14,
            interval: '10m',
            last: '12h',
          },
        ],
        [
          {
            key: 'services',
            show: 'timeline',
            ask: [
              {
                question: ask({
                  measurement: 'service',
                  field: 'up',
                  match: here,
                  over: 'min',
                  steps: by('service').min,
                }),
              },
            ],
            width: 12,
            height: 7,
            interval: '10m',
            last: '24h',
          },
          {
            key: 'gateway',
            show: 'series',
            ask: [
              {
                question: ask({
                  measurement: 'host',
                  field: 'cpu_ratio',
                  match: here,
                  over: 'mean',
                  steps: by('agent').mean,
                }),
                name: 'cpu',
              },
              {
                question: ask({
                  measurement: 'host',
                  field: 'memory_used_ratio',
                  match: here,
                  over: 'mean',
                  steps: by('agent').mean,
                }),
                name: 'memory',
              },
              {
                question: ask({
                  measurement: 'host',
                  field: 'disk_used_ratio',
                  match: here,
                  over: 'mean',
                  steps: by('agent').mean,
                }),
                name: 'disk',
              },
            ],
            width: 12,
            height: 7,
            interval: '10m',
          },
        ],
      ],
    },
  ],
}
