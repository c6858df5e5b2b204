/** What the page asks the API, and the stream of what is new. */
import type { SiteInventory } from '../api/inventory.ts'
import type { AlertDocument, AlertList } from '../api/alerts.ts'
import type { BandwidthSample, SiteDetail, SiteList } from '../schemas.ts'
import { noteTime } from './server-time.ts'

export type SeriesAnswer = {
  every_seconds: number
  series: { tags: Record<string, string>; points: [time: number, value: number][] }[]
}

export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(await fetch(path, { headers: { accept: 'application/json' }, ...(signal ? { signal } : {}) }))
}

async function answerOf<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body as T
  const told = (body as { error?: { message?: string } } | undefined)?.error?.message
  throw new ApiError(response.status, told ?? `HTTP ${response.status}`)
}

export const fetchSites = async () => noteTime(await get<SiteList>('/api/v1/sites?latest=false&limit=5000'))
export const fetchSite = async (id: string, signal: AbortSignal) =>
  noteTime(await get<SiteDetail>(`/api/v1/sites/${encodeURIComponent(id)}`, signal))
export const fetchInventory = (id: string, signal: AbortSignal) =>
  get<SiteInventory>(`/api/v1/sites/${encodeURIComponent(id)}/inventory`, signal)

export async function askForTest(id: string, confirmed: boolean, signal: AbortSignal): Promise<{ sent: boolean }> {
  const response = await fetch(`/api/v1/sites/${encodeURIComponent(id)}/bandwidth-test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ confirm_in_lesson: confirmed }),
    signal,
  })
  return answerOf(response)
}

export const fetchAlerts = () => get<AlertList>('/api/v1/alerts')
export const fetchAlertHistory = () => get<{ alerts: AlertDocument[] }>('/api/v1/alerts/history?limit=50')
export const acknowledgeAlert = (id: string) => post('/api/v1/alerts/acknowledge', { id })
type Scope = { site?: string; town?: string; rule?: string }
export const maintain = (body: Scope & { minutes: number; note: string }) => post('/api/v1/maintenance', body)
export const endMaintenance = (id: string) => post(`/api/v1/maintenance/${encodeURIComponent(id)}/end`, {})

async function post(path: string, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  return answerOf(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }))
}

export const fetchTests = (id: string, from: number, signal: AbortSignal) =>
  get<{ tests: BandwidthSample[] }>(`/api/v1/sites/${encodeURIComponent(id)}/bandwidth?from=${from}`, signal)

export type SeriesWish = {
  measurement: string
  field: string
  site: string
  from: number
  aggregate?: string
  by?: string
  link?: string
}

export function fetchSeries(wish: SeriesWish, signal: AbortSignal): Promise<SeriesAnswer> {
  const query = new URLSearchParams(Object.entries(wish).map(([name, value]) => [name, String(value)]))
  return get<SeriesAnswer>(`/api/v1/series?${query}`, signal)
}

export type StoredEvent = { measurement: string; site: string | null }
export type LiveEvent = { type: 'stored'; data: StoredEvent } | { type: 'fleet' } | { type: 'judged' }

/** Calls back for each event and each change of the connection; the browser reconnects by itself. Returns its end. */
export function watch(query: string, onEvent: (event: LiveEvent) => void, onState: (up: boolean) => void): () => void {
  const source = new EventSource(`/api/v1/live${query}`)
  source.addEventListener('open', () => onState(true))
  source.addEventListener('error', () => onState(false))
  source.addEventListener('stored', ({ data }) => onEvent({ type: 'stored', data: JSON.parse(String(data)) }))
  source.addEventListener('fleet', () => onEvent({ type: 'fleet' }))
  source.addEventListener('judged', () => onEvent({ type: 'judged' }))
  return () => source.close()
}
