/** GET /api/v1/reports: the reports of `linkbell report` as downloads, of a collector that is running. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isAppError } from '../../core/errors.ts'
import { type Format, formats } from '../report/document.ts'
import { makeReport } from '../report/report.ts'
import type { BoardContext } from './context.ts'
import { HttpError, parseInput } from './route.ts'

const reportsPath = '/api/v1/reports'

const querySchema = z.strictObject({
  month: z.string().max(20),
  site: z.string().max(64).optional(),
  format: z.enum(formats).default('html'),
  lang: z.enum(['zh', 'en']).default('zh'),
})

const contentTypes: Record<Format, string> = {
  html: 'text/html; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv; charset=utf-8',
}

export function addReports(app: FastifyInstance, { store, registry, now }: BoardContext): void {
  // One reads a month of a whole district: two at once would starve the samples that come in.
  let busy = false
  app.get(reportsPath, async (request, reply) => {
    const query = parseInput(querySchema, request.query) as z.output<typeof querySchema>
    if (busy) throw new HttpError(503, 'busy', 'Another report is being made; ask again in a minute.')
    busy = true
    try {
      const content = await makeReport(query, { store, registry: registry(), now: now() })
      const name = ['linkbell', query.month, query.site, query.lang].filter((part) => part !== undefined).join('-')
      return await reply
        .type(contentTypes[query.format])
        // Saved and not shown: the rules of the board's own pages allow no style within a page.
        .header('content-disposition', `attachment; filename="${name}.${query.format}"`)
        .send(typeof content === 'string' ? content : Buffer.from(content))
    } catch (error) {
      if (isAppError(error, 'config_invalid')) throw new HttpError(400, 'query_invalid', error.message)
      throw error
    } finally {
      busy = false
    }
  })
}
