/** District overview: the scoreboard of the plan. */
import type { Page } from './page.ts'
import { simple } from './panel.ts'
import { ask, by, type Question } from './query.ts'

const here = { town: '$town', category: '$category' }
const verdict = { measurement: 'compliance', field: 'verdict', over: 'last' } as const
const download = { ...here, direction: 'down' }
/** Verdicts are written every hour: what is older is no verdict of now. */
const now = '3h'

/** Of links whose verdict is known: 1 met, 0 below. The mean is the compliance rate. */
const compliance = (...tags: string[]): Question =>
  ask({ ...verdict, match: download, where: { op: '!=', value: 2 }, steps: by(...tags).mean })
const linksThatAre = (value: number): Question =>
  ask({ ...verdict, match: download, where: { op: '=', value }, steps: by().count })
const complianceOf = (category: string): Question =>
  ask({
    ...verdict,
    match: { town: '$town', category, direction: 'down' },
    where: { op: '!=', value: 2 },
    steps: by().mean,
  })

const link = ['site', 'town', 'category', 'link']
const ofLink = (field: 'median_bps' | 'target_bps' | 'met_ratio'): Question =>
  ask({ measurement: 'compliance', field, match: download, over: 'last', steps: by(...link).min })

export const overview: Page = {
  key: 'overview',
  from: 'now-7d',
  refresh: '5m',
  variables: [{ tag: 'town', measurement: 'compliance', field: 'verdict', multi: true }, 'category'],
  rows: [
    {
      key: 'scoreboard',
      panels: [
        [
          simple('stat', 'complianceRate', compliance(), { width: 4, height: 4, scale: 'share', last: now }),
          simple('stat', 'linksBelow', linksThatAre(0), { width: 4, height: 4, scale: 'fault', last: now }),
          simple('stat', 'linksUnknown', linksThatAre(2), { width: 4, height: 4, last: now }),
          simple(
            'stat',
            'schoolsSilent',
            ask({
              measurement: 'agent',
              field: 'uptime_seconds',
              match: here,
              over: 'recent',
              steps: [
                { across: 'max', by: ['site'], where: { op: '=', value: 0 } },
                { across: 'count', by: [] },
              ],
            }),
            { width: 4, height: 4, scale: 'fault', last: '7d' },
          ),
          simple(
            'stat',
            'ruralGap',
            { ...complianceOf('town'), combine: { op: '-', with: complianceOf('rural') } },
            { width: 4, height: 4, scale: 'gap', last: now },
          ),
          simple(
            'stat',
            'classroomsWorking',
            ask({
              measurement: 'terminal',
              field: 'up',
              match: { ...here, kind: ['panel', 'pc'] },
              expectedOnly: true,
              over: 'mean',
              steps: [
                { across: 'max', by: ['site', 'room'] },
                { across: 'mean', by: [] },
              ],
            }),
            { width: 4, height: 4, scale: 'share', last: '1h' },
          ),
        ],
        [
          simple('bars', 'complianceByTown', compliance('town'), { width: 8, height: 10, scale: 'share', last: now }),
          simple('bars', 'complianceByCategory', compliance('category'), {
            width: 6,
            height: 10,
            scale: 'share',
            last: now,
          }),
          simple('series', 'complianceTrend', compliance('category'), { width: 10, height: 10, interval: '1d' }),
        ],
      ],
    },
    {
      key: 'schools',
      panels: [
        [
          {
            key: 'worstLinks',
            show: 'table',
            ask: [
              {
                question: { ...ofLink('median_bps'), combine: { op: '/', with: ofLink('target_bps') } },
                name: 'ofTarget',
                scale: 'share',
              },
              { question: ask({ ...verdict, match: download, steps: by(...link).min }), name: 'verdict' },
              { question: ofLink('median_bps'), name: 'median' },
              { question: ofLink('target_bps'), name: 'target' },
              { question: ofLink('met_ratio'), name: 'metShare' },
            ],
            width: 16,
            height: 12,
            last: now,
            sort: { column: 'ofTarget' },
            limit: 20,
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
                  steps: by('site', 'town').max,
                }),
                name: 'lastHeard',
              },
            ],
            width: 8,
            height: 12,
            sort: { column: 'lastHeard' },
            limit: 20,
            last: '7d',
          },
        ],
        [
          simple('map', 'map', ask({ ...verdict, match: download, steps: by('site').min }), {
            width: 12,
            height: 12,
            last: now,
          }),
          simple(
            'series',
            'delayByTown',
            ask({
              measurement: 'path',
              field: 'rtt_mean_seconds',
              match: { ...here, level: 'district' },
              over: 'mean',
              steps: by('town').mean,
            }),
            { width: 12, height: 12, interval: '1h' },
          ),
        ],
      ],
    },
  ],
}
