/** Sites: all of them with their verdicts, and one with everything that is known of it. */
import { z } from 'zod'
import { verdicts } from '../../../core/catalog.ts'
import { idSchema } from '../../../core/registry.ts'
import { categories } from '../../../core/standard.ts'
import type { AgentState } from '../../fleet.ts'
import { dayMs } from '../../local-time.ts'
import type { Registry } from '../../registry.ts'
import type { BoardContext } from '../context.ts'
import { bandwidthDocument, districtDocument, siteDocument, standardDocument } from '../documents.ts'
import { isoOf } from '../presence.ts'
import { defineRoute, HttpError } from '../route.ts'
import { bandwidthSampleSchema, siteDetailSchema, siteListSchema, timeSchema } from '../schemas.ts'
import { siteDetail } from '../site-detail.ts'
import { summaryOf } from '../summary.ts'
import { momentSchema } from './moment.ts'

const maxTests = 2_000

export const sites = defineRoute({
  path: '/api/v1/sites',
  summary: 'All sites with presence, verdicts and newest samples.',
  query: z.strictObject({
    town: idSchema.optional().describe('Only sites of this town.'),
    category: z.enum(categories).optional().describe('Only sites of this category.'),
    verdict: z
      .enum(Object.keys(verdicts) as [keyof typeof verdicts])
      .optional()
      .describe('Only sites with this verdict.'),
    latest: z
      .enum(['true', 'false'])
      .default('true')
      .transform((text) => text === 'true')
      .describe('false leaves the newest samples out.'),
    limit: z.coerce.number().int().min(1).max(5_000).default(1_000).describe('Sites on one page.'),
    offset: z.coerce.number().int().min(0).default(0).describe('Sites to leave out before the page.'),
  }),
  response: { name: 'SiteList', schema: siteListSchema },
  handle: async (context, { query }) => {
    const time = context.now()
    const registry = context.registry()
    const latest = query.latest ? await context.latest.all() : undefined
    const agents = agentsBySite(context, registry, time)
    const verdicts = context.verdicts()
    const found = registry
      .sites(time)
      .map((site) => siteDocument(registry, site, verdicts.get(site.id), agents.get(site.id) ?? [], latest, time))
      .filter((site) => query.town === undefined || site.town.id === query.town)
      .filter((site) => query.category === undefined || site.category === query.category)
      .filter((site) => query.verdict === undefined || site.verdict === query.verdict)
    return {
      district: districtDocument(registry),
      simulated: context.simulated(),
      standard: standardDocument(registry.standard),
      generated_at: isoOf(time),
      total: found.length,
      summary: summaryOf(found),
      sites: found.slice(query.offset, query.offset + query.limit),
    }
  },
})

const siteParams = z.object({ id: idSchema.describe('Id of the site.') })
const noSite = { 404: 'There is no such site.' }

export const site = defineRoute({
  path: '/api/v1/sites/{id}',
  summary: 'One site: links, verdicts with their evidence, agents, services, terminals.',
  params: siteParams,
  response: { name: 'SiteDetail', schema: siteDetailSchema },
  errors: noSite,
  handle: async (context, { params }) => {
    const time = context.now()
    const registry = context.registry()
    const row = knownSite(registry, params.id, time)
    return siteDetail(context, registry, row, agentsBySite(context, registry, time).get(row.id) ?? [], time)
  },
})

export const tests = defineRoute({
  path: '/api/v1/sites/{id}/bandwidth',
  summary: `Every bandwidth test of a site within a time, newest last; at most the newest ${maxTests}.`,
  params: siteParams,
  query: z.strictObject({
    from: momentSchema.optional().describe('Begin; default 30 days ago.'),
    to: momentSchema.optional().describe('End, exclusive; default now.'),
  }),
  response: {
    name: 'Tests',
    schema: z.object({ from: timeSchema, to: timeSchema, tests: z.array(bandwidthSampleSchema) }),
  },
  errors: noSite,
  handle: async (context, { params, query }) => {
    const time = context.now()
    const { id } = knownSite(context.registry(), params.id, time)
    const to = query.to ?? time + 1
    const from = query.from ?? to - 30 * dayMs
    if (from >= to) throw new HttpError(400, 'query_invalid', 'Parameter "from": it must be before "to".', 'from')
    const rows = await context.store.rows({ measurement: 'bandwidth', match: { site: id }, from, to, limit: maxTests })
    return { from: isoOf(from), to: isoOf(to), tests: rows.map(bandwidthDocument) }
  },
})

export function knownSite(registry: Registry, id: string, time: number) {
  const row = registry.sites(time).find((each) => each.id === id)
  if (row === undefined) throw new HttpError(404, 'not_found', `There is no site "${id}" in the registry.`)
  return row
}

/** Those that speak for their site: a panel that is switched off says nothing of its school. */
export function agentsBySite(context: BoardContext, registry: Registry, time: number): Map<string, AgentState[]> {
  const states = registry.gateways(time).map((agent) => context.fleet.state(agent))
  return Map.groupBy(states, ({ agent }) => registry.placeOf(agent, time)?.site ?? '')
}
