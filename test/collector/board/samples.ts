/** Samples of a made-up school, by how it behaves. */
import type { Batch } from '../../../core/batch.ts'
import { causes, type MeasurementName, methods, outcomes, tagsOf, triggers } from '../../../core/catalog.ts'
import type { Category } from '../../../core/standard.ts'
import type { Registry } from '../../../collector/registry.ts'

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** How a made-up site behaves. `self_test`: only a testpoint on the same host; `new`: measured since yesterday. */
export type Behaviour = 'good' | 'slow' | 'evenings' | 'dead' | 'busy' | 'new' | 'self_test'
export type MadeSite = { id: string; category: Category; behaviour: Behaviour; agent: string }
type Row = { time: number; tags: Record<string, string>; fields: Record<string, number | null> }

type Circumstances = { now: number; days: number; random: () => number }

export function samplesOf(site: MadeSite, index: number, registry: Registry, circumstances: Circumstances): Batch[] {
  const { now, random } = circumstances
  const links = registry.linksOf(site.id, now).map(({ id, downBps }) => ({ id, targetBps: downBps }))
  const end = site.behaviour === 'dead' ? now - dayMs : now
  const deep = index < 3
  const times = ticks(end - (deep ? 2 * dayMs : 10 * minuteMs), end, minuteMs)
  const place = registry.placeOf(site.agent, now)
  const tagged = (measurement: MeasurementName, rows: Row[]) =>
    rows.length === 0 ? [] : [batchOf(measurement, rows, { ...place, agent: site.agent })]
  return [
    ...tagged(
      'bandwidth',
      links.flatMap((link) => tests(site, link, circumstances)),
    ),
    ...tagged(
      'wan',
      links.flatMap((link) => times.map((time) => wan(time, link, random))),
    ),
    ...tagged(
      'path',
      times.flatMap((time) => path(time, site, random)),
    ),
    ...tagged(
      'host',
      times.map((time) => host(time, random)),
    ),
    ...tagged(
      'service',
      times.filter((_, i) => i % 5 === 0).flatMap((time) => service(time, random)),
    ),
    ...tagged(
      'agent',
      times.slice(-3).map((time) => agent(time, random)),
    ),
    ...tagged('terminal', terminals(registry, site.id, times.slice(-5), random)),
  ]
}

function tests(
  { behaviour }: MadeSite,
  link: { id: string; targetBps: number },
  { now, days, random }: Circumstances,
): Row[] {
  const span = behaviour === 'new' ? 1 : days
  const end = behaviour === 'dead' ? now - dayMs : now
  return ticks(end - span * dayMs, end, 8 * hourMs).flatMap((slot) => {
    const time = slot + Math.floor(random() * 3 * hourMs) - 3 * hourMs
    return (['down', 'up'] as const).map((direction, i): Row => {
      const { ratio, outcome, cause } = drawResult(behaviour, time, random)
      const rate = ratio * link.targetBps
      return {
        time: time + i * 20_000,
        tags: { link: link.id, direction, testpoint: 'district-1' },
        fields: {
          link_rate_bps: Math.round(rate),
          goodput_bps: Math.round(rate * 0.942),
          target_bps: link.targetBps,
          outcome: outcomes[outcome],
          cause: causes[cause],
          method: methods[behaviour === 'self_test' ? 'self_test' : direction === 'down' ? 'counter' : 'acknowledged'],
          trigger: triggers.scheduled,
          layer: 2,
          transferred_bytes: Math.round(rate / 8),
          duration_seconds: 2.4,
          rtt_idle_seconds: 0.004 + random() * 0.002,
          rtt_loaded_seconds: 0.02 + random() * 0.02,
        },
      }
    })
  })
}

function drawResult(behaviour: Behaviour, time: number, random: () => number) {
  const noise = (random() - 0.5) * 0.05
  const met = { ratio: 1.02 + noise, outcome: 'met', cause: 'none' } as const
  const below = { ratio: 0.62 + 3 * noise, outcome: 'below', cause: 'none' } as const
  if (behaviour === 'slow') return below
  // Shanghai evenings: 20:00 to 23:00 local is 12:00 to 15:00 UTC.
  const hour = new Date(time).getUTCHours()
  if (behaviour === 'evenings') return hour >= 10 && hour < 18 ? below : met
  if (behaviour === 'busy') return { ratio: 0.4 + noise, outcome: 'inconclusive', cause: 'busy_line' } as const
  return random() < 0.03 ? { ...below, ratio: 0.9 } : met
}

function wan(time: number, { id, targetBps }: { id: string; targetBps: number }, random: () => number): Row {
  const day = 0.5 + 0.5 * Math.sin(((time / dayMs) % 1) * 2 * Math.PI)
  const rx = targetBps * (0.04 + 0.3 * day * random())
  const fields = {
    rx_mean_bps: rx,
    tx_mean_bps: rx * 0.15,
    rx_peak_bps: Math.min(targetBps, rx * 2.2),
    tx_peak_bps: rx * 0.4,
    rx_errors_count: 0,
    tx_errors_count: 0,
    interface_rate_bps: 1e9,
    up: 1,
  }
  return { time, tags: { link: id }, fields }
}

const levels = { site: 0.0004, district: 0.003, city: 0.006, province: 0.011, internet: 0.024 }

function path(time: number, { behaviour }: MadeSite, random: () => number): Row[] {
  return Object.entries(levels).map(([level, rtt]) => {
    const bad = behaviour === 'slow' && level !== 'site'
    const mean = rtt * (bad ? 4 : 1) * (1 + 0.2 * random())
    const fields = {
      rtt_min_seconds: mean * 0.9,
      rtt_mean_seconds: mean,
      rtt_p95_seconds: mean * 1.4,
      jitter_seconds: mean * 0.1,
      loss_ratio: bad ? 0.02 * random() : 0,
      sent_count: 10,
      up: 1,
    }
    return { time, tags: { level, target: `${level}-1` }, fields }
  })
}

function host(time: number, random: () => number): Row {
  const fields = {
    cpu_ratio: 0.05 + 0.1 * random(),
    memory_used_ratio: 0.41,
    memory_total_bytes: 4e9,
    memory_available_bytes: 2.4e9,
    load_1m_count: 0.2 + random() / 5,
    disk_used_ratio: 0.23,
    disk_free_bytes: 2.2e10,
    temperature_celsius: 46 + 3 * random(),
    uptime_seconds: 912_000,
  }
  return { time, tags: {}, fields }
}

function service(time: number, random: () => number): Row[] {
  return ['platform', 'smartedu'].map((id, i) => ({
    time,
    tags: { service: id },
    fields: {
      up: i === 1 && random() < 0.1 ? 0 : 1,
      dns_seconds: 0.004,
      connect_seconds: 0.011,
      tls_seconds: 0.024,
      first_byte_seconds: 0.04 + random() / 20,
      total_seconds: 0.09 + random() / 20,
      status_code: 200,
      certificate_left_seconds: 61 * 86_400,
    },
  }))
}

function agent(time: number, random: () => number): Row {
  const fields = {
    spool_batches_count: 0,
    spool_bytes: 20_480,
    spool_age_seconds: 0,
    dropped_batches_count: 0,
    clock_offset_seconds: 0.004,
    cpu_ratio: 0.004 + random() / 500,
    memory_bytes: 8.2e7,
    uptime_seconds: 260_000,
  }
  return { time, tags: {}, fields }
}

/** Silent, or without a way to them; whether they should be on is for the registry to say. */
const silent: readonly string[] = ['pc-102', 'ap-102']
const cutOff: readonly string[] = ['pc-103']

function terminals(registry: Registry, site: string, times: readonly number[], random: () => number): Row[] {
  const fieldsOf = (id: string): Row['fields'] => {
    if (cutOff.includes(id)) return { cut_off: 1 }
    if (silent.includes(id)) return { up: 0, rtt_seconds: null, loss_ratio: 1 }
    return { up: 1, rtt_seconds: 0.001 + random() / 1000, loss_ratio: 0 }
  }
  return registry
    .terminalsOf(site, times.at(-1) ?? 0)
    .flatMap(({ id, kind, room }) =>
      times.map((time) => ({ time, tags: { terminal: id, kind, room }, fields: fieldsOf(id) })),
    )
}

/** Times of an interval, aligned to it. */
function ticks(from: number, to: number, stepMs: number): number[] {
  const first = Math.ceil(from / stepMs) * stepMs
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / stepMs)) }, (_, i) => first + i * stepMs)
}

export function batchOf(measurement: MeasurementName, rows: readonly Row[], common: Record<string, string>): Batch {
  const names = [...new Set(rows.flatMap(({ fields }) => Object.keys(fields)))]
  return {
    measurement,
    times: rows.map(({ time }) => time),
    tags: Object.fromEntries(
      tagsOf(measurement).map((tag) => [tag, common[tag] ?? rows.map(({ tags }) => tags[tag] ?? '')]),
    ),
    fields: Object.fromEntries(names.map((name) => [name, rows.map(({ fields }) => fields[name] ?? null)])),
  }
}
