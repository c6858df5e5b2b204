/** A made-up district, the same from the same seed: what the board and its screenshots are tested with. */
import type { z } from 'zod'
import type { Batch } from '../../../core/batch.ts'
import { registrySchema } from '../../../core/registry.ts'
import { type Category, type ruleSchema, standardSchema } from '../../../core/standard.ts'
import { createFleet, type Fleet } from '../../../collector/fleet.ts'
import { createRegistry, type Registry } from '../../../collector/registry.ts'
import { randomOf } from '../../../commands/demo/random.ts'
import { type Behaviour, type MadeSite, samplesOf } from './samples.ts'

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

export type District = { registry: Registry; fleet: Fleet; sites: MadeSite[]; batches: Batch[] }

/** `rules`: of their own, by school. */
export type Wish = {
  sites: number
  now: number
  days: number
  simulated?: boolean
  rules?: Readonly<Record<string, z.input<typeof ruleSchema>>>
}

export function makeDistrict({ sites: count, now, days, simulated = false, rules = {} }: Wish): District {
  const random = randomOf(20_261_123)
  const sites = Array.from({ length: count }, (_, i): MadeSite => {
    const id = `qc-${String(i + 1).padStart(3, '0')}`
    return { id, agent: `gw-${id}`, category: categoryOf(i, random), behaviour: behaviourOf(i, random) }
  })
  const registry = registryOf(sites, simulated, rules)
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

/** Whatever the hour, one is at fault when it is silent and one never is. */
const expectations: Readonly<Record<string, string>> = { 'pc-102': 'always', 'ap-102': 'never' }

const schoolNames = {
  town: ['Central School', '中心小学'],
  rural: ['Village School', '村小学'],
  'teaching-point': ['Teaching Point', '教学点'],
  kindergarten: ['Kindergarten', '幼儿园'],
  special: ['Special School', '特殊教育学校'],
} as const

function registryOf(sites: readonly MadeSite[], simulated: boolean, rules: NonNullable<Wish['rules']>): Registry {
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
        rule: rules[id],
        name: { en: `${townEn} ${en} ${n}`, zh: `${townZh.replace(/(街道|镇)$/, '')}第${n}${zh}` },
        location: [23.6 + (i % 20) / 100, 113 + (i % 17) / 100],
      }
    }),
    agents: sites.map(({ id, agent }) => ({ id: agent, site: id })),
    links: [
      { id: 'fibre', site: 'qc-001', name: { en: 'Fibre', zh: '专线' }, carrier: 'China Telecom' },
      { id: 'backup', site: 'qc-001', name: { en: 'Backup', zh: '备用' }, target_down_bps: '100M' },
    ],
    testpoints: [{ id: 'district-1', url: 'http://192.0.2.10:8422/' }],
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
        expected: expectations[`${kind}-10${n}`],
        name: { en: `${kind} ${n}`, zh: `${{ panel: '一体机', pc: '电脑', ap: '无线 AP' }[kind]} ${n}` },
      })),
    ),
  })
  return createRegistry(data, standard)
}

function fleetOf(sites: readonly MadeSite[], registry: Registry, now: number): Fleet {
  let time = now
  const fleet = createFleet({ now: () => time, onChange: () => {} })
  for (const { agent, behaviour } of sites) {
    const revision = registry.slice(agent, now)?.revision ?? ''
    time = now - 3 * dayMs
    fleet.wanted(agent, revision)
    if (behaviour === 'new') continue
    const status = { v: 1 as const, boot: 'b1', conn: 1, version: '0.1.0', stream: 'main', revision, gaps: [] }
    fleet.report(agent, { ...status, on: true, at: time }, time)
    time = now - dayMs
    if (behaviour === 'dead') fleet.report(agent, { ...status, on: false, at: time }, time)
  }
  time = now - dayMs + minuteMs
  fleet.tick()
  time = now
  for (const { agent, behaviour } of sites) if (behaviour !== 'dead') fleet.heard(agent, now - 20_000)
  return fleet
}
