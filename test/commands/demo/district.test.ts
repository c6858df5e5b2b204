import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { bandwidthSamples } from '../../../commands/demo/samples/bandwidth.ts'
import { terminalSamples } from '../../../commands/demo/samples/terminal.ts'
import { samplesAt, scheduled, timeIn } from '../../../commands/demo/samples.ts'
import type { District } from '../../../commands/demo/district.ts'
import { outcomes } from '../../../core/catalog.ts'
import { dayMs } from '../../../collector/local-time.ts'
import { end, small, standard } from './made.ts'

const minuteMs = 60_000

/** Registry and a day of samples of every kind. */
function digest(district: District): string {
  const hash = createHash('sha256').update(JSON.stringify(district.input))
  for (const school of district.schools) {
    for (let minute = end / minuteMs - 1440; minute < end / minuteMs; minute += 37) {
      const time = timeIn(minute, school)
      for (const name of scheduled) hash.update(JSON.stringify(samplesAt(name, district, school, time)))
    }
    hash.update(JSON.stringify(bandwidthSamples(school, district, end - 3 * dayMs, end)))
  }
  return hash.digest('hex')
}

describe('made-up district', () => {
  it('is the same from the same seed and end, and another from another seed', () => {
    const once = digest(small())
    expect(digest(small())).toBe(once)
    expect(digest(small({ seed: 8 }))).not.toBe(once)
  })

  it('gives the same samples in whatever order they are asked for', () => {
    const district = small()
    const school = district.schools[9] as District['schools'][number]
    const times = [0, 1, 2, 3].map((i) => timeIn(end / minuteMs - i, school))
    const forwards = times.map((time) => samplesAt('path', district, school, time))
    const backwards = times.toReversed().map((time) => samplesAt('path', district, school, time))
    expect(backwards.toReversed()).toEqual(forwards)
  })

  it('says in its registry that it is simulated, and has the shape of a district at full size', () => {
    const { registry, schools } = small({ sites: 400, terminals: 60 })
    const { data } = registry
    expect(data.district.simulated).toBe(true)
    const count = (category: string) => data.sites.filter((site) => site.category === category).length
    expect(['town', 'rural', 'teaching-point', 'special', 'kindergarten'].map(count)).toEqual([70, 58, 15, 2, 255])
    expect(new Set(data.sites.map(({ name }) => name.zh)).size).toBe(400)
    expect(new Set(data.sites.map(({ name }) => name.en)).size).toBe(400)
    expect(data.terminals.length).toBeGreaterThan(23_000)
    expect(data.terminals.length).toBeLessThan(25_000)
    const told = (kinds: string[]) => schools.filter(({ story }) => kinds.includes(story.kind)).length / 400
    expect(told(['capped', 'evenings', 'degraded'])).toBeCloseTo(0.06, 2)
  })

  it('has one school of sixty devices that shows what can be wrong in classrooms', () => {
    const district = small({ sites: 400, terminals: 60 })
    const { showcase, schools, registry } = district
    const school = schools.find(({ id }) => id === showcase?.site)!
    expect(school.devices).toHaveLength(60)
    expect(school.story.kind).toBe('good')
    const row = registry.terminalsOf(school.id, end).find(({ id }) => id === showcase!.flappingProjector)
    expect(row?.expected).toBe('lessons')
    const up = (terminal: string, time: number) => {
      const found = terminalSamples(school, district, time).find(({ tags }) => tags.terminal === terminal)
      return found?.fields.up
    }
    const lesson = Date.parse('2026-11-23T10:30:00+08:00')
    expect(up(showcase!.deadPanel, lesson - 24 * dayMs)).toBe(1)
    expect(up(showcase!.deadPanel, lesson - 20 * dayMs)).toBe(0)
    const turns = Array.from({ length: 30 }, (_, minute) => up(showcase!.flappingProjector, lesson + minute * minuteMs))
    expect(turns.filter((value, i) => i > 0 && value !== turns[i - 1]).length).toBeGreaterThan(5)
    const room = school.devices.filter((device) => device.room === showcase!.darkRoom && device.kind !== 'ap')
    expect(room.map(({ id }) => up(id, lesson))).toEqual(room.map(() => 0))
    expect(up(showcase!.accessPoint, lesson)).toBe(0)
  })

  it('expects printers and spare projectors at no hour: they are on when somebody needs them', () => {
    const { registry, showcase } = small({ sites: 40, terminals: 60 })
    const rows = registry.data.terminals.filter(({ kind, site }) => kind === 'projector' && site !== showcase?.site)
    expect(new Set(rows.map(({ expected }) => expected))).toEqual(new Set(['never']))
  })

  it('tests each link three times a day outside lessons, and confirms what fell short', () => {
    const district = small({ sites: 60 })
    const day = Date.parse('2026-11-18T00:00:00+08:00')
    const absent = ['never', 'dead', 'new']
    for (const school of district.schools.filter(({ story }) => !absent.includes(story.kind))) {
      const tests = bandwidthSamples(school, district, day, day + dayMs)
      const active = tests.filter(({ fields }) => fields.method !== 0 && fields.trigger === 0)
      for (const { time } of active) {
        const hour = (time - day) / 3_600_000
        expect((hour >= 8 && hour < 12) || (hour >= 14 && hour < 17.5), `${school.id} at ${hour}`).toBe(false)
      }
      const below = active.filter(({ fields }) => fields.outcome === outcomes.below)
      expect(tests.filter(({ fields }) => fields.trigger === 2)).toHaveLength(below.length)
      const passive = tests.some(({ fields }) => fields.method === 0)
      if (!passive) expect(active).toHaveLength(6 * school.links.length)
      for (const { fields } of tests) {
        if (fields.outcome !== outcomes.met) continue
        const least = standard.threshold_ratio * Number(fields.target_bps)
        expect(fields.link_rate_bps).toBeGreaterThanOrEqual(least)
      }
    }
  })
})
