/** `linkbell test SITE`: asks a collector for a bandwidth test, as the button on its board does. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError, messageOf } from '../core/errors.ts'

export type TestOptions = {
  site: string
  collector: string
  link?: string | undefined
  inLesson: boolean
  username?: string | undefined
  passwordFile?: string | undefined
}

const answerSchema = z.object({ sent: z.boolean(), agents: z.array(z.string()) })
const refusalSchema = z.object({ error: z.object({ message: z.string() }) })
const timeoutMs = 10_000

/** Returns whether the test was asked for; says why not, or who was asked. */
export async function test(options: TestOptions, signal: AbortSignal, write: (line: string) => void): Promise<boolean> {
  const answer = answerSchema.parse(await ask(options, signal))
  if (answer.sent) write(`Asked ${answer.agents.join(', ')}. The result appears on the board when the test is over.`)
  else write(`A lesson or an examination is on at ${options.site}, or about to begin; test anyway with --in-lesson.`)
  return answer.sent
}

async function ask(options: TestOptions, signal: AbortSignal): Promise<unknown> {
  const { site, collector, link, inLesson } = options
  if (!URL.canParse(collector)) throw new AppError('config_invalid', `--collector ${collector} is no address`)
  const url = new URL(`/api/v1/sites/${encodeURIComponent(site)}/bandwidth-test`, collector)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization(options) },
    body: JSON.stringify({ confirm_in_lesson: inLesson, ...(link !== undefined && { link }) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((error: unknown) => {
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new AppError('connection_refused', `cannot ask the collector at ${url.origin}: ${messageOf(reason)}`)
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body
  const refusal = refusalSchema.safeParse(body)
  const why = refusal.success ? refusal.data.error.message : `HTTP ${response.status}`
  throw new AppError('connection_refused', `the collector at ${url.origin} refuses: ${why}`)
}

function authorization({ username, passwordFile }: TestOptions): Record<string, string> {
  if (username === undefined || passwordFile === undefined) return {}
  const password = readFileSync(passwordFile, 'utf8').trimEnd()
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}
