/** `linkbell alerts list | ack | maintain`: asks the collector that judges, by the address in its own configuration. */
import { loadConfig, type Environment } from '../../core/config-file.ts'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Text } from '../../core/catalog.ts'
import { collectorConfigSchema } from '../../collector/config.ts'

export type RemoteOptions = { config: string }
type Deps = { env: Environment; print: (line: string) => void; signal: AbortSignal }
type Alert = {
  id: string
  severity: string
  title: Text
  site: { name: Text } | null
  town: { name: Text } | null
  starts_at: string
  hidden_by: string | null
  acknowledged: { by: string } | null
  evidence: Text[]
}
type Window = {
  id: string
  site: string | null
  town: string | null
  rule: string | null
  from: string
  to: string
  note: string
}

const askMs = 10_000

export async function listAlerts(
  { config, lang, json }: RemoteOptions & { lang: 'zh' | 'en'; json: boolean },
  deps: Deps,
) {
  const answer = await ask<{ alerts: Alert[]; maintenance: Window[] }>(config, 'alerts', undefined, deps)
  if (json) return deps.print(JSON.stringify(answer))
  for (const {
    id,
    severity,
    title,
    site,
    town,
    starts_at: since,
    acknowledged,
    hidden_by: hidden,
    evidence,
  } of answer.alerts) {
    const where = site?.name[lang] ?? town?.name[lang]
    deps.print(`${since}  ${severity}  ${where === undefined ? '' : `${where}: `}${title[lang]}`)
    for (const line of evidence) deps.print(`    ${line[lang]}`)
    const notes = [acknowledged && `acknowledged by ${acknowledged.by}`, hidden !== null && `hidden by ${hidden}`]
    deps.print(`    ${[id, ...notes.filter((note) => typeof note === 'string')].join(' · ')}`)
  }
  if (answer.alerts.length === 0) deps.print('Nothing rings.')
  for (const window of answer.maintenance) deps.print(windowLine(window))
}

export async function acknowledge(id: string, options: RemoteOptions & { by?: string; note?: string }, deps: Deps) {
  const { config, by, note } = options
  const alert = await ask<Alert>(config, 'alerts/acknowledge', { id, by, note }, deps)
  deps.print(`Acknowledged: ${alert.id}`)
}

export type MaintainOptions = RemoteOptions &
  Record<'site' | 'town' | 'rule' | 'by' | 'note', string | undefined> & { minutes: number }

export async function maintain({ config, ...body }: MaintainOptions, deps: Deps) {
  deps.print(windowLine(await ask<Window>(config, 'maintenance', body, deps)))
}

export async function endMaintenance(id: string, { config }: RemoteOptions, deps: Deps) {
  await ask(config, `maintenance/${encodeURIComponent(id)}/end`, {}, deps)
  deps.print(`Ended: ${id}`)
}

function windowLine({ site, town, rule, from, to, note, id }: Window): string {
  const where = [site && `site ${site}`, town && `town ${town}`, rule && `rule ${rule}`].filter(
    (each) => typeof each === 'string',
  )
  return `Maintenance ${from} – ${to}: ${where.join(', ') || 'everything'}${note === '' ? '' : ` (${note})`} · ${id}`
}

async function ask<T>(config: string, path: string, body: object | undefined, { env, signal }: Deps): Promise<T> {
  const { http } = loadConfig(config, collectorConfigSchema, env)
  const host = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${http.port}/api/v1/${path}`
  const { auth } = http
  const proof = auth && `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
  const headers = { ...(proof && { authorization: proof }), ...(body && { 'content-type': 'application/json' }) }
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  let response: Response
  try {
    response = await fetch(url, { ...init, headers, signal: AbortSignal.any([signal, AbortSignal.timeout(askMs)]) })
  } catch (cause) {
    throw new AppError('connection_refused', `No collector answers at ${url}: ${messageOf(cause)}; is it running?`, {
      cause,
    })
  }
  const answer = (await response.json().catch(() => undefined)) as { error?: { message: string } } | undefined
  if (response.ok) return answer as T
  throw new AppError('query_invalid', answer?.error?.message ?? `${url} answers ${response.status}.`)
}
