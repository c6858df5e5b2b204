/** What the bandwidth benchmark runs: the ladder of the standard, its short form, hard conditions, or one case. */
import { parseArgs } from 'node:util'
import { AppError } from '../../../core/errors.ts'
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

type Values = ReturnType<typeof parse>
const parse = (args: string[]) => parseArgs({ args, options, strict: true }).values

/** A number within its bounds. Throws `config_invalid` with what the flag takes. */
function numberOf(values: Values, name: keyof Values, [least, most]: [number, number], isWhole = false): number {
  const value = values[name]
  const number = Number(value === '' ? Number.NaN : value)
  if (number >= least && number <= most && (!isWhole || Number.isInteger(number))) return number
  throw wrong(name, value, `a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`)
}

function oneOf<T extends string>(values: Values, name: keyof Values, allowed: readonly T[]): T {
  const value = values[name]
  const found = allowed.find((each) => each === value)
  if (found === undefined) throw wrong(name, value, allowed.join(' or '))
  return found
}

function wrong(name: string, value: unknown, allowed: string): AppError {
  return new AppError('config_invalid', `--${name} ${JSON.stringify(value)}: it takes ${allowed}.`)
}

/** Rates that the lab can shape, and delays that its relay holds. */
const mbpsRange: [number, number] = [1, 10_000]
const ratioRange: [number, number] = [0, 0.95]

/** Reads the flags. Throws for one that is unknown, or that has a value it does not take. */
export function planOf(args: string[]): Plan {
  const values = parse(args)
  const mbpsOf = (name: 'target-mbps' | 'capacity-mbps') =>
    values[name] === undefined ? undefined : numberOf(values, name, mbpsRange)
  const target = mbpsOf('target-mbps')
  const capacity = mbpsOf('capacity-mbps')
  const targets = target === undefined ? [100, 500] : [target]
  const ways = values.direction === undefined ? directions : [oneOf(values, 'direction', directions)]
  const runsOr = (usual: number) => (values.runs === undefined ? usual : numberOf(values, 'runs', [1, 1000], true))
  const scale = oneOf(values, 'layer', ['2', '3']) === '3' ? frameRatio : 1
  const crossRatio = numberOf(values, 'cross-ratio', ratioRange)
  const crossType = oneOf(values, 'cross-type', ['udp', 'tcp'])
  const conditions = values.conditions === undefined ? undefined : oneOf(values, 'conditions', ['hard', 'fleet'])
  const base = {
    rttMs: numberOf(values, 'rtt-ms', [0, 2000]),
    lossRatio: numberOf(values, 'loss-ratio', ratioRange),
    runs: runsOr(values.quick ? 2 : 5),
    protocol: oneOf(values, 'protocol', ['librespeed', 'ndt7', 'iperf3']),
    ...(crossRatio > 0 && { cross: { ratio: crossRatio, type: crossType } }),
  }
  const plan = {
    seed: numberOf(values, 'seed', [0, 2 ** 32 - 1], true),
    iperf3: !values.quick && !values['no-iperf3'],
    fleet: conditions === 'fleet',
  }
  if (conditions === 'hard') return { ...plan, iperf3: false, cases: hardCases(runsOr(2)) }
  const capacities = (mbps: number) =>
    capacity === undefined ? (values.quick ? quickLadder : ladder).map((percent) => (mbps * percent) / 100) : [capacity]
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
