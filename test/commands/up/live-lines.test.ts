import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { followLive } from '../../../commands/up/live-lines.ts'
import { freePort } from '../../services/mosquitto.ts'

const within = { timeout: 10_000, interval: 20 }
const path = {
  measurement: 'path',
  time: new Date(2026, 10, 23, 8, 30, 5).toISOString(),
  tags: { level: 'city', target: 'core', agent: 'a-gw1' },
  fields: { rtt_mean_seconds: 0.00214, loss_ratio: 0.1, jitter_seconds: null, sent_count: 10 },
}

describe('the lines of what arrives', () => {
  let port: number
  let server: Server | undefined
  let streams: ServerResponse[]
  let stop: AbortController
  let lines: string[]
  let following: Promise<void> | undefined

  beforeEach(async () => {
    port = await freePort()
    streams = []
    lines = []
    stop = new AbortController()
  })
  afterEach(async () => {
    stop.abort()
    await following
    close()
  })

  async function listen(): Promise<void> {
    server = createServer((request, response) => {
      if (request.url !== '/api/v1/live') return response.writeHead(404).end()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      return streams.push(response)
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  function close(): void {
    server?.closeAllConnections()
    server?.close()
    server = undefined
  }
  const follow = (lang: 'en' | 'zh') => {
    const url = `http://127.0.0.1:${port}/`
    following = followLive({ url, signal: stop.signal, lang, write: (line) => lines.push(line) })
  }
  const event = (data: unknown, type = 'stored') => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
  const send = async (...chunks: string[]) => {
    await vi.waitFor(() => expect(streams).toHaveLength(1), within)
    for (const chunk of chunks) streams[0]?.write(chunk)
  }

  it.each([
    ['en', '08:30:05  Path quality [city core]: RTT, mean 2.14 ms, Loss 10.0 %'],
    ['zh', '08:30:05  路径质量 [city core]: 平均往返时延 2.14 ms，丢包率 10.0 %'],
  ] as const)('are readable in %s, wherever the stream is cut', async (lang, line) => {
    await listen()
    follow(lang)
    const text = event(path)
    await send(': hello\n\n', text.slice(0, 40), text.slice(40, 60), text.slice(60))
    await vi.waitFor(() => expect(lines).toEqual([line]), within)
  })

  it('leave out what only matters on the board, and what is not known', async () => {
    await listen()
    follow('en')
    await send(
      event({ ...path, measurement: 'probe' }),
      event({ ...path, measurement: 'weather' }),
      event({ agent: 'a-gw1' }, 'fleet'),
      event({
        ...path,
        measurement: 'bandwidth',
        tags: { link: 'wan', direction: 'down' },
        fields: { outcome: 1, method: 9 },
      }),
    )
    await vi.waitFor(() => expect(lines).toHaveLength(1), within)
    expect(lines[0]).toContain('Bandwidth test [wan down]: Outcome met, Method 9')
  })

  it('go on when the collector was away, and before it is there', async () => {
    follow('en')
    await listen()
    await send(event(path))
    await vi.waitFor(() => expect(lines).toHaveLength(1), within)
    close()
    streams = []
    await listen()
    await send(event(path))
    await vi.waitFor(() => expect(lines).toHaveLength(2), within)
  })

  it('go on after an event that is no JSON', async () => {
    await listen()
    follow('en')
    await send('event: stored\ndata: {\n\n')
    streams = []
    await send(event(path))
    await vi.waitFor(() => expect(lines).toHaveLength(1), within)
  })

  it('end with their signal', async () => {
    await listen()
    follow('en')
    await send(': hello\n\n')
    stop.abort()
    await following
    expect(lines).toEqual([])
  })
})
