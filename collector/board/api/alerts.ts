/** Alerts that ring, those that rang, who knows of them, and where nothing is to ring for a while. */
import { z } from 'zod'
import { idSchema } from '../../../core/registry.ts'
import type { AlertState } from '../../alerts/rules/evaluate.ts'
import type { Maintenance } from '../../alerts/rules/hiding.ts'
import type { Watch } from '../../alerts/rules/watch.ts'
import { severities } from '../../alerts/notice.ts'
import type { BoardContext } from '../context.ts'
import { isoOf } from '../presence.ts'
import { defineRoute, HttpError } from '../route.ts'
import { timeSchema } from '../schemas.ts'

const text = z.object({ en: z.string(), zh: z.string() })
const named = z.object({ id: z.string(), name: text })
const alertSchema = z.object({
  id: z.string().describe('Of this alert; another one at the same place has another id.'),
  rule: z.string(),
  severity: z.enum(severities),
  title: text,
  site: named.nullable(),
  town: named.nullable(),
  labels: z.record(z.string(), z.string()),
  state: z.enum(['firing', 'resolved']),
  starts_at: timeSchema,
  ends_at: timeSchema.nullable(),
  evidence: z.array(text),
  flapping: z.boolean(),
  hidden_by: z.string().nullable().describe('Key of the alert that it follows from, or `maintenance`.'),
  acknowledged: z.object({ by: z.string(), at: timeSchema, note: z.string() }).nullable(),
})
const windowSchema = z.object({
  id: z.string(),
  site: z.string().nullable(),
  town: z.string().nullable(),
  rule: z.string().nullable(),
  from: timeSchema,
  to: timeSchema,
  by: z.string(),
  note: z.string(),
})
const listSchema = z.object({
  judged: z.boolean().describe('false: this collector does not look at alert rules.'),
  alerts: z.array(alertSchema),
  maintenance: z.array(windowSchema),
  rules: z.array(z.object({ id: z.string(), title: text })).describe('All rules that are looked at.'),
})
export type AlertList = z.output<typeof listSchema>
export type AlertDocument = z.output<typeof alertSchema>
export type WindowDocument = z.output<typeof windowSchema>
const who = z.string().trim().min(1).max(60).default('board').describe('Who says so.')
const note = z.string().trim().max(300).default('').describe('Why.')
const errors = { 404: 'There is no such thing.', 409: 'This collector does not judge: ask the one that does.' }

export const alerts = defineRoute({
  path: '/api/v1/alerts',
  summary: 'Alerts that ring now, the worst and newest first, and maintenance windows that are not over.',
  response: {
    name: 'AlertList',
    schema: listSchema,
  },
  handle: ({ watch, now }) => ({
    judged: watch !== undefined,
    alerts: (watch?.ringing() ?? []).toSorted(worstFirst).map(alertDocument),
    maintenance: (watch?.maintenance() ?? []).filter(({ to }) => to > now()).map(windowDocument),
    rules: [...(watch?.rules ?? [])],
  }),
})

export const alertHistory = defineRoute({
  path: '/api/v1/alerts/history',
  summary: 'Alerts that rang, those that still do too, the newest first.',
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many to list.'),
  }),
  response: { name: 'AlertHistory', schema: z.object({ alerts: z.array(alertSchema) }) },
  handle: ({ watch }, { query }) => ({ alerts: (watch?.history(query.limit) ?? []).map(alertDocument) }),
})

export const acknowledgeAlert = defineRoute({
  method: 'POST',
  path: '/api/v1/alerts/acknowledge',
  summary: 'Says that somebody knows of an alert: it is not repeated any more.',
  body: z.strictObject({ id: z.string().min(1).max(1_000).describe('Id of the alert.'), by: who, note }),
  response: { name: 'Acknowledged', schema: alertSchema },
  errors,
  handle: (context, { body }) => {
    const state = watchOf(context).acknowledge(body.id, body.by, body.note)
    if (state === undefined) throw new HttpError(404, 'not_found', `No alert "${body.id}" rings.`, 'id')
    return alertDocument(state)
  },
})

export const maintain = defineRoute({
  method: 'POST',
  path: '/api/v1/maintenance',
  summary: 'Lets nothing ring for a while: at a site, in a town, of a rule, or all of it when none is given.',
  body: z.strictObject({
    site: idSchema.optional(),
    town: idSchema.optional(),
    rule: idSchema.optional(),
    from: z.iso.datetime({ offset: true }).optional().describe('When it begins; without it, now.'),
    minutes: z
      .number()
      .int()
      .min(1)
      .max(30 * 1_440)
      .describe('How long it lasts.'),
    by: who,
    note,
  }),
  response: { name: 'MaintenanceWindow', schema: windowSchema },
  errors,
  handle: (context, { body: { from, minutes, ...rest } }) => {
    const time = context.now()
    const watch = watchOf(context)
    const { sites, data } = context.registry()
    if (rest.site !== undefined && !sites(time).some(({ id }) => id === rest.site))
      throw new HttpError(404, 'not_found', `There is no site "${rest.site}".`, 'site')
    if (rest.town !== undefined && !data.towns.some(({ id }) => id === rest.town))
      throw new HttpError(404, 'not_found', `There is no town "${rest.town}".`, 'town')
    if (rest.rule !== undefined && !watch.rules.some(({ id }) => id === rest.rule))
      throw new HttpError(404, 'not_found', `There is no rule "${rest.rule}".`, 'rule')
    const begin = from === undefined ? time : Date.parse(from)
    return windowDocument(watch.maintain({ ...given(rest), from: begin, to: begin + minutes * 60_000 }))
  },
})

export const endMaintenance = defineRoute({
  method: 'POST',
  path: '/api/v1/maintenance/{id}/end',
  summary: 'Ends a maintenance window now.',
  params: z.object({ id: z.string().min(1).max(64) }),
  response: { name: 'MaintenanceEnded', schema: z.object({ ended: z.boolean() }) },
  errors,
  handle: (context, { params: { id } }) => {
    if (!watchOf(context).endMaintenance(id)) throw new HttpError(404, 'not_found', `There is no window "${id}".`)
    return { ended: true }
  },
})

function watchOf({ watch }: BoardContext): Watch {
  if (watch !== undefined) return watch
  throw new HttpError(
    409,
    'not_judging',
    'This collector does not judge (judge.enabled is false): ask the one that does.',
  )
}

type Scope = {
  site?: string | undefined
  town?: string | undefined
  rule?: string | undefined
  by: string
  note: string
}

function given({ site, town, rule, by, note: why }: Scope): Omit<Maintenance, 'id' | 'from' | 'to'> {
  return { ...(site && { site }), ...(town && { town }), ...(rule && { rule }), by, note: why }
}

function worstFirst(a: AlertState, b: AlertState): number {
  return severities.indexOf(a.severity) - severities.indexOf(b.severity) || b.startsAt - a.startsAt
}

function alertDocument(state: AlertState): z.input<typeof alertSchema> {
  const { id, rule, severity, title, labels, phase, flapping, acknowledged, startsAt, endsAt } = state
  return {
    ...{ id, rule, severity, title, labels, flapping, evidence: [...state.evidence] },
    site: state.site ?? null,
    town: state.town ?? null,
    state: phase === 'firing' ? 'firing' : 'resolved',
    starts_at: isoOf(startsAt),
    ends_at: endsAt === undefined ? null : isoOf(endsAt),
    hidden_by: state.hidden ?? null,
    acknowledged: acknowledged === undefined ? null : { ...acknowledged, at: isoOf(acknowledged.at) },
  }
}

function windowDocument({ id, site, town, rule, from, to, by, note: why }: Maintenance): z.input<typeof windowSchema> {
  const scope = { site: site ?? null, town: town ?? null, rule: rule ?? null }
  return { id, ...scope, from: isoOf(from), to: isoOf(to), by, note: why }
}
