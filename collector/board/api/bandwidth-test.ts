/** A bandwidth test now, asked for by a person. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { inLesson } from '../../../core/calendar.ts'
import { agentIdSchema, idSchema } from '../../../core/registry.ts'
import { longestTestSeconds } from '../../../core/status.ts'
import type { BoardContext } from '../context.ts'
import { isoOf } from '../presence.ts'
import { defineRoute, HttpError } from '../route.ts'
import { timeSchema } from '../schemas.ts'
import { knownSite } from './sites.ts'

/** An agent that is online has it within a second. */
const validMs = 60_000
/** What a test may take: one that would reach into a lesson counts as in it. */
const testSeconds = Math.max(...Object.values(longestTestSeconds))

export const bandwidthTest = defineRoute({
  method: 'POST',
  path: '/api/v1/sites/{id}/bandwidth-test',
  summary:
    'Asks the agents of a site to test its bandwidth now, in a lesson only when that is confirmed; the result is a test like others.',
  params: z.object({ id: idSchema.describe('Id of the site.') }),
  body: z.strictObject({
    link: idSchema.optional().describe('Link to test; without it, all of the site.'),
    confirm_in_lesson: z.boolean().default(false).describe('Test although a lesson or an examination is on.'),
  }),
  response: {
    name: 'TestRequest',
    schema: z.object({
      sent: z.boolean().describe('false: nothing was sent, for a lesson is on and it was not confirmed.'),
      in_lesson: z.boolean().describe('A lesson or an examination is on, or begins before a test would be over.'),
      id: z.string().nullable().describe('Id of the command.'),
      agents: z.array(agentIdSchema).describe('Agents that were asked.'),
      until: timeSchema.nullable().describe('An agent that hears of it later does nothing.'),
    }),
  },
  errors: {
    404: 'There is no such site or link.',
    409: 'No agent is online, nothing can be tested there, or the district is made up.',
    429: 'Tested a moment ago; Retry-After says when again.',
    503: 'Not connected to the broker.',
  },
  handle: async (context, { params, body }) => {
    const time = context.now()
    const registry = context.registry()
    const site = knownSite(registry, params.id, time)
    const agents = agentsFor(context, site.id, body.link, time)
    const lesson = inLesson(registry.calendars.scheduleOf(site.id, site.category, time), time, testSeconds)
    if (lesson && !body.confirm_in_lesson) return { sent: false, in_lesson: true, id: null, agents: [], until: null }
    const waitSeconds = context.allowTest(site.id)
    if (waitSeconds > 0) throw tooSoon(site.id, waitSeconds)
    const command = {
      v: 1 as const,
      id: randomUUID(),
      type: 'bandwidth' as const,
      until: time + validMs,
      in_lesson: lesson,
      ...(body.link !== undefined && { link: body.link }),
    }
    await Promise.all(agents.map((agent) => context.command(agent, command)))
    return { sent: true, in_lesson: lesson, id: command.id, agents, until: isoOf(command.until) }
  },
})

/** Agents that can test the link now. */
function agentsFor({ registry, fleet, simulated }: BoardContext, site: string, link: string | undefined, time: number) {
  const known = registry()
  if (simulated()) throw new HttpError(409, 'simulated', 'This district is made up; there is nothing to test.')
  if (link !== undefined && known.linksOf(site, time).every(({ id }) => id !== link)) {
    throw new HttpError(404, 'not_found', `There is no link "${link}" at "${site}".`)
  }
  const able = known
    .agents(time)
    .filter((agent) => known.placeOf(agent, time)?.site === site)
    .filter((agent) => {
      const slice = known.slice(agent, time)
      if (slice === undefined || slice.testpoints.length === 0 || slice.trials_per_day === 0) return false
      return link === undefined ? slice.links.length > 0 : slice.links.some(({ id }) => id === link)
    })
  if (able.length === 0) {
    const message = 'No agent of this site has a link and a testpoint to test with, or trials_per_day is 0.'
    throw new HttpError(409, 'nothing_to_test', message)
  }
  const online = able.filter((agent) => fleet.state(agent).presence === 'online')
  if (online.length === 0) throw new HttpError(409, 'not_online', `No agent of "${site}" is online.`)
  return online
}

function tooSoon(site: string, seconds: number): HttpError {
  const error = new HttpError(429, 'too_often', `"${site}" was tested a moment ago; ask again in ${seconds} s.`)
  error.retryAfterSeconds = seconds
  return error
}
