import { z } from 'zod'
import { rangeSchema } from '../../core/address.ts'
import { AppError } from '../../core/errors.ts'
import { idSchema, levels, reflectorSchema } from '../../core/registry.ts'
import { stampPort } from '../../core/stamp.ts'
import { openBudget } from '../bandwidth/budget.ts'
import { defineProbe } from '../probe.ts'
import { echo } from '../stamp.ts'
import { streamBytes, usualBurstSeconds, usualPacketBytes, usualSpacingSeconds } from './stream/cost.ts'
import { resolveAll } from '../resolve.ts'
import { burstLossOf, reorderedOf, summaryOf } from './path/statistics.ts'

const config = z.strictObject({
  targets: z
    .array(
      z.strictObject({
        id: idSchema.describe('Id of the target.'),
        level: z.enum(levels).describe('The level of the network that it stands for.'),
        reflector: reflectorSchema.describe('Its STAMP reflector: host, or host:port.'),
      }),
    )
    .min(1)
    .max(64)
    .describe('Reflectors, one of them a run, in turn.'),
  turn_seconds: z.number().min(1).max(86_400).describe('Seconds between two runs: whose turn it is follows from it.'),
  burst_seconds: z.number().min(0.2).max(60).default(usualBurstSeconds).describe('How long a run sends.'),
  spacing_seconds: z
    .number()
    .min(0.005)
    .max(1)
    .default(usualSpacingSeconds)
    .describe('Time between two packets, as a call has it.'),
  packet_bytes: z.int().min(48).max(1400).default(usualPacketBytes).describe('UDP payload of a packet.'),
  timeout_seconds: z.number().min(0.1).max(10).default(1).describe('A packet that takes longer is lost.'),
  allowed_ranges: z
    .array(rangeSchema)
    .optional()
    .describe('Address ranges (CIDR) that may be probed; without it, all.'),
  budget: z
    .strictObject({
      state_file: z.string().min(1).describe('Where the bytes used this month are kept.'),
      link: idSchema.describe('Link whose account pays.'),
      monthly_bytes: z.number().positive().describe('Most bytes of that account in a month.'),
    })
    .optional()
    .describe('Account that its bytes are taken from; without it, they are only told.'),
})

/** Windows in which the worst loss is looked for (Microsoft states burst loss "in any 200 ms"). */
const burstWindowSeconds = 0.2
export const stream = defineProbe({
  type: 'stream',
  description: 'Loss, jitter and round trips of a stream like a live class, against the STAMP reflector of one level.',
  config,
  link: 'quiet',
  async run(settings, { signal, now }) {
    const { targets, turn_seconds: turn, spacing_seconds: spacing, packet_bytes: packetBytes } = settings
    // By the clock and not by a count: one target a run keeps the levels apart, and a restart keeps their turns.
    const target = targets[Math.floor(now() / 1000 / turn) % targets.length] as (typeof targets)[number]
    const { host, port } = parseReflector(target.reflector)
    const address = await addressOf(target.id, host, settings.allowed_ranges, signal)
    const family = address.includes(':') ? 6 : 4
    const count = Math.max(1, Math.round(settings.burst_seconds / spacing))
    if (settings.budget !== undefined) {
      const { state_file: file, link, monthly_bytes: limitBytes } = settings.budget
      openBudget({ file, link, limitBytes, now }).charge(streamBytes(2 * count, { packetBytes, family }))
    }
    const echoes = await echo({
      address,
      port,
      count,
      gapMs: spacing * 1000,
      waitMs: settings.timeout_seconds * 1000,
      packetBytes,
      signal,
    })
    signal.throwIfAborted()
    const { rtts, arrivals } = echoes
    // Whether the level is reachable is for the ping to say: a firewall that hides a reflector is no outage.
    if (arrivals.length === 0)
      throw new AppError(
        'probe_failed',
        `Nothing comes back from the reflector of ${target.id} (UDP ${host} port ${port}); is it running, and may this agent use it?`,
      )
    return [
      {
        measurement: 'path',
        tags: { level: target.level, target: target.id },
        fields: {
          ...summaryOf(rtts),
          burst_loss_ratio: burstLossOf(rtts, Math.max(1, Math.round(burstWindowSeconds / spacing))),
          reordered_ratio: reorderedOf(arrivals),
          transferred_bytes: streamBytes(rtts.length + arrivals.length, { packetBytes, family }),
        },
      },
    ]
  },
})

/** `host`, `host:port` or `[address]:port`. */
export function parseReflector(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  // An IPv6 address without brackets has no port.
  return { host: bracketed ?? plain ?? text, port: port === undefined ? stampPort : Number(port) }
}

async function addressOf(id: string, host: string, ranges: readonly string[] | undefined, signal: AbortSignal) {
  const { found, unresolved, refused } = await resolveAll([{ host }], ranges, signal)
  const [first] = found
  if (first !== undefined) return first.address
  const [outside] = refused
  if (outside !== undefined)
    throw new AppError('range_refused', `The reflector of ${id} (${outside.address}) is outside the allowed ranges.`)
  throw new AppError('probe_failed', `The reflector of ${id}, ${host}, has no address (${unresolved[0]?.reason}).`)
}
