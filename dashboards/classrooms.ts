/** Every class connected (班班通): does the terminal of each classroom work in lesson time? */
import type { Page } from './page.ts'
import { simple } from './panel.ts'
import { ask, by, type Question } from './query.ts'

const here = { town: '$town', category: '$category', site: '$site' }
/** What a lesson is held with. */
const teaching = { ...here, kind: ['panel', 'pc'] }
const now = '1h'

/** A room works as well as its best terminal; only the time in which it should be on counts. */
const rooms = (...tags: string[]): Question =>
  ask({
    measurement: 'terminal',
    field: 'up',
    match: teaching,
    expectedOnly: true,
    over: 'mean',
    steps: [
      { across: 'max', by: [...new Set([...tags, 'site', 'room'])] },
      { across: 'mean', by: tags },
    ],
  })
const roomsThat = (op: '<' | '>=', value: number): Question =>
  ask({
    ...rooms(),
    steps: [
      { across: 'max', by: ['site', 'room'], where: { op, value } },
      { across: 'count', by: [] },
    ],
  })
const roomsNotAlways = ask({
  ...rooms(),
  steps: [{ across: 'max', by: ['site', 'room'], where: { op: '<', value: 1 } }],
})
const devices = (...tags: string[]): Question =>
  ask({ measurement: 'terminal', field: 'up', match: here, expectedOnly: true, over: 'mean', steps: by(...tags).mean })

export const classrooms: Page = {
  key: 'classrooms',
  from: 'now-6h',
  refresh: '1m',
  variables: [
    { tag: 'town', measurement: 'terminal', field: 'up', multi: true },
    'category',
    { tag: 'site', measurement: 'terminal', field: 'up', match: { town: '$town', category: '$category' }, multi: true },
  ],
  rows: [
    {
      key: 'lessons',
      panels: [
        [
          simple('stat', 'classroomsWorking', rooms(), { width: 6, height: 4, scale: 'share', last: now }),
          simple('stat', 'roomsSeen', roomsThat('>=', 0), { width: 6, height: 4, last: now }),
          simple('stat', 'roomsDown', roomsThat('<', 0.5), { width: 6, height: 4, scale: 'fault', last: now }),
          simple('stat', 'devicesUp', devices(), { width: 6, height: 4, scale: 'share', last: now }),
        ],
        [
          simple('bars', 'roomsByTown', rooms('town'), { width: 8, height: 9, scale: 'share', last: now }),
          simple('bars', 'devicesByKind', devices('kind'), { width: 8, height: 9, scale: 'share', last: now }),
          simple('series', 'roomsTrend', rooms('category'), { width: 8, height: 9, interval: '10m' }),
        ],
        [
          {
            key: 'worstSchools',
            show: 'table',
            ask: [
              { question: rooms('site', 'town', 'category'), name: 'roomsShare', scale: 'share' },
              { question: devices('site', 'town', 'category'), name: 'devicesShare', scale: 'share' },
            ],
            width: 12,
            height: 10,
            last: now,
            sort: { column: 'roomsShare' },
            limit: 30,
          },
          {
            key: 'worstRooms',
            show: 'table',
            ask: [{ question: roomsNotAlways, name: 'roomsShare', scale: 'share' }],
            width: 12,
            height: 10,
            last: now,
            sort: { column: 'roomsShare' },
            limit: 30,
          },
        ],
        [
          simple(
            'series',
            'terminalDelay',
            ask({ measurement: 'terminal', field: 'rtt_seconds', match: here, over: 'mean', steps: by('kind').mean }),
            { width: 12, height: 8, interval: '10m' },
          ),
          simple(
            'series',
            'terminalLoss',
            ask({
              measurement: 'terminal',
              field: 'loss_ratio',
              match: { ...here, kind: ['ap', 'switch'] },
              over: 'mean',
              steps: by('kind').mean,
            }),
            { width: 12, height: 8, scale: 'loss', interval: '10m' },
          ),
        ],
      ],
    },
  ],
}
