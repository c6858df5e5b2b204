import { beforeEach, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { createCommands } from '../../agent/commands.ts'
import { cautiousSchedule } from '../../core/calendar.ts'
import type { Slice } from '../../core/slice.ts'

/** A Monday: 10:00 is in a lesson of the cautious week, 20:00 is not. */
const lesson = Date.parse('2026-11-23T10:00:00+08:00')
const evening = Date.parse('2026-11-23T20:00:00+08:00')
const targets = [{ direction: 'down' as const, target_bps: 100e6 }]
const slice: Slice = {
  v: 1,
  revision: 'r1',
  site: { id: 's', name: { en: 'S', zh: 'S' } },
  timezone: 'Asia/Shanghai',
  schedule: cautiousSchedule,
  threshold_ratio: 0.95,
  trials_per_day: 3,
  links: [
    { id: 'fibre', targets },
    { id: 'backup', targets },
  ],
  testpoints: [],
  paths: [],
  services: [],
  terminals: [],
}
type Command = Record<string, unknown>
const good = (over: Command = {}): Command => ({ v: 1, id: 'c1', type: 'bandwidth', until: evening + 60_000, ...over })

let now: number
let runs: [string, unknown][]
let reasons: (string | undefined)[]
let give: (command: Command) => void

beforeEach(() => {
  now = evening
  runs = []
  reasons = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void reasons.push(JSON.parse(line).reason) })
  const runNow = (id: string, change: unknown) => {
    runs.push([id, change])
    return 'started' as const
  }
  const commands = createCommands({ scheduler: { runNow }, now: () => now, log })
  commands.use(slice)
  give = (command) => commands.receive(Buffer.from(JSON.stringify(command)))
})

describe('a command to test', () => {
  it('runs the test of its link, or of all, by hand', () => {
    give(good({ link: 'backup' }))
    give(good({ id: 'c2' }))
    expect(runs).toEqual(['backup', 'fibre', 'backup'].map((id) => [`bandwidth-${id}`, { trigger: 'manual' }]))
    expect(reasons).toEqual([])
  })

  it('is followed once, however often the broker brings it', () => {
    for (let i = 0; i < 3; i++) give(good({ link: 'fibre' }))
    expect(runs).toHaveLength(1)
  })

  it('is refused in a lesson, unless whoever asks says that he knows', () => {
    now = lesson
    give(good({ until: lesson + 60_000 }))
    expect(runs).toEqual([])
    expect(reasons).toEqual(['a lesson is on, and it does not say so'])
    give(good({ id: 'c2', until: lesson + 60_000, in_lesson: true }))
    expect(runs).toHaveLength(2)
  })

  it.each([
    ['came too late', { until: evening - 1 }, 'it came too late'],
    ['holds for hours', { until: evening + 7_200_000 }, /holds for too long/],
    ['names a link of somebody else', { link: 'dsl' }, 'there is no link dsl here'],
    ['is of another kind', { type: 'reboot' }, undefined],
    ['is of a later version', { v: 2 }, undefined],
    ['has no id', { id: '' }, undefined],
  ])('that %s is refused and said', (_, over, reason) => {
    give(good(over))
    expect(runs).toEqual([])
    expect(reasons).toEqual([reason === undefined ? undefined : expect.stringMatching(reason)])
  })
})
