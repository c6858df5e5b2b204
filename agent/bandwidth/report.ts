/** `linkbell measure`: one test from the terminal, its verdict in plain words. */
import { type Cause, causes, measurements, type Text } from '../../core/catalog.ts'
import type { Log } from '../../core/log.ts'
import type { Direction } from '../../core/standard.ts'
import { formatBytes, formatRate, formatSeconds } from '../../core/units.ts'
import type { Exec } from '../probe.ts'
import type { testpointTypes } from '../../core/registry.ts'
import { bandwidthSchema } from './config.ts'
import type { Progress } from './load.ts'
import { measureBandwidth } from './measure.ts'
import type { BandwidthResult } from './result.ts'
import { sampleOf } from './sample.ts'

export type Language = keyof Text

export type MeasureOptions = {
  /** URL of the testpoint. */
  testpoint: string
  type?: (typeof testpointTypes)[number]
  /** Mbit/s each way. */
  targetMbps: number
  direction: Direction | 'both'
  /** WAN interface; without it, the one that the testpoint is reached through. */
  interface?: string
  maxBytes?: number
  json: boolean
  lang: Language
  /** Exit 1 when a direction is below its target. */
  failBelow: boolean
}

export type MeasureIo = {
  write: (text: string) => void
  /** The progress bar rewrites its line, which only a terminal understands. */
  isTTY: boolean
  signal: AbortSignal
  log: Log
  exec: Exec
  now: () => number
}

const bits = 1e6
const barWidth = 24

const words = {
  down: { en: 'Download', zh: '下行' },
  up: { en: 'Upload', zh: '上行' },
  met: { en: 'meets the target', zh: '达标' },
  below: { en: 'BELOW the target', zh: '未达标' },
  inconclusive: { en: 'no verdict', zh: '无结论' },
  self_test: {
    en: 'self-test: the testpoint runs on this very host, so this proves the chain, not the link',
    zh: '自检：测试点就在本机，只能证明测量链路正常，不能证明线路带宽',
  },
  atLeast: { en: 'at least', zh: '至少' },
  target: { en: 'target', zh: '要求' },
  linkRate: { en: 'link rate', zh: '链路速率' },
  goodput: { en: 'goodput', zh: '有效吞吐量' },
  other: { en: 'other traffic', zh: '其他流量' },
  used: { en: 'used', zh: '消耗' },
  within: { en: 'in', zh: '用时' },
  rtt: { en: 'RTT idle / under load', zh: '时延 空闲 / 负载' },
} satisfies Record<string, Text>

/** Runs the test and writes what came of it. Resolves to the exit code: 0 whatever the verdict, unless asked otherwise. */
export async function measureCommand(options: MeasureOptions, io: MeasureIo): Promise<0 | 1> {
  const target_bps = options.targetMbps * bits
  const directions: Direction[] = options.direction === 'both' ? ['down', 'up'] : [options.direction]
  const config = bandwidthSchema.parse({
    testpoints: [{ id: 'testpoint', url: options.testpoint, type: options.type ?? 'librespeed' }],
    targets: directions.map((direction) => ({ direction, target_bps })),
    trigger: 'manual',
    ...(options.interface !== undefined && { interface: options.interface }),
    ...(options.maxBytes !== undefined && { max_bytes: options.maxBytes }),
  })
  const showsProgress = io.isTTY && !options.json
  const results = await measureBandwidth(config, {
    ...io,
    ...(showsProgress && { onProgress: (progress: Progress) => io.write(`\r${progressLine(progress, options.lang)}`) }),
  })
  if (showsProgress) io.write('\r\u001b[2K')
  io.write(
    options.json
      ? `${JSON.stringify({ results: results.map(plain) })}\n`
      : results.map((result) => describe(result, options.lang)).join(''),
  )
  return options.failBelow && results.some((result) => result.outcome === 'below') ? 1 : 0
}

/** For scripts: the catalog's names, states in words. */
function plain(result: BandwidthResult): object {
  const { tags, fields, time } = sampleOf(result)
  const { outcome, cause, method, trigger, reason } = result
  return { time, ...tags, ...fields, outcome, cause, method, trigger, reason, at_least: result.atLeast }
}

function progressLine({ direction, seconds, rateBps, targetBps, usedBytes }: Progress, lang: Language): string {
  const filled = Math.min(barWidth, Math.round((rateBps / targetBps) * barWidth))
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  return `${words[direction][lang]} ${bar} ${formatRate(rateBps)}  ${seconds.toFixed(1)} s  ${formatBytes(usedBytes)}\u001b[K`
}

/** The verdict on one direction: what it is first, then what it rests on. */
function describe(result: BandwidthResult, lang: Language): string {
  const say = (name: keyof typeof words) => words[name][lang]
  const isSelfTest = result.method === 'self_test'
  const verdict = say(isSelfTest && result.cause === 'none' ? 'self_test' : result.outcome)
  const cause =
    result.cause === 'none'
      ? ''
      : lang === 'zh'
        ? `（${causeText(result.cause, lang)}）`
        : ` (${causeText(result.cause, lang)})`
  const rate = result.linkRateBps === null ? '–' : formatRate(result.linkRateBps)
  const facts = [
    `${say('linkRate')} ${result.atLeast ? `${say('atLeast')} ` : ''}${rate}`,
    `${say('target')} ${formatRate(result.targetBps)}`,
    ...(result.goodputBps === null ? [] : [`${say('goodput')} ${formatRate(result.goodputBps)}`]),
    ...(result.otherBps === null || isSelfTest ? [] : [`${say('other')} ${formatRate(result.otherBps)}`]),
  ]
  const rtts = [result.rttIdleSeconds, result.rttLoadedSeconds].map((rtt) => (rtt === null ? '–' : formatSeconds(rtt)))
  const cost = `${say('used')} ${formatBytes(result.transferredBytes)} ${say('within')} ${formatSeconds(result.durationSeconds)}`
  const colon = lang === 'zh' ? '：' : ': '
  const reason = result.reason === undefined ? '' : `  ${result.reason}\n`
  return `${say(result.direction)}${colon}${verdict}${cause}\n${reason}  ${facts.join(', ')}\n  ${cost}, ${say('rtt')} ${rtts.join(' / ')}\n`
}

function causeText(cause: Cause, lang: Language): string {
  const { states } = measurements.bandwidth.fields.cause
  return states?.[causes[cause]]?.[lang] ?? cause
}
