/**
 * A made-up district for the judge: three tests a day each way, hourly verdicts, sixty devices a site. One in fifteen runs
 * day and night, one in sixty has never been seen.
 */
import { createRegistry, type Registry } from '../../../collector/registry.ts'
import type { Batch } from '../../../core/batch.ts'
import { registrySchema } from '../../../core/registry.ts'
import { directions, standardSchema } from '../../../core/standard.ts'

const hourMs = 3_600_000
const minuteMs = 60_000
const dayMs = 24 * hourMs
const terminals = 60
/** The last ones of a site; the others stand in classrooms, two in each. */
const always = ['ap', 'ap', 'switch', 'server'] as const
const neverSeen = 7
/** When the usual calendar has lessons in China, all samples are there; before and after, one an hour stands for sixty. */
const samplesEach = (hour: number) => (hour >= 8 && hour < 18 ? 60 : 1)

const standard = standardSchema.parse({
  id: 'bench',
  title: { en: 'Bench', zh: '基准' },
  source: 'bench',
  targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
})

const siteId = (site: number) => `site-${site}`
const placeOf = (site: number) => ({
  district: 'bench',
  town: `town-${site % 20}`,
  category: site % 4 === 0 ? 'rural' : 'town',
  site: siteId(site),
})

export function registryOf(sites: number): Registry {
  const ids = Array.from({ length: sites }, (_, site) => site)
  const data = registrySchema.parse({
    district: { id: 'bench', name: 'Bench' },
    towns: Array.from({ length: 20 }, (_, town) => ({ id: `town-${town}`, name: `Town ${town}` })),
    sites: ids.map((site) => {
      const { town, category, site: id } = placeOf(site)
      return { id, name: id, town, category, teachers: 40 }
    }),
    // Terminals are those of a district; a province is measured by its verdicts.
    terminals:
      sites > 400 ? [] : ids.flatMap((site) => devicesOf(site).map((device) => ({ ...device, address: '192.0.2.1' }))),
  })
  return createRegistry(data, standard)
}

function devicesOf(site: number) {
  return Array.from({ length: terminals }, (_, t) => {
    const kind = always[t - (terminals - always.length)]
    return {
      id: `${siteId(site)}.terminal-${t}`,
      kind: kind ?? (t % 2 === 0 ? 'panel' : 'pc'),
      room: kind === undefined ? `${siteId(site)}.room-${t >> 1}` : 'none',
      site: siteId(site),
    }
  })
}

/** A site's tests of a span, every eight hours; `minute` sets those of a backfill apart. */
export function testBatches(sites: number, from: number, to: number, minute = 0): Batch[] {
  const times = Array.from(
    { length: Math.round((to - from) / (8 * hourMs)) },
    (_, i) => from + i * 8 * hourMs + minute * minuteMs,
  )
  return Array.from({ length: sites }, (_, site) => {
    const rows = times.flatMap((time) => directions.map((direction) => ({ time, direction })))
    const target = site % 4 === 0 ? 100e6 : 500e6
    // Backfilled tests were bad: they change verdicts.
    const met = rows.map(() => minute === 0 && Math.random() < 0.93)
    const column = (value: number) => rows.map(() => value)
    return {
      measurement: 'bandwidth' as const,
      times: rows.map(({ time }, i) => time + (i % 2) * minuteMs),
      tags: {
        ...placeOf(site),
        agent: `gateway-${site}`,
        link: 'wan',
        testpoint: 'tp-1',
        direction: rows.map((r) => r.direction),
      },
      fields: {
        link_rate_bps: met.map((yes) => Math.round(target * (yes ? 0.98 : 0.5 + Math.random() * 0.4))),
        target_bps: column(target),
        outcome: met.map(Number),
        cause: column(0),
        method: column(1),
        trigger: column(0),
      },
    }
  })
}

/** What an hourly round would have left: a verdict a link, direction and hour. */
export function verdictBatches(sites: number, from: number, to: number): Batch[] {
  const times = Array.from({ length: Math.round((to - from) / hourMs) }, (_, i) => from + i * hourMs)
  return Array.from({ length: sites }, (_, site) => {
    const rows = times.flatMap((time) => directions.map((direction) => ({ time, direction })))
    return {
      measurement: 'compliance' as const,
      times: rows.map(({ time }) => time),
      tags: { ...placeOf(site), link: 'wan', direction: rows.map((r) => r.direction) },
      fields: { verdict: rows.map(() => 1), trials_count: rows.map(() => 21) },
    }
  })
}

/** What a local day of all devices brought, hour by hour. */
export function* terminalBatches(sites: number, time: number): Generator<Batch[]> {
  const day = Math.floor((time + 8 * hourMs) / dayMs) * dayMs - 8 * hourMs
  for (let hour = 0; hour < 24; hour++) {
    const count = samplesEach(hour)
    const minutes = Array.from({ length: count }, (_, m) => day + hour * hourMs + m * (hourMs / count))
    yield Array.from({ length: sites }, (_, site) => sweeps(site, minutes))
  }
}

/** One device after the other, as a gateway asks them. */
function sweeps(site: number, minutes: readonly number[]): Batch {
  const devices = devicesOf(site)
  const rows = minutes.flatMap((minute) => devices.map((device, t) => ({ ...device, t, time: minute + t * 997 })))
  return {
    measurement: 'terminal',
    times: rows.map(({ time }) => time),
    tags: {
      ...placeOf(site),
      agent: `gateway-${site}`,
      terminal: rows.map(({ id }) => id),
      kind: rows.map(({ kind }) => kind),
      room: rows.map(({ room }) => room),
    },
    fields: {
      up: rows.map(({ t }) => (t !== neverSeen && Math.random() < 0.98 ? 1 : 0)),
      expected: rows.map(() => 1),
    },
  }
}
