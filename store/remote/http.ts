/** Reading from a server over HTTP. Every failure is an AppError that names the server and what to do. */
import { AppError, messageOf } from '../../core/errors.ts'

export type HttpOptions = {
  /** As people call it: `InfluxDB`. */
  server: string
  url: string
  headers: Record<string, string>
  timeoutMs: number
}
export type HttpRequest = {
  path: string
  /** Sent as a form; nothing else is as long as a list of sites may be. */
  form?: Record<string, string>
  timeoutMs?: number | undefined
}
export type Http = {
  text: (request: HttpRequest) => Promise<string>
  /** Lines as they arrive, so that a large answer is never in memory as a whole and holds no event loop. */
  lines: (request: HttpRequest) => AsyncGenerator<string>
}

const shownBytes = 300

/** The header for a user, where there is one. */
export function basicAuthorization(user: { username?: string | undefined; password?: string | undefined }) {
  const { username, password = '' } = user
  const headers: Record<string, string> = {}
  if (username !== undefined)
    headers['authorization'] = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  return headers
}

export function createHttp(options: HttpOptions): Http {
  const open = async ({ path, form, timeoutMs = options.timeoutMs }: HttpRequest): Promise<Response> => {
    const url = `${options.url.replace(/\/$/, '')}${path}`
    const signal = AbortSignal.timeout(timeoutMs)
    const init = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
    const ask = () => fetch(url, { ...init, headers: options.headers, signal })
    // A connection that was kept open over a restart of the server fails at its next use; a new one tells the truth.
    const response = await ask().catch((error: unknown) => (signal.aborted ? Promise.reject(error) : ask()))
    if (response.ok) return response
    throw refusal(options, response.status, await response.text())
  }
  const named = <T>(request: HttpRequest, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw failure(options, request, error)
    })
  return {
    text: (request) =>
      named(
        request,
        open(request).then((response) => response.text()),
      ),
    lines: async function* (request) {
      const response = await named(request, open(request))
      try {
        yield* linesOf(response)
      } catch (error) {
        throw failure(options, request, error)
      }
    },
  }
}

async function* linesOf({ body }: Response): AsyncGenerator<string> {
  if (body === null) return
  let rest = ''
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() as string
    for (const line of lines) if (line !== '') yield line
  }
  if (rest !== '') yield rest
}

function failure({ server, url, timeoutMs: usual }: HttpOptions, { timeoutMs = usual }: HttpRequest, error: unknown) {
  if (error instanceof AppError) return error
  if (error instanceof Error && error.name === 'TimeoutError') {
    const message = `${server} at ${url} did not answer within ${timeoutMs / 1000} s; ask for less, or look at its load.`
    return new AppError('timeout', message, { cause: error })
  }
  const reason = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)
  return new AppError('store_unavailable', `${server} at ${url} cannot be reached: ${reason}.`, { cause: error })
}

function refusal({ server, url }: HttpOptions, status: number, body: string): AppError {
  const said = `${server} at ${url} answers ${status}: ${shorten(body)}`
  const todo = status === 401 || status === 403 ? '; check username, password or token of the store' : ''
  return new AppError('store_unavailable', `${said}${todo}.`, { status, body: body.slice(0, shownBytes) })
}

/** What a server said, on one line and without its JSON. */
export function shorten(body: string): string {
  let text = body
  try {
    const { error, message } = JSON.parse(body) as { error?: unknown; message?: unknown }
    const said = message ?? error
    if (typeof said === 'string') text = said
  } catch {
    // Plain text.
  }
  // VictoriaMetrics begins with the connection, which makes the same fault look new each time.
  const own = text.replace(/^remoteAddr: "[^"]*"; requestURI: [^;]*; /, '')
  return own.replace(/\s+/g, ' ').trim().slice(0, shownBytes) || 'nothing'
}
