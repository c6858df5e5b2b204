/** Linkbell itself: agents, what waits at them, what arrives, what fails. From the store alone: it needs no other source. */
import { type FieldName, measurements, type MeasurementName } from '../core/catalog.ts'
import { hostLoad } from './host-load.ts'
import type { Page } from './page.ts'
import { type Asked, simple } from './panel.ts'
import { ask, by, type Over, type Question } from './query.ts'
import type { phrases } from './strings.ts'

const here = { town: '$town', agent: '$agent' }
const now = '1h'
/** Who was heard of in this time is expected to be heard of. */
const known = '7d'
const of = (field: FieldName<'agent'>, over: Over, ...tags: string[]): Question =>
  ask({ measurement: 'agent', field, match: here, over, steps: by(...tags).max })

/** A field that each sample of a measurement has: its count is that of the samples. */
const counted: { [M in MeasurementName]?: FieldName<M> } = {
  path: 'loss_ratio',
  terminal: 'loss_ratio',
  wan: 'rx_mean_bps',
  host: 'cpu_ratio',
  agent: 'uptime_seconds',
  service: 'up',
  probe: 'up',
}
const stored = (Object.entries(counted) as [keyof typeof counted & keyof typeof phrases, string][]).map(
  ([measurement, field]): Asked => ({
    question: {
      measurement,
      field: field as keyof (typeof measurements)[MeasurementName]['fields'],
      match: here,
      over: 'count',
      steps: by().sum,
      perSecond: true,
    } as Question,
    name: measurement,
  }),
)
const reporting = (op: '=' | '>'): Question =>
  ask({
    measurement: 'agent',
    field: 'uptime_seconds',
    match: here,
    over: 'recent',
    steps: [
      { across: 'max', by: ['agent'], where: { op, value: 0 } },
      { across: 'count', by: [] },
    ],
  })

export const linkbell: Page = {
  key: 'linkbell',
  from: 'now-24h',
  refresh: '1m',
  variables: [
    { tag: 'town', measurement: 'agent', field: 'uptime_seconds', multi: true },
    { tag: 'agent', measurement: 'agent', field: 'uptime_seconds', match: { town: '$town' }, multi: true },
  ],
  rows: [
    {
      key: 'agents',
      panels: [
        [
          simple('stat', 'agentsReporting', reporting('>'), { width: 4, height: 4, last: now }),
          simple('stat', 'agentsSilent', reporting('='), { last: known, width: 4, height: 4, scale: 'fault' }),
          simple('stat', 'spoolAge', of('spool_age_seconds', 'last'), {
            width: 4,
            height: 4,
            scale: 'waiting',
            last: now,
          }),
          simple('stat', 'spoolBytes', of('spool_bytes', 'last'), { width: 4, height: 4, last: now }),
          simple('stat', 'dropped', of('dropped_batches_count', 'spread'), { width: 4, height: 4, scale: 'fault' }),
          simple('stat', 'refused', of('refused_batches_count', 'spread'), { width: 4, height: 4, scale: 'fault' }),
        ],
        [
          { key: 'ingestRate', show: 'series', ask: stored, width: 12, height: 9, interval: '1m' },
          simple('series', 'spoolAgeTrend', of('spool_age_seconds', 'max', 'town'), {
            width: 12,
            height: 9,
            interval: '10m',
          }),
        ],
        [
          {
            key: 'agentTable',
            show: 'table',
            ask: [
              { question: of('spool_age_seconds', 'last', 'agent', 'site'), name: 'waiting', scale: 'waiting' },
              { question: of('clock_offset_seconds', 'last', 'agent', 'site'), name: 'clock', scale: 'clock' },
              { question: of('reconnects_count', 'last', 'agent', 'site'), name: 'reconnects' },
              { question: of('dropped_batches_count', 'last', 'agent', 'site'), name: 'dropped', scale: 'fault' },
              { question: of('memory_bytes', 'last', 'agent', 'site'), name: 'memory' },
              { question: of('uptime_seconds', 'last', 'agent', 'site'), name: 'uptime' },
            ],
            width: 16,
            height: 11,
            last: now,
            sort: { column: 'waiting', descending: true },
            limit: 50,
          },
          {
            key: 'lastHeard',
            show: 'table',
            ask: [
              {
                question: ask({
                  measurement: 'agent',
                  field: 'uptime_seconds',
                  match: here,
                  over: 'heard',
                  steps: by('agent').max,
                }),
                name: 'lastHeard',
              },
            ],
            width: 8,
            height: 11,
            sort: { column: 'lastHeard' },
            limit: 20,
            last: known,
          },
        ],
        [
          simple(
            'bars',
            'probes',
            ask({ measurement: 'probe', field: 'up', match: here, over: 'mean', steps: by('probe').mean }),
            { width: 8, height: 8, scale: 'share' },
          ),
          {
            key: 'gatewayLoad',
            show: 'series',
            ask: hostLoad(here, by().max),
            width: 8,
            height: 8,
            interval: '10m',
          },
          {
            key: 'agentCost',
            show: 'series',
            ask: [
              {
                question: ask({ measurement: 'agent', field: 'cpu_ratio', match: here, over: 'mean', steps: by().max }),
                name: 'cpu',
              },
            ],
            width: 8,
            height: 8,
            interval: '10m',
          },
        ],
      ],
    },
  ],
}
