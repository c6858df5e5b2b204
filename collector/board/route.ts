/** One route of the API: from this come validation, the handler's types and the OpenAPI document. */
import { z } from 'zod'
import type { BoardContext } from './context.ts'

/** An answer other than 200. `parameter` names what of the request is wrong. */
export class HttpError extends Error {
  readonly status: number
  readonly code: string
  readonly parameter: string | undefined
  retryAfterSeconds?: number

  constructor(status: number, code: string, message: string, parameter?: string) {
    super(message)
    this.name = 'HttpError'
    this.status = status
    this.code = code
    this.parameter = parameter
  }
}

export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string().describe('What is wrong and what to do, for people.'),
    parameter: z.string().optional().describe('The parameter that is wrong.'),
  }),
})

export type Route = {
  method: 'GET' | 'POST'
  /** OpenAPI form: `/api/v1/sites/{id}`. */
  path: string
  summary: string
  params: z.ZodType
  query: z.ZodType
  body: z.ZodType
  /** The answer and the name of its schema in the document. */
  response: { name: string; schema: z.ZodType }
  /** Status of an answer that is not always 200. */
  status?: (body: unknown) => number
  /** Other statuses that it may answer with, and when. */
  errors: Readonly<Record<number, string>>
  handle: (context: BoardContext, input: { params: unknown; query: unknown; body: unknown }) => unknown
}

type Definition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> = {
  /** Default GET. */
  method?: Route['method']
  path: string
  summary: string
  params?: P
  query?: Q
  body?: B
  response: { name: string; schema: R }
  status?: (body: z.input<R>) => number
  errors?: Readonly<Record<number, string>>
  handle: (
    context: BoardContext,
    input: { params: z.output<P>; query: z.output<Q>; body: z.output<B> },
  ) => z.input<R> | Promise<z.input<R>>
}

const nothing = z.strictObject({})

export function defineRoute<
  R extends z.ZodType,
  P extends z.ZodType = typeof nothing,
  Q extends z.ZodType = typeof nothing,
  B extends z.ZodType = typeof nothing,
>({ params, query, body, errors, ...rest }: Definition<P, Q, B, R>): Route {
  // The types of a handler hold inside its definition; a table of routes cannot carry them.
  return {
    method: 'GET',
    params: params ?? nothing,
    query: query ?? nothing,
    body: body ?? nothing,
    errors: errors ?? {},
    ...rest,
  } as Route
}

/** The checked value, or a 400 that names the parameter. */
export function parseInput(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const parameter = issue?.code === 'unrecognized_keys' ? issue.keys[0] : String(issue?.path[0] ?? '')
  const message =
    issue?.code === 'unrecognized_keys'
      ? `There is no parameter "${parameter}"; see /api/v1/openapi.json.`
      : `Parameter "${parameter}": ${issue?.message}.`
  throw new HttpError(400, 'query_invalid', message, parameter)
}
