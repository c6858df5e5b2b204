import { z } from 'zod'
import { rangeSchema } from '../../core/address.ts'
import type { Sample } from '../../core/catalog.ts'
import { addressSchema, idSchema, terminalKinds } from '../../core/registry.ts'
import { defineProbe, type ProbeContext } from '../probe.ts'
import { rangeRefused, resolveAll } from '../resolve.ts'
import { converse, type Report, states } from './pjlink/conversation.ts'

const projector = z.strictObject({
  id: idSchema.describe('Id of the device.'),
  kind: z.enum(terminalKinds).describe('What it is.'),
  host: addressSchema,
  password: z.string().optional().describe('Its password; without it, none.'),
})
const config = z.strictObject({
  projectors: z.array(projector).min(1).describe('Devices that speak PJLink.'),
  port: z.int().min(1).max(65_535).default(4352).describe('TCP port that they listen on.'),
  // Some answer only after 2 s while they change their state.
  idle_seconds: z.number().min(0.1).max(30).default(5).describe('Longest silence of a device before it is given up.'),
  timeout_seconds: z.number().min(0.1).max(60).default(15).describe('Longest time for one device.'),
  allowed_ranges: z.array(rangeSchema).optional().describe('Address ranges (CIDR) that may be asked; without it, all.'),
})
type Projector = z.output<typeof projector>

/** All of the largest slice switched off at the mains (2,000 × 5 s) are through in 160 s, before the next turn. */
const concurrency = 64

export const pjlink = defineProbe({
  type: 'pjlink',
  description: 'Power, lamp hours, faults and input of projectors, by PJLink class 1: one short connection each.',
  config,
  link: 'any',
  async run(settings, context) {
    const { found, unresolved, refused } = await resolveAll(
      settings.projectors,
      settings.allowed_ranges,
      context.signal,
    )
    for (const { target, address } of refused)
      context.log.debug({ terminal: target.id, address }, 'A projector is outside the allowed ranges.')
    if (refused.length === settings.projectors.length) throw rangeRefused('projector', refused)

    const samples = unresolved.map(({ target, reason }) =>
      sampleOf(target, { state: 'no_answer', facts: {}, reason }, context),
    )
    const waiting = [...found]
    const work = async () => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        const limit = AbortSignal.any([context.signal, AbortSignal.timeout(settings.timeout_seconds * 1000)])
        const peer = {
          address: job.address,
          port: settings.port,
          password: job.target.password,
          idleSeconds: settings.idle_seconds,
        }
        const report = await converse(peer, limit)
        // Half a conversation says nothing of a device when it was the agent that stopped.
        context.signal.throwIfAborted()
        samples.push(sampleOf(job.target, report, context))
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    return samples
  },
})

function sampleOf({ id, kind }: Projector, { state, facts, reason }: Report, { log }: ProbeContext): Sample {
  if (state !== 'answers') log.debug({ terminal: id, state, reason }, 'A projector does not answer as it should.')
  return { measurement: 'device', tags: { terminal: id, kind }, fields: { pjlink: states[state], ...facts } }
}
