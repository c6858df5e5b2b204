/** Server-sent events: what is stored, who comes and goes, new verdicts. A client too slow to read is dropped. */
import type { ServerResponse } from 'node:http'
import { type Batch, tagAt } from '../../core/batch.ts'
import { commonTags } from '../../core/catalog.ts'
import type { Live, LiveEvent } from '../live.ts'
import { isoOf } from './presence.ts'
import { HttpError } from './route.ts'

const maxClients = 200
/** What may wait in memory for one client; the browser reconnects by itself after that. */
const maxWaitingBytes = 256 * 1024
/** Below the idle limit of common proxies. */
const heartbeatMs = 15_000
const reconnectMs = 3_000

type Filter = { site: string | undefined; measurements: readonly string[] | undefined }
type Client = { response: ServerResponse; filter: Filter }

export type Events = {
  start: () => void
  stop: () => void
  /** Answers a request with the stream. */
  open: (response: ServerResponse, headers: Record<string, string>, filter: Filter) => void
  count: () => number
}

/** `siteOf`: the site of an agent now. */
export function createEvents(live: Live, siteOf: (agent: string) => string | undefined): Events {
  const clients = new Set<Client>()
  let unsubscribe = () => {}
  let heartbeat: NodeJS.Timeout | undefined

  function send(client: Client, text: string): void {
    if (client.response.writableLength > maxWaitingBytes) {
      clients.delete(client)
      client.response.destroy()
      return
    }
    client.response.write(text)
  }

  function deliver(event: LiveEvent): void {
    if (clients.size === 0) return
    const { sites, measurement, data } = trim(event, siteOf)
    const text = data.map((each) => `event: ${event.type}\ndata: ${JSON.stringify(each)}\n\n`).join('')
    for (const client of clients) {
      const { site, measurements } = client.filter
      if (site !== undefined && sites !== undefined && !sites.has(site)) continue
      if (measurements !== undefined && measurement !== undefined && !measurements.includes(measurement)) continue
      send(client, text)
    }
  }

  return {
    start: () => {
      unsubscribe = live.subscribe(deliver)
      heartbeat = setInterval(() => {
        for (const client of clients) send(client, ': still here\n\n')
      }, heartbeatMs)
    },
    stop: () => {
      unsubscribe()
      clearInterval(heartbeat)
      for (const { response } of clients) response.end()
      clients.clear()
    },
    open: (response, headers, filter) => {
      if (clients.size >= maxClients) {
        throw new HttpError(503, 'too_many_streams', `${maxClients} event streams are open; close one.`)
      }
      const client = { response, filter }
      clients.add(client)
      response.on('close', () => clients.delete(client))
      response.on('error', () => clients.delete(client))
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no', // nginx would hold events back
      })
      response.write(`retry: ${reconnectMs}\n\n`)
    },
    count: () => clients.size,
  }
}

type Trimmed = { sites?: ReadonlySet<string>; measurement?: string; data: unknown[] }

/** Rows of a batch that are told one by one: both directions of a test, the levels of a path. */
const maxRowsTold = 5

/** A small batch is told row by row, a large one by its last: an event says that something is new, the API says what. */
function trim(event: LiveEvent, siteOf: (agent: string) => string | undefined): Trimmed {
  switch (event.type) {
    case 'judged':
      return { data: [{}] }
    case 'fleet': {
      const site = siteOf(event.agent)
      const data = [{ agent: event.agent, site: site ?? null }]
      return site === undefined ? { data } : { data, sites: new Set([site]) }
    }
    case 'stored': {
      const { batch } = event
      const sites = new Set([batch.tags['site'] ?? []].flat())
      const count = batch.times.length
      const first = count <= maxRowsTold ? 0 : count - 1
      const data = batch.times.slice(first).map((_, index) => rowOf(batch, first + index))
      return { sites, measurement: batch.measurement, data }
    }
  }
}

function rowOf(batch: Batch, row: number) {
  const own = Object.keys(batch.tags).filter((name) => !(commonTags as readonly string[]).includes(name))
  return {
    measurement: batch.measurement,
    site: tagAt(batch, 'site', row) ?? null,
    rows: batch.times.length,
    time: isoOf(batch.times[row] ?? 0),
    tags: Object.fromEntries(own.map((name) => [name, tagAt(batch, name, row) ?? ''])),
    fields: Object.fromEntries(Object.entries(batch.fields).map(([name, column]) => [name, column[row] ?? null])),
  }
}
