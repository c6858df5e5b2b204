/** The made-up district: its registry, and what the samples of each school are made from. */
import type { z } from 'zod'
import { createRegistry, type Registry } from '../../collector/registry.ts'
import { registrySchema } from '../../core/registry.ts'
import type { Category, Standard } from '../../core/standard.ts'
import { type Device, type Inventory, inventoryOf } from './inventory.ts'
import { createNamer, districtName, towns, type SchoolName } from './names.ts'
import { keyOf, mix, pick, randomOf } from './random.ts'
import { castShowcase, type Showcase } from './showcase.ts'
import { castStories, type Moment, type Story } from './stories.ts'

export type DistrictOptions = {
  seed: number
  sites: number
  /** Classroom devices of an average school. */
  terminals: number
  /** Now; the stories lead up to it. */
  end: number
}

export type Link = {
  id: string
  downBps: number
  upBps: number
  /** What it carries where nothing is wrong, as a share of its target. */
  headroom: number
  interfaceBps: number
}

export type School = {
  id: string
  agent: string
  town: string
  category: Category
  /** Of everything that is left to chance. */
  key: number
  story: Story
  /** Pupils live there: its evenings are busy. */
  boarding: boolean
  /** Between 0 in the seat of the district and 1 far out. */
  remoteness: number
  /** Share of its links that it uses when busiest. */
  usage: number
  /** Its gateway measures this long after the full minute. */
  offsetMs: number
  links: Link[]
  devices: Device[]
}

export type RegistryInput = z.input<typeof registrySchema>
export type District = {
  seed: number
  moment: Moment
  input: RegistryInput
  registry: Registry
  schools: School[]
  showcase: Showcase | undefined
}

/** A perfect Ethernet port carries this much of its name at layer 2, without FCS. */
export const portRatio = 0.984

/** Of 400: 70 town schools, 58 rural ones, 15 teaching points, 2 special schools, the rest kindergartens. */
const shares: readonly (readonly [Category, number])[] = [
  ['town', 0.175],
  ['rural', 0.145],
  ['teaching-point', 0.0375],
  ['special', 0.005],
]

export function makeDistrict({ seed, sites, terminals, end }: DistrictOptions, standard: Standard): District {
  const random = randomOf(mix(seed, keyOf('district')))
  const categories = categoriesOf(sites)
  const namer = createNamer(random)
  const stories = castStories(random, categories)
  const drafts = categories.map((category, i) => draftOf({ category, index: i, seed, random, ...namer(category) }))
  const inventories = drafts.map(({ id, category, secondary }, i) =>
    inventoryOf({ site: id, index: i, category, secondary, average: terminals, year: new Date(end).getUTCFullYear() }),
  )
  const showcase = castShowcase(
    drafts.map(({ id }, i) => ({ id, story: stories[i] as Story, devices: inventories[i]?.devices ?? [] })),
  )
  const input = registryInput(drafts, inventories)
  const registry = createRegistry(registrySchema.parse(input), standard)
  const schools = drafts.map(
    (draft, i): School => ({
      ...draft,
      town: draft.town.id,
      story: stories[i] as Story,
      links: linksOf(registry, draft, stories[i] as Story, end),
      devices: inventories[i]?.devices ?? [],
    }),
  )
  return { seed, moment: { end }, input, registry, schools, showcase }
}

function categoriesOf(count: number): Category[] {
  const result = shares.flatMap(([category, share]) => new Array<Category>(Math.round(count * share)).fill(category))
  while (result.length < count) result.push('kindergarten')
  return result.slice(0, count)
}

type Wish = SchoolName & { category: Category; index: number; seed: number; random: () => number }
type Draft = ReturnType<typeof draftOf>

function draftOf({ category, index, seed, random, town, name, secondary }: Wish) {
  const id = `ql-${String(index + 1).padStart(3, '0')}`
  const key = mix(seed, keyOf(id))
  const spread = town.urban ? 0.02 : 0.05
  const around = (center: number) => Number((center + (random() + random() - 1) * spread).toFixed(5))
  return {
    id,
    agent: `gw-${id}`,
    name,
    town,
    category,
    secondary,
    key,
    boarding: secondary && random() < 0.7,
    remoteness: (town.urban ? 0.1 : 0.55) + 0.4 * random(),
    usage: 0.2 + 0.62 * random() ** 2,
    offsetMs: key % 60_000,
    location: [around(town.latitude), around(town.longitude)] as [number, number],
    carrier: pick(random, carriers),
    contract: contractOf(category, random()),
    backup: category === 'town' && random() < 0.06,
  }
}

const carriers = [
  { zh: '中国电信', en: 'China Telecom' },
  { zh: '中国电信', en: 'China Telecom' },
  { zh: '中国移动', en: 'China Mobile' },
  { zh: '中国联通', en: 'China Unicom' },
  { zh: '中国广电', en: 'China Broadnet' },
] as const

/** A few schools have bought more than the plan asks for. */
function contractOf(category: Category, draw: number): { target_down_bps?: string; target_up_bps?: string } {
  if (category === 'town' && draw < 0.08) return { target_down_bps: '1G', target_up_bps: '500M' }
  if (category === 'rural' && draw < 0.1) return { target_down_bps: '300M' }
  return category === 'kindergarten' && draw < 0.02 ? { target_down_bps: '200M', target_up_bps: '100M' } : {}
}

function registryInput(drafts: readonly Draft[], inventories: readonly Inventory[]) {
  const input: RegistryInput = {
    district: { id: 'qinglan', name: districtName, simulated: true },
    towns: towns.map(({ id, zh, en }) => ({ id, name: { zh, en } })),
    sites: drafts.map(({ id, name, town, category, location }, i) => {
      const teachers = inventories[i]?.teachers
      return { id, name, town: town.id, category, location, teachers }
    }),
    agents: drafts.map(({ id, agent }) => ({ id: agent, site: id })),
    links: drafts.flatMap(({ id, carrier, contract, backup }) => [
      linkRow(`${id}-wan`, id, carrier, contract),
      ...(backup ? [linkRow(`${id}-backup`, id, { zh: '备用线路', en: 'Backup line' }, {})] : []),
    ]),
    // Addresses set aside for documentation (RFC 5737): nothing is ever asked there.
    testpoints: [
      { id: 'district-1', level: 'district', url: 'http://192.0.2.10:8422/', name: name('区测试点', 'District') },
      { id: 'city-1', level: 'city', url: 'http://198.51.100.10/', priority: 1, name: name('市测试点', 'City') },
    ],
    paths: [
      { id: 'school-core', level: 'site', host: '192.0.2.1', name: name('校内核心交换机', 'School switch') },
      { id: 'district-hub', level: 'district', host: '192.0.2.20', name: name('区教育网中心', 'District hub') },
      { id: 'city-hub', level: 'city', host: '198.51.100.20', name: name('市教育网中心', 'City hub') },
      { id: 'province-hub', level: 'province', host: '203.0.113.20', name: name('省教育网中心', 'Province hub') },
      { id: 'internet-1', level: 'internet', host: '203.0.113.53', name: name('公网解析服务', 'Public resolver') },
    ],
    services: [
      { id: 'district-cloud', url: 'https://cloud.example/', name: name('区教育云平台', 'District cloud') },
      { id: 'smart-classes', url: 'https://classes.example/', name: name('智慧课堂平台', 'Smart classes') },
      { id: 'live-lessons', url: 'https://live.example/', name: name('双师课堂直播', 'Dual-teacher lessons') },
    ],
    rooms: inventories.flatMap(({ rooms }) => rooms),
    terminals: inventories.flatMap(({ devices }) => devices),
  }
  return input
}

const name = (zh: string, en: string) => ({ zh, en })

function linkRow(id: string, site: string, carrier: { zh: string; en: string }, contract: object) {
  const named = { zh: `${carrier.zh}专线`, en: `${carrier.en} line` }
  return { id, site, name: id.endsWith('backup') ? carrier : named, carrier: carrier.en, ...contract }
}

/** Targets as the collector knows them, and what the lines carry. */
function linksOf(registry: Registry, { id, key }: Draft, { kind }: Story, time: number): Link[] {
  const random = randomOf(key + 1)
  return registry.linksOf(id, time).map(({ id: link, downBps, upBps }, i) => {
    const draw = random()
    const usual = 1 + 0.06 * random()
    // Where 100 Mbit/s are asked for, many carriers sell more.
    const fast = downBps <= 100e6 ? 1.4 + random() : 1.1
    const headroom = draw < 0.12 ? portRatio : draw < 0.6 || kind !== 'good' ? usual : fast
    const interfaceBps = kind === 'old_interface' && i === 0 ? 100e6 : 1e9 * (downBps >= 1e9 ? 2.5 : 1)
    return { id: link, downBps, upBps, headroom, interfaceBps }
  })
}
