/** Small retained messages beside the batches (docs/protocol.md §4): who is there, and what the collector answers. */
import { z } from 'zod'

const short = z.string().max(200)
const count = z.int().min(0)

/** What both sides say of themselves while they are connected, and what is said of them after. */
const presence = {
  v: z.literal(1),
  on: z.boolean(),
  /** Id of the process, new at every start. */
  boot: short,
  /** Number of the connection within the process: a last will older than the newest connection is void. */
  conn: count,
  /** The sender's clock when it was sent, ms. To an agent the collector answers with `now`: so it knows its offset. */
  at: count,
  version: short,
}

/** `…/<agent>/status`, retained; the last will is the same with `on: false`. At most 4 KiB. */
export const agentStatusSchema = z.object({
  ...presence,
  stream: short,
  /** Revision of the slice in use; absent before the first. */
  revision: short.optional(),
  /** The slice it was given but did not take, and why. */
  refused: z.object({ revision: short, reason: z.string().max(1000) }).optional(),
  /** Of a last will: so long the broker held it back, which also counts as waiting for the agent to be back. */
  held_seconds: count.optional(),
  /** Last gaps in its stream: batches dropped before they were stored. */
  gaps: z
    .array(z.object({ from_seq: count, to_seq: count, from: count, to: count, reason: short }))
    .max(16)
    .default([]),
})
export type AgentStatus = z.output<typeof agentStatusSchema>

/** `…/<agent>/ack`: sequence numbers that are stored, or refused for good with a reason. */
export const ackSchema = z.object({
  v: z.literal(1),
  stream: short.optional(),
  stored: z.array(count).max(10_000).default([]),
  refused: z
    .array(z.tuple([count, z.string().max(300)]))
    .max(10_000)
    .default([]),
  /** Taken over by a store that is not yet durable: they make room for others, and stay with the agent. */
  accepted: z.array(count).max(10_000).optional(),
  /** Collector's clock, ms. */
  now: count,
  /** `at` of the status that this answers: the agent learns its clock offset and may begin to send. */
  re: count.optional(),
})
export type Ack = z.output<typeof ackSchema>

/** `…/collector/<id>/status`, retained; will with `on: false`. A new (boot, conn) means: what was sent before may be lost, send again. */
export const collectorStatusSchema = z.object({
  ...presence,
  /** Start of the process, ms: of two with one id the first stays. */
  since: count.optional(),
  /** Judges the district since then, ms: the first one does. */
  judge: z.object({ since: count }).optional(),
})
export type CollectorStatus = z.output<typeof collectorStatusSchema>

/** Longest run of a bandwidth test, which the agent ends itself: by counters of its own, and by the slow ones of a gateway. */
export const longestTestSeconds = { own: 300, gateway: 450 } as const

/** `…/<agent>/cmd`: something to do once, now, because a person wants it. */
export const commandSchema = z.object({
  v: z.literal(1),
  /** The same command may arrive twice (QoS 1). */
  id: short.min(1),
  type: z.literal('bandwidth'),
  /** Link to test; without it, all of the agent's. */
  link: short.optional(),
  /** Void after this time, ms. */
  until: count,
  /** Whoever asks knows that a lesson is on. */
  in_lesson: z.boolean().default(false),
})
export type Command = z.output<typeof commandSchema>

/** Payloads above this are not looked at; commands have the limit of statuses. */
export const maxStatusBytes = 4 * 1024
export const maxSliceBytes = 256 * 1024
export const maxAckBytes = 256 * 1024

/** A small JSON message from the network; undefined when it is none, too large, or not of the schema. */
export function parseMessage<T extends z.ZodType>(
  payload: Buffer,
  schema: T,
  maxBytes: number,
): z.output<T> | undefined {
  if (payload.length > maxBytes) return undefined
  try {
    const parsed = schema.safeParse(JSON.parse(payload.toString()))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
