/** What the bandwidth benchmark runs: the ladder of the standard, its short form, hard conditions, or one case. */
import { parseArgs } from 'node:util'
import type { Direction } from '../../../core/standard.ts'

export type Cross = { ratio: number; type: 'udp' | 'tcp' }
export type Case = {
  targetMbps: number
  /** Of the line, at layer 2. */
  capacityMbps: number
  direction: Direction
  cross?: Cross
  rttMs: number
  lossRatio: number
  runs: number
  /** Protocol of the testpoint. */
  protocol: 'librespeed' | 'ndt7' | 'iperf3'
  /** Put before a plain line of results. */
  note?: string
  /** Share of a CPU that the agent gets. */
  cpuRatio?: number
  /** Speed that the WAN interface says it has. */
  interfaceMbps?: number
}

export type Plan = {
  cases: Case[]
  iperf3: boolean
  seed: number
  /** Many agents at one testpoint instead of cases. */
  fleet: boolean
}

export const ladder = [80, 90, 92, 95, 98, 100, 105, 150, 200]
const quickLadder = [80, 92, 98, 105]
const directions: Direction[] = ['down', 'up']

/** Layer 2 bytes of a full frame for each byte of IP packet; for capacities stated at the IP layer. */
const frameRatio = 1514 / 1500

const options = {
  'target-mbps': { type: 'string' },
  'capacity-mbps': { type: 'string' },
  layer: { type: 'string', default: '2' },
  direction: { type: 'string' },
  runs: { type: 'string' },
  'cross-ratio': { type: 'string', default: '0' },
  'cross-type': { type: 'string', default: 'udp' },
  'rtt-ms': { type: 'string', default: '0' },
  'loss-ratio': { type: 'string', default: '0' },
  protocol: { type: 'string', default: 'librespeed' },
  conditions: { type: 'string' },
  quick: { type: 'boolean', default: false },
  'no-iperf3': { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
} as const

/** Reads the flags. Throws on one that is unknown. */
export function planOf(args: string[]): Plan {
  const { values } = parseArgs({ args, options, strict: true })
  const targets = values['target-mbps'] === undefined ? [100, 500] : [Number(values['target-mbps'])]
  const ways = values.direction === undefined ? directions : [values.direction as Direction]
  const runs = Number(values.runs ?? (values.quick ? 2 : 5))
  const base = {
    rttMs: Number(values['rtt-ms']),
    lossRatio: Number(values['loss-ratio']),
    runs,
    protocol: values.protocol as Case['protocol'],
    ...(Number(values['cross-ratio']) > 0 && {
      cross: { ratio: Number(values['cross-ratio']), type: values['cross-type'] as Cross['type'] },
    }),
  }
  const plan = {
    seed: Number(values.seed),
    iperf3: !values.quick && !values['no-iperf3'],
    fleet: values.conditions === 'fleet',
  }
  if (values.conditions === 'hard') return { ...plan, iperf3: false, cases: hardCases(Number(values.runs ?? 2)) }
  const capacity = values['capacity-mbps']
  const scale = values.layer === '3' ? frameRatio : 1
  const capacities = (target: number) =>
    capacity === undefined
      ? (values.quick ? quickLadder : ladder).map((percent) => (target * percent) / 100)
      : [Number(capacity)]
  const cases = targets.flatMap((targetMbps) =>
    ways.flatMap((direction) =>
      capacities(targetMbps).map((mbps) => ({ ...base, targetMbps, direction, capacityMbps: mbps * scale })),
    ),
  )
  return { ...plan, iperf3: plan.iperf3 && capacity === undefined, cases }
}

/** A sample: other people's traffic, a long path, loss, a weak agent, a slow port. */
function hardCases(runs: number): Case[] {
  const clean = { rttMs: 0, lossRatio: 0, runs, protocol: 'librespeed' as const }
  const both = (percents: number[], targetMbps: number, given: Partial<Case>): Case[] =>
    percents.flatMap((percent) =>
      directions.map((direction) => ({
        ...clean,
        targetMbps,
        direction,
        capacityMbps: (targetMbps * percent) / 100,
        ...given,
      })),
    )
  const crossed = (['udp', 'tcp'] as const).flatMap((type) =>
    [0.3, 0.6].flatMap((ratio) => [100, 500].flatMap((target) => both([100, 80], target, { cross: { ratio, type } }))),
  )
  const long = [0, 0.001, 0.01].flatMap((lossRatio) => both([100, 80], 100, { rttMs: 20, lossRatio }))
  const weak = both([100], 500, { cpuRatio: 0.05, note: 'agent held to 0.05 CPU' })
  const slowPort = both([19.6], 500, { interfaceMbps: 100, note: '100 Mbit/s port' })
  return [...crossed, ...long, ...weak, ...slowPort]
}

/** A deterministic order: neighbouring runs on a busy machine share its moods, so cases are shuffled. */
export function shuffle<T>(list: readonly T[], seed: number): T[] {
  const result = [...list]
  let state = seed >>> 0 || 1
  for (let i = result.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const j = Math.floor((state / 2 ** 32) * (i + 1))
    ;[result[i], result[j]] = [result[j] as T, result[i] as T]
  }
  return result
}
