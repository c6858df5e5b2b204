/** The figures of the plan by local day, with their trend, and town against country on each. */
import { z } from 'zod'
import { dateOf, dayNamed } from '../../../core/calendar.ts'
import { idSchema } from '../../../core/registry.ts'
import { categories } from '../../../core/standard.ts'
import { gapOf, type KpiSeries, seriesOf, trendOf } from '../../judge/kpi/divide.ts'
import { all, scopes } from '../../judge/kpi/rows.ts'
import { type KpiName, kpiNames, sums } from '../../judge/kpi/site-day.ts'
import { localDay, timeOn } from '../../local-time.ts'
import { isoOf } from '../presence.ts'
import { defineRoute, HttpError } from '../route.ts'
import { timeSchema } from '../schemas.ts'

const usualDays = 30
const maxRows = 50_000

const daySchema = z
  .string()
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && dateOf(dayNamed(text)) === text,
    'not a date such as 2026-09-01',
  )
  .transform(dayNamed)
const ratioSchema = z.number().nullable()
const trendSchema = ratioSchema.describe('Change in 30 days; null where fewer than 7 days are known.')
const kpiSchema = z.enum(kpiNames as [KpiName])

export const kpis = defineRoute({
  path: '/api/v1/kpis',
  summary: 'Figures of the plan by local day, with trend, and town against country.',
  query: z.strictObject({
    scope: z.enum(scopes).default('district').describe('Of what each figure is.'),
    kpi: kpiSchema.optional().describe('Only this figure.'),
    town: idSchema.optional().describe('Only of this town.'),
    category: z.enum(categories).optional().describe('Only of this category.'),
    site: idSchema.optional().describe('Only of this site.'),
    from: daySchema.optional().describe(`First local day; default ${usualDays} days before \`to\`.`),
    to: daySchema.optional().describe('Last local day; default yesterday.'),
  }),
  response: {
    name: 'Kpis',
    schema: z.object({
      generated_at: timeSchema,
      from: z.string(),
      to: z.string(),
      kpis: z.array(
        z.object({
          kpi: kpiSchema,
          scope: z.enum(scopes),
          town: z.string().nullable(),
          category: z.string().nullable(),
          site: z.string().nullable(),
          is_share: z.boolean().describe('False: numerator and denominator are told, their ratio is none.'),
          trend_ratio: trendSchema,
          days: z.array(
            z.object({
              date: z.string(),
              value_ratio: ratioSchema,
              numerator_count: ratioSchema,
              denominator_count: ratioSchema.describe('What is known of; null where nothing is.'),
              unknown_count: z.number(),
            }),
          ),
        }),
      ),
      divide: z
        .array(
          z.object({
            kpi: kpiSchema,
            trend_ratio: trendSchema,
            days: z.array(
              z.object({ date: z.string(), town_ratio: ratioSchema, rural_ratio: ratioSchema, gap_ratio: ratioSchema }),
            ),
          }),
        )
        .describe('Town schools against rural schools and teaching points, over the whole district.'),
    }),
  },
  handle: async ({ store, registry, now }, { query }) => {
    const { timezone } = registry().data.district
    const to = query.to ?? localDay(now(), timezone) - 1
    const from = query.from ?? to - usualDays + 1
    if (from > to) throw new HttpError(400, 'query_invalid', 'Parameter "from": it must not be after "to".', 'from')
    const span = { from: timeOn(from, 0, timezone), to: timeOn(to + 1, 0, timezone) }
    const { kpi, scope, town, category, site } = query
    const read = async (match: Record<string, string | undefined>) => {
      const given = Object.entries({ ...match, kpi }).flatMap(([tag, id]) =>
        id === undefined ? [] : [[tag, id] as const],
      )
      const limit = maxRows + 1
      const rows = await store.rows({ measurement: 'kpi', match: Object.fromEntries(given), ...span, limit })
      if (rows.length > maxRows)
        throw new HttpError(400, 'query_invalid', `More than ${maxRows} figures; ask for fewer days or one kpi.`, 'kpi')
      return seriesOf(rows, timezone)
    }
    const [found, byCategory] = await Promise.all([read({ scope, town, category, site }), read({ scope: 'category' })])
    const figures = Map.groupBy(byCategory.filter(isShare), ({ tags }) => nameOf(tags))
    return {
      generated_at: isoOf(now()),
      from: dateOf(from),
      to: dateOf(to),
      kpis: found.map(kpiDocument),
      divide: [...figures].map(([name, series]) => divideDocument(name, series)),
    }
  },
})

const nameOf = (tags: Readonly<Record<string, string>>) => tags['kpi'] as KpiName
const isShare = ({ tags }: KpiSeries) => !sums.includes(nameOf(tags))

function kpiDocument({ tags, days }: KpiSeries) {
  const idOf = (tag: string) => (tags[tag] === all ? null : (tags[tag] ?? null))
  return {
    kpi: nameOf(tags),
    scope: tags['scope'] as (typeof scopes)[number],
    town: idOf('town'),
    category: idOf('category'),
    site: idOf('site'),
    is_share: isShare({ tags, days }),
    trend_ratio: trendOf(days),
    days: days.map(({ date, value, numerator, denominator, unknown }) => ({
      date,
      value_ratio: value,
      numerator_count: numerator,
      denominator_count: denominator,
      unknown_count: unknown,
    })),
  }
}

function divideDocument(kpi: KpiName, series: readonly KpiSeries[]) {
  const days = gapOf(series)
  return {
    kpi,
    trend_ratio: trendOf(days.map(({ date, gap }) => ({ date, value: gap }))),
    days: days.map(({ date, town, rural, gap }) => ({ date, town_ratio: town, rural_ratio: rural, gap_ratio: gap })),
  }
}
