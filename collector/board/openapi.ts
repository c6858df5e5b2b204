/** The OpenAPI document, from the table of routes; docs/openapi.json is this, written by scripts/generate/openapi.ts. */
import { z } from 'zod'
import { errorSchema, type Route } from './route.ts'
import { components } from './schemas.ts'

type Json = Record<string, unknown>

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: Json) => ({ 'application/json': { schema } })
/** Without what only repeats the format: the bounds of a safe integer, the pattern of a time. */
const options: z.core.ToJSONSchemaParams = {
  io: 'input',
  unrepresentable: 'any',
  override: ({ jsonSchema }) => {
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
  },
}
const usualErrors = { 400: 'A parameter is wrong.', 401: 'Sign in.', 403: 'This host or origin is not allowed.' }

/** What is no JSON answer to a question, told in words. */
const streams: Json = {
  '/api/v1/live': {
    get: {
      summary:
        'Server-sent events: `stored` (a batch was stored), `fleet` (an agent changed), `judged` (new verdicts).',
      parameters: [
        parameter('query', 'site', false, { type: 'string', description: 'Only events of this site.' }),
        parameter('query', 'measurement', false, {
          type: 'string',
          description: 'Of `stored`, only these measurements, separated by commas.',
        }),
      ],
      responses: {
        200: { description: 'The stream.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        503: { description: 'Too many streams are open.' },
      },
    },
  },
  '/api/v1/relay': {
    post: {
      summary: 'Takes the webhook of Grafana or Alertmanager for the channels of `alerts`, when `alerts.relay` is set.',
      description: 'Authorization: Bearer with the token of the relay, or Basic with it as the password.',
      requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
      responses: {
        200: { description: 'Kept: how many of its alerts were new.' },
        400: { description: 'Not such a webhook.' },
        401: { description: 'The token is missing or wrong.' },
        413: { description: 'More than 4 MiB.' },
      },
    },
  },
  '/api/v1/reports': {
    get: {
      summary: 'The report of a month: of the district, or the evidence sheet of a school. One is made at a time.',
      parameters: [
        parameter('query', 'month', true, { type: 'string', description: 'Such as 2026-10, local.' }),
        parameter('query', 'site', false, { type: 'string', description: 'The evidence sheet of this school.' }),
        parameter('query', 'format', false, { type: 'string', enum: ['html', 'xlsx', 'csv'], default: 'html' }),
        parameter('query', 'lang', false, { type: 'string', enum: ['zh', 'en'], default: 'zh' }),
      ],
      responses: {
        200: { description: 'The file.', content: { 'text/html': { schema: { type: 'string' } } } },
        400: { description: 'No such month or school.' },
        503: { description: 'Another report is being made.' },
      },
    },
  },
  '/metrics': {
    get: {
      summary: 'Metrics of the collector for Prometheus.',
      responses: { 200: { description: 'Text format.', content: { 'text/plain': { schema: { type: 'string' } } } } },
    },
  },
}

export function openApiOf(routes: readonly Route[]): Json {
  const names = z.registry<{ id: string }>()
  for (const { response } of routes) names.add(response.schema, { id: response.name })
  for (const [id, schema] of Object.entries({ ...components, Error: errorSchema })) names.add(schema, { id })
  const { schemas } = z.toJSONSchema(names, { ...options, uri: (id) => reference(id).$ref })
  return {
    openapi: '3.1.0',
    info: {
      title: 'Linkbell',
      version: '1',
      description:
        'What the schools of a district get of the network that was promised. Base units, named in every field; times are UTC.',
    },
    paths: {
      ...Object.fromEntries(routes.map((route) => [route.path, { [route.method.toLowerCase()]: operationOf(route) }])),
      ...streams,
    },
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema as Json)])),
      securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
    },
    security: [{}, { basic: [] }],
  }
}

function operationOf({ method, summary, params, query, body, response, errors }: Route): Json {
  const failures = Object.entries({ ...usualErrors, ...errors })
  return {
    summary,
    parameters: [...parametersOf('path', params), ...parametersOf('query', query)],
    ...(method === 'POST' && { requestBody: { content: json(plain(z.toJSONSchema(body, options) as Json)) } }),
    responses: {
      200: { description: 'OK', content: json(reference(response.name)) },
      ...Object.fromEntries(
        failures.map(([status, description]) => [status, { description, content: json(reference('Error')) }]),
      ),
    },
  }
}

function parametersOf(where: 'path' | 'query', schema: z.ZodType): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, options)
  return Object.entries(properties).map(([name, property]) =>
    parameter(where, name, where === 'path' || required.includes(name), property as Json),
  )
}

function parameter(where: 'path' | 'query', name: string, required: boolean, schema: Json): Json {
  const { description, ...rest } = schema
  return { name, in: where, required, description, schema: rest }
}

/** A component is named by its place, not by keys of its own. */
function plain(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !['$schema', '$id', 'id'].includes(key)))
}
