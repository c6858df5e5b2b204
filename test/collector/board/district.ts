/** A made-up district, the same from the same seed: what the board and its screenshots are tested with. */
import type { Batch } from '../../../core/batch.ts'
import { causes, methods, outcomes, tagsOf, triggers, type MeasurementName } from '../../../core/catalog.ts'
import { registrySchema } from '../../../core/registry.ts'
import { type Category, standardSchema } from '../../../core/standard.ts'
import { createFleet, type Fleet } from '../../../collector/fleet.ts'
import { createRegistry, type Registry } from '../../../collector/registry.ts'

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

const standard = standardSchema.parse({
  id: 'plan-2025',
  title: { en: 'District plan 2021–2025', zh: '教育发展“十四五”规划' },
  source: 'District education plan 2021–2025, school broadband speed-up programme',
  targets_bps: { town: '500M', rural: '100M', 'teaching-point': '100M', kindergarten: '100M', special: '100M' },
})

const townNames = [
  ['East', '东城街道'],
  ['Phoenix', '凤城街道'],
  ['Riverside', '洲心街道'],
  ['Lotus', '横荷街道'],
  ['Springs', '源潭镇'],
  ['Dragon Pond', '龙塘镇'],
  ['Stone Horn', '石角镇'],
  ['Flying Gorge', '飞来峡镇'],
] as const

/** How a made-up site behaves. `self_test`: only a testpoint on the same host; `new`: measured since yesterday. */
export type Behaviour = 'good' | 'slow' | 'evenings' | 'dead' | 'busy' | 'new' | 'self_test'
export type MadeSite = { id: string; category: Category; behaviour: Behaviour; agent: string }
export type Row = { time: number; tags: Record<string, string>; fields: Record<string, number | null> }
export type District = { registry: Registry; fleet: Fleet; sites: MadeSite[]; batches: Batch[] }

export type Wish = { sites: number; now: number; days: number; simulated?: boolean }

export function makeDistrict({ sites: count, now, days, simulated = false }: Wish): District {
  const random = randomOf(20_261_123)
  const sites = Array.from({ length: count }, (_, i): MadeSite => {
    const id = `qc-${String(i + 1).padStart(3, '0')}`
    return { id, agent: `gw-${id}`, category: categoryOf(i, random), behaviour: behaviourOf(i, random) }
  })
  const registry = registryOf(sites, simulated)
  const batches = sites.flatMap((site, i) => samplesOf(site, i, registry, { now, days, random }))
  return { registry, fleet: fleetOf(sites, registry, now), sites, batches }
}

function categoryOf(index: number, random: () => number): Category {
  if (index < 5) return (['town', 'rural', 'town', 'kindergarten', 'teaching-point'] as const)[index] as Category
  const draw = random()
  if (draw < 0.12) return 'town'
  if (draw < 0.22) return 'rural'
  if (draw < 0.27) return 'teaching-point'
  return draw < 0.995 ? 'kindergarten' : 'special'
}

/** The first sites show one of each; the rest are drawn as a district is. */
function behaviourOf(index: number, random: () => number): Behaviour {
  const first = ['good', 'slow', 'evenings', 'dead', 'self_test', 'busy', 'new'] as const
  const draw = random()
  if (index < first.length) return first[index] as Behaviour
  if (draw < 0.86) return 'good'
  if (draw < 0.92) return 'slow'
  if (draw < 0.94) return 'evenings'
  if (draw < 0.96) return 'dead'
  return draw < 0.98 ? 'busy' : 'new'
}

const schoolNames = {
  town: ['Central School', '中心小学'],
  rural: ['Village School', '村小学'],
  'teaching-point': ['Teaching Point', '教学点'],
  kindergarten: ['Kindergarten', '幼儿园'],
  special: ['Special School', '特殊教育学校'],
} as const

function registryOf(sites: readonly MadeSite[], simulated: boolean): Registry {
  const town = (i: number) => `t${(i % townNames.length) + 1}`
  const data = registrySchema.parse({
    district: { id: 'qc', name: { en: 'Example District', zh: '示例区' }, simulated },
    towns: townNames.map(([en, zh], i) => ({ id: `t${i + 1}`, name: { en, zh } })),
    sites: sites.map(({ id, category }, i) => {
      const [en, zh] = schoolNames[category]
      const [townEn, townZh] = townNames[i % townNames.length] as (typeof townNames)[number]
      const n = Math.floor(i / townNames.length) + 1
      return {
        id,
        town: town(i),
        category,
        name: { en: `${townEn} ${en} ${n}`, zh: `${townZh.replace(/(街道|镇)$/, '')}第${n}${zh}` },
        location: [23.6 + (i % 20) / 100, 113 + (i % 17) / 100],
      }
    }),
    agents: sites.map(({ id, agent }) => ({ id: agent, site: id })),
    links: [
      { id: 'fibre', site: 'qc-001', name: { en: 'Fibre', zh: '专线' }, carrier: 'China Telecom' },
      { id: 'backup', site: 'qc-001', name: { en: 'Backup', zh: '备用' }, target_down_bps: '100M' },
    ],
    services: [
      { id: 'platform', url: 'https://platform.example/', name: { en: 'Teaching platform', zh: '教学云平台' } },
      { id: 'smartedu', url: 'https://basic.smartedu.example/', name: { en: 'Smart education', zh: '智慧教育平台' } },
    ],
    rooms: [1, 2, 3].map((n) => ({
      id: `r10${n}`,
      site: 'qc-001',
      name: { en: `Class ${n}`, zh: `一年级（${n}）班` },
    })),
    terminals: [1, 2, 3].flatMap((n) =>
      (['panel', 'pc', 'ap'] as const).map((kind) => ({
        id: `${kind}-10${n}`,
        site: 'qc-001',
        kind,
        room: `r10${n}`,
        address: `192.0.2.${n}`,
        name: { en: `${kind} ${n}`, zh: `${{ panel: '一体机', pc: '电脑', ap: '无线 AP' }[kind]} ${n}` },
      })),
    ),
  })
  return createRegistry(data, standard)
}

function fleetOf(sites: readonly MadeSite[], registry: Registry, now: number): Fleet {
  let time = now - 3 * dayMs
  const fleet = createFleet({ now: () => time, onChange: () => {} })
  for (const { agent, behaviour } of sites) {
    const revision = registry.slice(agent, now)?.revision ?? ''
    fleet.wanted(agent, revision)
    if (behaviour === 'new') continue
    const status = { v: 1 as const, boot: 'b1', conn: 1, version: '0.1.0', stream: 'main', revision, gaps: [] }
    fleet.report(agent, { ...status, on: true, at: time }, time)
    if (behaviour === 'dead') fleet.report(agent, { ...status, on: false, at: time }, now - dayMs)
  }
  time = now - dayMs + minuteMs
  fleet.tick()
  time = now
  for (const { agent, behaviour } of sites) if (behaviour !== 'dead') fleet.heard(agent, now - 20_000)
  return fleet
}

type Circumstances = { now: number; days: number; random: () => number }

function samplesOf(site: MadeSite, index: number, registry: Registry, circumstances: Circumstances): Batch[] {
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

function terminals(registry: Registry, site: string, times: readonly number[], random: () => number): Row[] {
  return registry.terminalsOf(site, times.at(-1) ?? 0).flatMap(({ id, kind, room }, i) =>
    times.map((time) => ({
      time,
      tags: { terminal: id, kind, room },
      fields: { up: i === 4 ? 0 : 1, rtt_seconds: i === 4 ? null : 0.001 + random() / 1000, loss_ratio: 0 },
    })),
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

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
