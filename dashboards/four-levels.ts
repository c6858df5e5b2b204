/** School → district → city → province: how good the way is, and at which level it gets worse. */
import type { Page } from './page.ts'
import { simple } from './panel.ts'
import { ask, by, type Question } from './query.ts'

const here = { town: '$town', category: '$category' }
const now = '1h'
type Quality = 'rtt_mean_seconds' | 'rtt_p95_seconds' | 'loss_ratio' | 'jitter_seconds' | 'up'

const perLevel = (field: Quality): Question =>
  ask({ measurement: 'path', field, match: here, over: 'mean', steps: by('level').mean })
const atLevel = (field: Quality, level: string, ...tags: string[]): Question =>
  ask({ measurement: 'path', field, match: { ...here, level }, over: 'mean', steps: by(...tags).mean })
/** What a level adds to the round trip of the one before it. */
const added = (level: string, before: string): Question => ({
  ...atLevel('rtt_mean_seconds', level),
  combine: { op: '-', with: atLevel('rtt_mean_seconds', before) },
})

export const fourLevels: Page = {
  key: 'path',
  from: 'now-24h',
  refresh: '1m',
  variables: [
    { tag: 'town', measurement: 'path', field: 'up', multi: true },
    'category',
    { tag: 'level', measurement: 'path', field: 'up', multi: false },
  ],
  rows: [
    {
      key: 'levels',
      panels: [
        [
          simple('bars', 'delayByLevel', perLevel('rtt_mean_seconds'), {
            width: 6,
            height: 8,
            scale: 'delay',
            last: now,
          }),
          simple('bars', 'lossByLevel', perLevel('loss_ratio'), { width: 6, height: 8, scale: 'loss', last: now }),
          simple('bars', 'jitterByLevel', perLevel('jitter_seconds'), {
            width: 6,
            height: 8,
            scale: 'jitter',
            last: now,
          }),
          simple('bars', 'reachableByLevel', perLevel('up'), { width: 6, height: 8, scale: 'share', last: now }),
        ],
        [
          simple('series', 'delay', perLevel('rtt_p95_seconds'), { width: 8, height: 8, interval: '10m' }),
          simple('series', 'loss', perLevel('loss_ratio'), { width: 8, height: 8, scale: 'loss', interval: '10m' }),
          {
            key: 'addedDelay',
            show: 'series',
            ask: [
              { question: added('district', 'site'), name: 'district' },
              { question: added('city', 'district'), name: 'city' },
              { question: added('province', 'city'), name: 'province' },
            ],
            width: 8,
            height: 8,
            interval: '10m',
          },
        ],
      ],
    },
    {
      key: 'oneLevel',
      panels: [
        [
          simple('series', 'delayByTown', atLevel('rtt_mean_seconds', '$level', 'town'), {
            width: 12,
            height: 9,
            interval: '10m',
          }),
          simple('series', 'lossByTown', atLevel('loss_ratio', '$level', 'town'), {
            width: 12,
            height: 9,
            scale: 'loss',
            interval: '10m',
          }),
        ],
        [
          {
            key: 'worstPaths',
            show: 'table',
            ask: [
              { question: atLevel('loss_ratio', '$level', 'site', 'town', 'category'), name: 'loss', scale: 'loss' },
              {
                question: atLevel('rtt_mean_seconds', '$level', 'site', 'town', 'category'),
                name: 'delay',
                scale: 'delay',
              },
              {
                question: atLevel('jitter_seconds', '$level', 'site', 'town', 'category'),
                name: 'jitter',
                scale: 'jitter',
              },
              { question: atLevel('up', '$level', 'site', 'town', 'category'), name: 'reachable', scale: 'share' },
            ],
            width: 24,
            height: 10,
            last: now,
            sort: { column: 'loss', descending: true },
            limit: 30,
          },
        ],
      ],
    },
  ],
}
