/** Agents, and the collector itself. */
import { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import type { BoardContext } from '../context.ts'
import { agentDocument } from '../documents.ts'
import { isoOf } from '../presence.ts'
import { defineRoute } from '../route.ts'
import { agentSchema, type HealthDocument, healthSchema, timeSchema } from '../schemas.ts'

export const agents = defineRoute({
  path: '/api/v1/agents',
  summary: 'All agents: registered ones, and those that are heard but not registered.',
  response: { name: 'AgentList', schema: z.object({ agents: z.array(agentSchema) }) },
  handle: ({ registry, fleet, holding, now }) => {
    const time = now()
    const known = registry()
    const kept = new Map(holding.quarantined().map((entry) => [entry.agent, entry]))
    const ids = new Set([...known.agents(time), ...fleet.states().map(({ agent }) => agent), ...kept.keys()])
    return {
      agents: [...ids].toSorted().map((id) => agentDocument(known, fleet.state(id), kept.get(id), time)),
    }
  },
})

export const deadLetters = defineRoute({
  path: '/api/v1/dead-letters',
  summary: 'Batches that were refused for good, the newest first; at most 1,000 are kept.',
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many to list.'),
  }),
  response: {
    name: 'DeadLetterList',
    schema: z.object({
      dead_letters: z.array(
        z.object({
          time: timeSchema,
          agent: z.string(),
          topic: z.string(),
          reason: z.string(),
          bytes: z.number().int(),
        }),
      ),
    }),
  },
  handle: ({ holding }, { query }) => ({
    dead_letters: holding
      .deadLetters(query.limit)
      .map(({ at, agent, topic, reason, bytes }) => ({ time: isoOf(at), agent, topic, reason, bytes })),
  }),
})

export const health = defineRoute({
  path: '/api/v1/health',
  summary: 'How the parts of the collector are; 503 when one is not well.',
  response: { name: 'Health', schema: healthSchema },
  errors: { 503: 'A part is not well; the body says which, as in 200.' },
  status: ({ ok }) => (ok ? 200 : 503),
  handle: async ({ health: parts, version, startedAt, simulated }) => {
    const found = Object.fromEntries(
      await Promise.all(Object.entries(parts).map(async ([name, ask]) => [name, await partOf(ask)] as const)),
    )
    const ok = Object.values(found).every((part) => part.ok)
    return { ok, version, started_at: isoOf(startedAt), simulated: simulated(), parts: found }
  },
})

async function partOf(ask: BoardContext['health'][string]): Promise<HealthDocument['parts'][string]> {
  try {
    return await ask()
  } catch (error) {
    return { ok: false, problems: [`It does not answer: ${messageOf(error)}.`], facts: {} }
  }
}
