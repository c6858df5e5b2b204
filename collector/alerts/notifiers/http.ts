/** One POST, and what its answer means. All but mail goes this way. */
import { messageOf } from '../../../core/errors.ts'
import type { Message } from '../letter.ts'
import { cutBytes, oneLine } from '../text.ts'
import { afterConfigurationSeconds, delivered, type Notifier, type Outcome, refused, retry } from './notifier.ts'

export type Post = { url: URL; headers?: Readonly<Record<string, string>>; body: string }
export type Answer = { status: number; text: string; retryAfterSeconds?: number }

const timeoutMs = 15_000
/** No robot says more; whoever does is not one. */
const maxAnswerBytes = 64 * 1024

export function createHttpNotifier(build: (message: Message) => Post, judge: (answer: Answer) => Outcome): Notifier {
  return {
    preview: (message) => {
      const { url, headers = {}, body } = build(message)
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${secretHeader(name) ? '…' : value}`)
      return [`POST ${redacted(url)}`, `content-type: ${contentType}`, ...lines, '', body].join('\n')
    },
    send: async (message, signal) => {
      const answer = await post(build(message), signal)
      return typeof answer === 'string' ? retry(answer) : judge(answer)
    },
  }
}

const contentType = 'application/json; charset=utf-8'

/** The answer, or in words why there was none. */
async function post({ url, headers, body }: Post, signal: AbortSignal): Promise<Answer | string> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': contentType, ...headers },
      body,
      // A redirected POST would take the secret to another place.
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    })
    const text = await readSome(response)
    const after = secondsOf(response.headers)
    return { status: response.status, text, ...(after > 0 && { retryAfterSeconds: after }) }
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) return `no answer from ${url.host} within ${timeoutMs / 1_000} s`
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return `${url.host} cannot be reached: ${messageOf(cause)}`
  }
}

/** Of `Retry-After`, which is seconds or a date (RFC 9110, 10.2.3); that one is held against the clock that wrote it. */
function secondsOf(headers: Headers): number {
  const text = headers.get('retry-after') ?? ''
  if (/^\d+$/.test(text)) return Number(text)
  return Math.ceil((Date.parse(text) - Date.parse(headers.get('date') ?? '')) / 1_000)
}

async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes > maxAnswerBytes) break
  }
  return Buffer.concat(chunks).toString()
}

/** By the HTTP status alone; undefined for success. */
export function failureByStatus({ status, text, retryAfterSeconds }: Answer): Outcome | undefined {
  if (status >= 200 && status < 300) return undefined
  const reason = reasonOf(status, text)
  if (status === 429) return retry(reason, retryAfterSeconds ?? busySeconds)
  if (status >= 500 || status === 408 || status === 425) return retry(reason, retryAfterSeconds)
  if (status === 400 || status === 413 || status === 422) return refused(reason)
  return retry(reason, afterConfigurationSeconds)
}

const reasonOf = (status: number, text: string) => `HTTP ${status} ${said(text)}`.trim()
/** Where the other side names no time. */
const busySeconds = 60

export type Codes = {
  /** Name of the number in the answer; 0 is success. */
  key: string
  /** Code → seconds to wait. */
  busy: Readonly<Record<number, number>>
  /** Codes that say: this text will not be taken. Any other one may be about the token, the signature or the robot. */
  refused: readonly number[]
}

/** Robots answer 200 to nearly everything and say in the body what they think of it. */
export function outcomeByCode(answer: Answer, { key, busy, refused: refusing }: Codes): Outcome {
  const code = codeOf(answer.text, key)
  const seconds = code === undefined ? undefined : busy[code]
  // Above a limit, whatever the body makes of it.
  if (answer.status === 429)
    return retry(reasonOf(429, answer.text), answer.retryAfterSeconds ?? seconds ?? busySeconds)
  // A proxy, or the page of a captive portal: 200 and no word of a robot.
  if (code === undefined) return failureByStatus(answer) ?? retry(`not a robot's answer: ${said(answer.text)}`)
  if (code === 0) return failureByStatus(answer) ?? delivered
  const reason = `${key} ${code}: ${said(answer.text)}`
  if (seconds !== undefined) return retry(reason, seconds)
  return refusing.includes(code) ? refused(reason) : retry(reason, afterConfigurationSeconds)
}

function codeOf(text: string, key: string): number | undefined {
  try {
    const code: unknown = (JSON.parse(text) as Record<string, unknown> | null)?.[key]
    return typeof code === 'number' ? code : undefined
  } catch {
    return undefined
  }
}

function said(text: string): string {
  return cutBytes(oneLine(text), 300)
}

/** An address as it may be shown: tokens of robots stand in the query, or (Feishu) at the end of the path. */
function redacted({ origin, pathname, searchParams }: URL): string {
  const query = [...searchParams.keys()].map((name) => `${name}=…`).join('&')
  return `${origin}${pathname.replace(/[^/]{16,}$/, '…')}${query === '' ? '' : `?${query}`}`
}

function secretHeader(name: string): boolean {
  return name.toLowerCase() === 'authorization'
}

/** A token as it was copied: bare, or with the whole address that the robot's page shows. */
export function tokenOf(text: string, part: (url: URL) => string | null | undefined): string {
  return URL.canParse(text) ? (part(new URL(text)) ?? text) : text
}
